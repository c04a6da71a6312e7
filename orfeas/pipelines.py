"""What a job does between its request and its files, step by step.

Nothing here knows of queues, sessions or doors: a request, a folder and a :class:`Progress` go in, files come out.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from io import BytesIO
from pathlib import Path

import trimesh
from PIL import Image

from orfeas.apart import Apart
from orfeas.engines.base import Remover, ShapeEngine, ShapeRequest, ShapeResult, TextureEngine, TextureRequest
from orfeas.engines.subject import Subject, SubjectRequest, cut_subject
from orfeas.errors import InvalidMesh
from orfeas.files import write_whole
from orfeas.meshes.export import export
from orfeas.meshes.highlight import highlight
from orfeas.meshes.load import load_mesh
from orfeas.meshes.mend import Mended, mend
from orfeas.meshes.placement import place
from orfeas.meshes.provenance import Provenance, read_provenance
from orfeas.meshes.stats import measure
from orfeas.options import (
    Compression,
    OutputFormat,
    PictureOptions,
    RepairOptions,
    ShapeOptions,
    TextureFormat,
    TextureOptions,
)
from orfeas.pictures.turntable import TurntableOptions, make_portrait, make_turntable
from orfeas.progress import Progress, Stage
from orfeas.records import EngineInfo, ImageInfo, JobKind, MeshReport, Scalar
from orfeas.text_to_image.base import PictureEngine, PictureRequest
from orfeas.workspace import PREVIEW

THUMBNAIL_PX = 192
MAX_STEM = 40
# A pair of shoes or a tea set is meant; more pieces than this are mostly a cut-out that went wrong.
MANY_PIECES = 4
# How repaired meshes say by what they were made; the revision changes with what comes out.
REPAIR = "repair"
REPAIR_REVISION = "1"
REPAIR_TIMEOUT_S = 900.0
# A PNG at zlib's level 1 is a few per cent larger than at 6 and several times faster to write.
PNG_LEVEL = 1

SUFFIXES: Mapping[OutputFormat, str] = {
    OutputFormat.GLB: ".glb",
    OutputFormat.OBJ: ".zip",
    OutputFormat.STL: ".stl",
    OutputFormat.PLY: ".ply",
    OutputFormat.THREE_MF: ".3mf",
    OutputFormat.USDZ: ".usdz",
    OutputFormat.FBX: ".fbx",
}


@dataclass(frozen=True)
class PictureTask:
    """Words to be made a picture by ``engine``; ``options`` are effective; ``stem`` names its files.

    ``prompt`` is the caller's, ``final_prompt`` what the engine is given.
    """

    options: PictureOptions
    engine: PictureEngine
    stem: str
    prompt: str
    final_prompt: str


@dataclass(frozen=True)
class TextureTask:
    """A mesh to be painted by ``engine`` from a picture; ``options`` are effective; ``stem`` names its files.

    ``remover``, if any, cuts the subject out where the picture's own transparency does not.
    """

    options: TextureOptions
    engine: TextureEngine
    stem: str
    prompt: str = ""
    remover: Remover | None = None
    final_prompt: str = ""


@dataclass(frozen=True)
class ModelTask:
    """A picture to be made a model by ``engine``; ``options`` are effective.

    ``picture``, if any, is made first; ``painter``, if any, makes the texture; ``remover`` as in :class:`TextureTask`.
    """

    options: ShapeOptions
    engine: ShapeEngine
    stem: str
    picture: PictureTask | None = None
    painter: TextureTask | None = None
    remover: Remover | None = None

    @property
    def prompt(self) -> str:
        """The words it all began with; empty where it began with a picture."""
        return self.picture.prompt if self.picture else ""

    @property
    def final_prompt(self) -> str:
        """What the picture's engine is given; empty where it began with a picture."""
        return self.picture.final_prompt if self.picture else ""


