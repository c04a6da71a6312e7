"""What the Mesh tab does besides painting, as plain methods; they know nothing of Gradio."""

from dataclasses import dataclass
from pathlib import Path

from orfeas.jobs import Caller
from orfeas.options import OutputFormat, parse_number, parse_print_options
from orfeas.progress import Progress
from orfeas.records import Job, JobKind
from orfeas.studio import Studio
from orfeas.ui import submissions
from orfeas.ui.markup import result
from orfeas.ui.mesh_tab import markup
from orfeas.ui.submissions import Values, mesh_path
from orfeas.ui.words import KIND_NAMES

VIEWED = "mesh.glb"
# What the tab calls as the endpoint does.
PRINTED = ("smooth_steps", "remesh", "lay_flat", "printer_mm", "hollow_mm", "drain_holes")


@dataclass(frozen=True)
class Inspection:
    """What the stage shows of a mesh that was chosen.

    Attributes:
        status: HTML under the viewer.
        announcement: the same for a screen reader, in a few words.
        model: GLB file for the viewer, its defects marked.
    """

    status: str
    announcement: str
    model: Path


class MeshHandlers:
    """The tab's actions over a studio."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def inspect(self, mesh: object, folder: Path, progress: Progress) -> Inspection:
        """Measure the mesh that was chosen, and write what the viewer shows of it into ``folder``.

        Raises:
            OrfeasError: the mesh cannot be read; ``Cancelled`` where it was stopped.
        """
        path = mesh_path(mesh)
        report = self._studio.meshes.inspect_for_view(path, folder / VIEWED, progress)
        return Inspection(markup.inspection(_name_of(mesh), report), markup.verdict_text(report), folder / VIEWED)

    def check_print(self, mesh: object, material: object, shown_id: str, progress: Progress) -> str:
        """HTML under the viewer: what printing the model on the stage comes to.

        Args:
            mesh: the mesh that was chosen; it is checked where the stage shows no job's model.
            material: what it would be printed in.
            shown_id: the job that the stage shows, whose result stays over the check; empty for none.
            progress: where to tell how it goes.

        Raises:
            OrfeasError: the mesh cannot be read, has no inside, or has expired.
        """
        options = parse_print_options(material=material)
        job = self._studio.job(shown_id) if shown_id else None
        if job is None or job.kind == JobKind.TEXT_TO_IMAGE:
            report = self._studio.meshes.inspect_print(mesh_path(mesh), options, progress)
            return markup.print_check(_name_of(mesh), report)
        model = self._studio.results.download(job.job_id, OutputFormat.GLB)
        report = self._studio.meshes.inspect_print(model, options, progress)
        return result(job) + markup.print_check(job.prompt or KIND_NAMES[job.kind], report)

    def submit_repair(self, values: Values, caller: Caller) -> Job:
        """Submit the mesh in the tab, to be repaired as the tab says."""
        asked = {
            "mesh": values["mesh"],
            "target_faces": values["repair_faces"],
            "size_mm": values["mesh_size_mm"],
            # A refusal tells the range of the tab's own unit.
            "min_part": parse_number("min_part", values["min_part_percent"], 0, 100) / 100,
            "keep_shells": values["keep_shells"],
            **{name: values[name] for name in PRINTED},
            "texture_format": values["texture_format"],
            "output_format": OutputFormat.GLB,
        }
        return submissions.submit_repair(self._studio, asked, caller)


def _name_of(mesh: object) -> str:
    """What the file was called where it came from."""
    return str(mesh.get("orig_name") or mesh_path(mesh).name) if isinstance(mesh, dict) else mesh_path(mesh).name
