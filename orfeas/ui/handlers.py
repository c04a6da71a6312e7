"""What the page does, as plain methods: they take values and return what to show. They know nothing of Gradio."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from orfeas.errors import InvalidMesh, NotFound
from orfeas.jobs import Caller
from orfeas.options import PICTURE_OPTIONS, Quality, RepairOptions, TextureEngineChoice
from orfeas.progress import Stage
from orfeas.records import Job, JobKind, JobStatus, Scalar, counted
from orfeas.studio import Studio
from orfeas.ui import markup, submissions
from orfeas.ui.cut_out.handlers import with_cut_out
from orfeas.ui.examples import Example
from orfeas.ui.mesh_tab.handlers import MeshHandlers
from orfeas.ui.submissions import Values
from orfeas.ui.words import stage_text

# Where options of a painted or repaired mesh have an input of another name.
OF_THE_MESH_TAB = {
    JobKind.TEXTURE: {
        "engine": "texture_engine",
        "size_mm": "mesh_size_mm",
        "remove_background": "front_background",
    },
    JobKind.REPAIR: {"target_faces": "repair_faces", "size_mm": "mesh_size_mm"},
}
# What the Mesh tab takes from the advanced options.
SHARED = (
    "quality",
    "remover",
    "seed",
    "texture_size",
    "texture_format",
    "num_inference_steps",
    "guidance_scale",
)


# What the Words tab holds; the names of its inputs are those of ``/text_to_3d``, which has two of many an option.
WORDS = (
    "prompt",
    "style",
    "text_engine",
    "negative_prompt",
    "picture_steps",
    "picture_guidance_scale",
    "size_px",
)


@dataclass(frozen=True)
class View:
    """What the stage shows of one job.

    Attributes:
        job: the job as it stands.
        status: HTML under the viewer.
        announcement: the same for a screen reader, in a few words; it changes with the stage, not with the time.
        model: the model for the viewer, where there is one.
        cut_out: HTML in a corner of the viewer, once the subject is cut out.
        picture: HTML over the viewer, where the job made a picture only.
        preview: HTML over the viewer, while the job makes a picture and there is something to see of it.
    """

    job: Job
    status: str
    announcement: str
    model: Path | None = None
    cut_out: str = ""
    picture: str = ""
    preview: str = ""

    @property
    def is_live(self) -> bool:
        """Whether the job goes on, so that the page should ask again."""
        return not self.job.status.is_final


class Handlers:
    """The page's actions over a studio."""

    def __init__(self, studio: Studio, examples: Sequence[Example]) -> None:
        self._studio = studio
        self._examples = tuple(examples)
        self.mesh = MeshHandlers(studio)

    def submit_image(self, values: Values, caller: Caller) -> View:
        """Submit the picture in the Picture tab, cut out as its panel shows it."""
        return self._view(submissions.submit_image(self._studio, _without_idle(with_cut_out(values)), caller))

    def submit_example(self, key: str, values: Values, caller: Caller) -> View:
        """Submit the example that was pressed.

        Raises:
            NotFound: there is no such example.
        """
        return self.submit_image({**values, "image": {"path": str(self.example(key).path)}}, caller)

    def example(self, key: str) -> Example:
        """The example behind a tile.

        Raises:
            NotFound: there is no such example.
        """
        if not key.isdecimal() or int(key) >= len(self._examples):
            raise NotFound("There is no such example.")
        return self._examples[int(key)]

    def submit_words(self, values: Values, caller: Caller) -> View:
        """Submit the words for a picture; the picture's seed is new each time unless one is given."""
        picture = {PICTURE_OPTIONS.get(name, name): values[name] for name in (*WORDS, "seed")}
        return self._view(submissions.submit_words(self._studio, picture, caller))

    def submit_words_to_model(self, values: Values, caller: Caller) -> View:
        """Submit the words for a model in one go."""
        return self._view(submissions.submit_words_to_model(self._studio, _without_idle(values), caller))

    def submit_picture_of(self, job_id: str, values: Values, caller: Caller) -> View:
        """Make a model of the picture that an earlier job made."""
        picture = {"path": str(self._studio.results.picture(job_id))}
        return self.submit_image({**values, "image": picture}, caller)

    def submit_mesh(self, values: Values, caller: Caller) -> View:
        """Submit the mesh and the picture in the Mesh tab; what the two tabs share comes from the advanced options."""
        named = {name: values[name] for name in (*SHARED, "background", "keep_uv")}
        files = {"mesh": values["mesh"], "image": values["front"], "mask": values["mask"]}
        own = {"engine": values["texture_engine"], "size_mm": values["mesh_size_mm"]}
        asked = with_cut_out({**named, **files, **own})
        return self._view(submissions.submit_texture(self._studio, asked, caller))

    def submit_repair(self, values: Values, caller: Caller) -> View:
        """Submit the mesh in the Mesh tab, to be repaired."""
        return self._view(self.mesh.submit_repair(values, caller))

    def follow(self, job_id: str) -> View:
        """The job as it stands now."""
        return self._view(self._studio.job(job_id))

    def stop(self, job_id: str) -> View:
        """Stop the job."""
        return self._view(self._studio.cancel(job_id))

    def history(self, owner: str, current_id: str) -> str:
        """The tiles of what was made, the one on the stage marked."""
        return markup.history(self._studio.history(owner), current_id)

    def live_job(self, owner: str) -> Job | None:
        """The newest job of a browser that waits or runs, whichever of its pages started it."""
        return next((job for job in self._studio.history(owner) if not job.status.is_final), None)

    def seconds_by_quality(self) -> dict[Quality, float]:
        """How long a model of a picture takes on this machine, for each quality that was measured."""
        ready = {info.kind: info.name for info in reversed(self._studio.engines()) if info.is_ready}
        engine, painter = ready.get("shape", ""), ready.get("texture", "")
        expected_s = self._studio.jobs.expected_s
        found = {
            q: expected_s(JobKind.IMAGE_TO_3D, f"{engine}+{painter}", q.value)
            or expected_s(JobKind.IMAGE_TO_3D, engine, q.value)
            for q in Quality
        }
        return {quality: seconds for quality, seconds in found.items() if seconds is not None}

    def settings_of(self, job_id: str) -> dict[str, Scalar]:
        """The options of a job under the inputs' names."""
        return dict(self._studio.job(job_id).options)

    def settings_from(self, model: Path) -> dict[str, Scalar]:
        """The options that a model file says it was made with, and its prompt where it has one.

        Raises:
            InvalidMesh: the file holds none.
        """
        provenance = self._studio.meshes.settings_from(model)
        if not provenance.options:
            raise InvalidMesh("This file has no room for its settings. Load the same model in any other format.")
        options = dict(provenance.options)
        if provenance.kind in OF_THE_MESH_TAB:
            names = OF_THE_MESH_TAB[provenance.kind]
            if provenance.kind is JobKind.REPAIR:
                options["min_part_percent"] = 100 * float(options.pop("min_part", RepairOptions().min_part))
            options = {names.get(name, name): value for name, value in options.items()}
        return {**options, **({"prompt": provenance.prompt} if provenance.prompt else {})}

    def _view(self, job: Job) -> View:
        if job.status == JobStatus.COMPLETED:
            return self._completed(job)
        if job.status == JobStatus.FAILED:
            message = job.error.message if job.error else "The job did not finish."
            status = markup.notice("failed", "That did not work", message)
            return View(job, status, f"Failed. {message}")
        if job.status == JobStatus.CANCELLED:
            status = markup.notice("stopped", "Stopped", "Nothing was lost: your inputs are as they were.")
            return View(job, status, "Stopped.")
        return self._working(job)

    def _completed(self, job: Job) -> View:
        if job.kind == JobKind.TEXT_TO_IMAGE:
            return View(job, markup.result(job), "The picture is ready.", picture=markup.picture(job))
        try:
            model = self._studio.results.view(job.job_id)
        except NotFound as error:
            return View(job, markup.notice("failed", "This model has expired", str(error)), "Expired.")
        faces = counted(job.mesh.faces, "face") if job.mesh else ""
        return View(job, markup.result(job), f"The model is ready. {faces}", model, self._cut_out(job))

    def _working(self, job: Job) -> View:
        ahead = self._studio.jobs.ahead(job.job_id) if job.status == JobStatus.QUEUED else 0
        left = self._studio.jobs.left_s(job.job_id)
        status = markup.working(job, _age_s(job), left, ahead)
        told = stage_text(job).split(",")[0]
        return View(job, status, told, cut_out=self._cut_out(job), preview=self._preview(job))

    def _preview(self, job: Job) -> str:
        if job.stage != Stage.PICTURE:
            return ""
        try:
            self._studio.results.preview(job.job_id)
        except NotFound:
            return ""
        return markup.preview(job)

    def _cut_out(self, job: Job) -> str:
        try:
            self._studio.results.cut_out(job.job_id)
        except NotFound:
            return ""
        return markup.cut_out(job)


def _without_idle(values: Values) -> Values:
    """The form without what it says of a texture that is not wanted: those inputs wait for the box to be ticked."""
    if values.get("texture", True):
        return values
    return {**values, "texture_engine": TextureEngineChoice.AUTO.value, "texture_size": 0}


def _age_s(job: Job) -> float:
    return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(job.created)).total_seconds())