@dataclass(frozen=True)
class RepairTask:
    """A mesh to be repaired, in a process of ``apart``; ``options`` are effective; ``stem`` names its files."""

    options: RepairOptions
    apart: Apart
    stem: str
    prompt: str = ""
    final_prompt: str = ""


Task = PictureTask | ModelTask | TextureTask | RepairTask


@dataclass(frozen=True)
class Made:
    """What a job made: sizes in bytes by format, the measures, sentences for the user, and the options it came to.

    ``mesh_before`` measures the mesh that a repair was given.
    """

    files: Mapping[str, int]
    mesh: MeshReport | None = None
    mesh_before: MeshReport | None = None
    image: ImageInfo | None = None
    notes: tuple[str, ...] = ()
    options: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True)
class JobFiles:
    """Where a job's files lie in its folder; ``stem`` names the files a user downloads."""

    folder: Path
    stem: str = field(default="model")

    @property
    def upload(self) -> Path:
        """The picture as it was uploaded; what it is, its content says."""
        return self.folder / "upload"

    @property
    def mesh(self) -> Path:
        """The mesh as it was uploaded; what it is, its content says."""
        return self.folder / "mesh"

    @property
    def mask(self) -> Path:
        """The mask of one's own as it was uploaded, where there is one; what it is, its content says."""
        return self.folder / "mask"

    @property
    def cut_out(self) -> Path:
        """The subject, RGBA PNG."""
        return self.folder / "cut_out.png"

    @property
    def thumbnail(self) -> Path:
        """What the job made, or its subject until then, small, WebP with alpha."""
        return self.folder / "thumbnail.webp"

    def turntable(self, options: TurntableOptions) -> Path:
        """The model turning, as those options want it."""
        name = f"{options.frames}x{options.size_px}px-{options.seconds:g}s-{options.background.removeprefix('#')}"
        return self.folder / "turntable" / name / f"{self.stem}.webp"

    @property
    def preview(self) -> Path:
        """What the picture looks like while it is being made, small, WebP; only until then."""
        return self.folder / PREVIEW

    @property
    def picture(self) -> Path:
        """The picture made from words, RGBA PNG."""
        return self.folder / "picture" / f"{self.stem}.png"

    def model(self, output_format: OutputFormat) -> Path:
        """The model in one format."""
        return self.folder / "model" / f"{self.stem}{SUFFIXES[output_format]}"

    @property
    def compressed(self) -> Path:
        """The GLB with its shape packed by Draco."""
        return self.folder / "draco" / f"{self.stem}.glb"

    @property
    def provenance(self) -> Path:
        """How the model was made, JSON, for the formats that cannot hold it."""
        return self.folder / "provenance.json"


def find_files(folder: Path) -> JobFiles:
    """The files of a job that has run, with the stem they were written under."""
    found = sorted(folder.glob("model/*.glb")) or sorted(folder.glob("picture/*.png"))
    return JobFiles(folder, found[0].stem) if found else JobFiles(folder)


def file_stem(text: str) -> str:
    """A short lower-case file name without extension for a prompt or an uploaded file's name.

    Only ASCII letters, digits and hyphens survive, so that no name can leave a folder.
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:MAX_STEM].strip("-") or "model"


def make(task: Task, kind: JobKind, folder: Path, progress: Progress) -> Made:
    """What the task says, from the files in the job's folder to more files there.

    Raises:
        OrfeasError: as the engines say.
    """
    files = JobFiles(folder, task.stem)
    if isinstance(task, PictureTask):
        return make_picture(task, files, progress)
    if isinstance(task, TextureTask):
        return make_texture(task, kind, files, progress)
    if isinstance(task, RepairTask):
        return make_repair(task, kind, files, progress)
    return make_model(task, kind, files, progress)


def make_picture(task: PictureTask, files: JobFiles, progress: Progress) -> Made:
    """Words → picture, written to ``files.picture``.

    Raises:
        OrfeasError: as the engine says.
    """
    result = task.engine.generate(PictureRequest(task.final_prompt, task.options), progress)
    data = png_bytes(result.image)
    write_whole(files.picture, data)
    _write_thumbnail(result.image, files)
    return Made(files={"png": len(data)}, notes=result.notes, options=reported_options(task))


def make_model(task: ModelTask, kind: JobKind, files: JobFiles, progress: Progress) -> Made:
    """(Words →) picture → cut-out → model (→ texture) → files.

    Raises:
        OrfeasError: as the engines say, and ``InvalidImage`` where nothing is in the foreground.
    """
    # 1. The picture: the one uploaded, or one made from words.
    pictured = make_picture(task.picture, files, progress) if task.picture else Made(files={})
    # 2. The subject, cut out of it.
    subject = _cut_out(files.picture if task.picture else files.upload, task, files, progress)
    task = replace(task, options=replace(task.options, remover=subject.remover))
    # 3. The model; the engines report their own stages.
    shape_options = replace(task.options, texture=False) if task.painter else task.options
    result = task.engine.generate(ShapeRequest(subject.image, shape_options), progress)
    if task.painter:
        request = TextureRequest(result.mesh, subject.image, task.painter.options)
        painted = task.painter.engine.generate(request, progress)
        result = ShapeResult(painted.mesh, (*result.notes, *painted.notes))
    # 4. In its place, and into files.
    notes = (*pictured.notes, subject.note, *result.notes)
    made = _save(result.mesh, notes, task, kind, files, progress)
    return replace(made, files={**pictured.files, **made.files})


def make_texture(task: TextureTask, kind: JobKind, files: JobFiles, progress: Progress) -> Made:
    """Mesh and picture → cut-out → texture → files.

    Raises:
        OrfeasError: as the engine says, ``InvalidMesh`` where the mesh cannot be read, and ``InvalidImage`` where
            nothing is in the foreground.
    """
    with progress.stage(Stage.CUT_OUT):
        mesh = load_mesh(files.mesh)
    subject = _cut_out(files.upload, task, files, progress)
    task = replace(task, options=replace(task.options, remover=subject.remover))
    result = task.engine.generate(TextureRequest(mesh, subject.image, task.options), progress)
    return _save(result.mesh, (subject.note, *result.notes), task, kind, files, progress)


def make_repair(task: RepairTask, kind: JobKind, files: JobFiles, progress: Progress) -> Made:
    """Mesh → sound mesh → files; the mesh is worked on in another process, which a hostile one may bring down.

    Raises:
        OrfeasError: ``InvalidMesh`` where the mesh cannot be read or repaired, and as the process ends.
    """
    with progress.stage(Stage.REPAIR):
        mended = task.apart.run(mend_file, progress, REPAIR_TIMEOUT_S, files.mesh, task.options)
    made = _save(mended.mesh, mended.notes, task, kind, files, progress)
    return replace(made, mesh_before=mended.before)


def mend_file(progress: Progress, mesh: Path, options: RepairOptions) -> Mended:
    """Read a mesh file and repair what is in it.

    Raises:
        InvalidMesh: it cannot be read, or not be repaired.
    """
    return mend(load_mesh(mesh), options, progress)


def inspect_file(_: Progress, mesh: Path) -> MeshReport:
    """Measure a mesh file.

    Raises:
        InvalidMesh: it cannot be read.
    """
    return measure(load_mesh(mesh))


def inspect_for_view(_: Progress, mesh: Path, view: Path) -> MeshReport:
    """Measure a mesh file, and write a GLB file ``view`` of it that marks what is wrong.

    Raises:
        InvalidMesh: it cannot be read.
    """
    loaded = load_mesh(mesh)
    write_whole(view, export(highlight(loaded) or loaded, OutputFormat.GLB, None))
    return measure(loaded)


def _cut_out(source: Path, task: ModelTask | TextureTask, files: JobFiles, progress: Progress) -> Subject:
    mask = files.mask if files.mask.exists() else None
    with progress.stage(Stage.CUT_OUT):
        subject = cut_subject(SubjectRequest(source, mask, task.options.remove_background, task.remover), progress)
        write_whole(files.cut_out, png_bytes(subject.image))
        _write_thumbnail(subject.image, files)
    return subject


def _save(
    mesh: trimesh.Trimesh,
    notes: tuple[str, ...],
    task: ModelTask | TextureTask | RepairTask,
    kind: JobKind,
    files: JobFiles,
    progress: Progress,
) -> Made:
    """The model in its place, measured, and written with how it was made."""
    with progress.stage(Stage.SAVE):
        placed = place(mesh, task.options.size_mm) if task.options.size_mm else mesh
        report = measure(placed)
        pieces = () if isinstance(task, RepairTask) else _warn_of_pieces(report)
        notes = (*notes, *pieces, *_warn_of_colours(report, task.options.output_format))
        provenance = Provenance(
            kind=kind,
            engine=engine_name(task),
            engine_revision=REPAIR_REVISION if isinstance(task, RepairTask) else task.engine.revision,
            is_preview=is_preview(task),
            options=reported_options(task),
            prompt=task.prompt,
            notes=notes,
        )
        progress.check()
        # The GLB comes last: where it is, everything a conversion needs is.
        write_whole(files.provenance, provenance.to_json())
        glb = export(placed, OutputFormat.GLB, provenance.written_as(OutputFormat.GLB), task.options.texture_format)
        write_model(glb, OutputFormat.GLB, files)
        convert(files, task.options.output_format)
        _write_thumbnail(make_portrait(placed, THUMBNAIL_PX, progress.check), files)
    sizes = {f.value: files.model(f).stat().st_size for f in OutputFormat if files.model(f).exists()}
    return Made(files=sizes, mesh=report, notes=notes, options=reported_options(task))


def _warn_of_pieces(report: MeshReport) -> tuple[str, ...]:
    if report.components <= MANY_PIECES:
        return ()
    sentence = (
        f"The model came out in {report.components} pieces. If the picture shows fewer, keep its background, "
        "or take one with more room around the object."
    )
    return (sentence,)


def convert(files: JobFiles, output_format: OutputFormat) -> Path:
    """The job's model in ``output_format``, converted from its GLB once and then kept."""
    path = files.model(output_format)
    if not path.exists():
        provenance = written_as(Provenance.from_json(files.provenance.read_bytes()), output_format)
        data = export(
            load_mesh(files.model(OutputFormat.GLB)), output_format, provenance, texture_format_of(provenance)
        )
        write_model(data, output_format, files)
    return path


def turn(files: JobFiles, options: TurntableOptions, progress: Progress) -> Path:
    """The job's model turning, drawn from its GLB once for those options and then kept.

    Raises:
        Cancelled: the user has stopped the work.
    """
    path = files.turntable(options)
    if not path.exists():
        write_whole(path, make_turntable(files.model(OutputFormat.GLB), options, progress))
    return path


def compress(files: JobFiles) -> Path:
    """The job's GLB with its shape packed by Draco, made once and then kept."""
    if not files.compressed.exists():
        provenance = Provenance.from_json(files.provenance.read_bytes()).written_as(OutputFormat.GLB)
        mesh = load_mesh(files.model(OutputFormat.GLB))
        texture_format = texture_format_of(provenance)
        write_whole(files.compressed, export(mesh, OutputFormat.GLB, provenance, texture_format, Compression.DRACO))
    return files.compressed


def convert_file(mesh: Path, output_format: OutputFormat, size_mm: float, compression: Compression) -> bytes:
    """A mesh file's content in another format, with how it was made where the file says so.

    Args:
        mesh: a file of any kind that can be read.
        output_format: what to write.
        size_mm: longest side to scale it to, standing on its base; 0 leaves it as it is.
        compression: of the shape in a GLB.

    Raises:
        InvalidMesh: it cannot be read.
        InvalidOption: what is asked for cannot be compressed.
    """
    loaded = load_mesh(mesh)
    placed = place(loaded, size_mm) if size_mm else loaded
    try:
        provenance = written_as(read_provenance(mesh), output_format)
    except InvalidMesh:
        return export(placed, output_format, None, compression=compression)  # made elsewhere; nobody knows how
    if size_mm:
        provenance = replace(provenance, options={**provenance.options, "size_mm": size_mm})
    return export(placed, output_format, provenance, texture_format_of(provenance), compression)


def _warn_of_colours(report: MeshReport, output_format: OutputFormat) -> tuple[str, ...]:
    if report.has_texture and output_format is OutputFormat.STL:
        return ("An STL holds no colours; the GLB and the 3MF of this job have the texture.",)
    return ()


def written_as(provenance: Provenance, output_format: OutputFormat) -> Provenance:
    """The same, for a file in ``output_format``; WebP, which only a GLB can hold, becomes JPEG elsewhere."""
    written = provenance.written_as(output_format)
    if output_format is OutputFormat.GLB or written.options.get("texture_format") != TextureFormat.WEBP:
        return written
    return replace(written, options={**written.options, "texture_format": TextureFormat.JPEG.value})


def texture_format_of(provenance: Provenance) -> TextureFormat:
    """How a file keeps its texture, as it says itself."""
    try:
        return TextureFormat(str(provenance.options.get("texture_format", TextureFormat.JPEG)))
    except ValueError:
        return TextureFormat.JPEG  # a word that a stranger's file may hold


def write_model(data: bytes, output_format: OutputFormat, files: JobFiles) -> None:
    """Write the model's bytes where they belong, whole or not at all."""
    write_whole(files.model(output_format), data)


def is_preview(task: Task) -> bool:
    """Whether any engine at work here is a preview engine."""
    return any(info.is_preview for info in _infos(task))


def is_learned(task: Task) -> bool:
    """Whether any engine at work here runs learned networks, which want a GPU."""
    return any(not info.is_preview for info in _infos(task))


def engine_name(task: Task) -> str:
    """Who does the main part of the work."""
    return REPAIR if isinstance(task, RepairTask) else task.engine.name.value


def _infos(task: Task) -> Iterator[EngineInfo]:
    if isinstance(task, RepairTask):
        return
    yield task.engine.info()
    for part in (task.picture, task.painter) if isinstance(task, ModelTask) else ():
        if part is not None:
            yield from _infos(part)


def reported_options(task: Task) -> dict[str, Scalar]:
    """Every effective value under the endpoint's own parameter names, so that the call can be repeated."""
    options: dict[str, Scalar] = {
        name: value.value if isinstance(value, StrEnum) else value for name, value in asdict(task.options).items()
    }
    if isinstance(task, ModelTask) and task.picture:
        text = task.picture.options
        return {
            "style": text.style.value,
            "text_engine": text.engine.value,
            **options,
            "negative_prompt": text.negative_prompt,
            "picture_steps": text.num_inference_steps,
            "picture_guidance_scale": text.guidance_scale,
            "size_px": text.size_px,
        }
    return options


def png_bytes(image: Image.Image) -> bytes:
    """A picture as a PNG file, quick to write rather than small."""
    buffer = BytesIO()
    image.save(buffer, "PNG", compress_level=PNG_LEVEL)
    return buffer.getvalue()


def write_preview(image: Image.Image, files: JobFiles) -> None:
    """Let a picture that is being made be seen as it stands now."""
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=80)
    write_whole(files.preview, buffer.getvalue())


def _write_thumbnail(image: Image.Image, files: JobFiles) -> None:
    small = image.copy()
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    buffer = BytesIO()
    small.save(buffer, "WEBP", quality=85)
    write_whole(files.thumbnail, buffer.getvalue())
