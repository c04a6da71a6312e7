"""What a job does between its request and its files, step by step.

Nothing here knows of queues, sessions or doors: a request, a folder and a :class:`Progress` go in, files come out.
"""

from dataclasses import replace
from pathlib import Path

import trimesh

from orfeas.engines.base import ShapeRequest, ShapeResult, TextureRequest
from orfeas.engines.subject import Subject, SubjectRequest, cut_subject
from orfeas.files import write_whole
from orfeas.job_files import JobFiles, png_bytes, write_thumbnail
from orfeas.mesh_files import load_file, mend_file, prepare_mesh
from orfeas.meshes.provenance import Provenance
from orfeas.options import OutputFormat
from orfeas.progress import Progress, Stage
from orfeas.records import JobKind
from orfeas.saving import Model, save
from orfeas.tasks import (
    Made,
    ModelTask,
    PictureTask,
    RepairTask,
    Task,
    TextureTask,
    engine_name,
    engine_revision,
    is_preview,
    reported_options,
)
from orfeas.text_to_image.base import PictureRequest

REPAIR_TIMEOUT_S = 900.0
LOAD_TIMEOUT_S = 120.0


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
    write_thumbnail(result.image, files)
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
        mesh = task.apart.run(load_file, progress, LOAD_TIMEOUT_S, files.mesh)
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
    mesh, notes = mended.mesh, mended.notes
    if task.options.is_prepared:
        with progress.stage(Stage.PREPARE):
            prepared = task.apart.run(prepare_mesh, progress, REPAIR_TIMEOUT_S, mesh, task.options)
        mesh, notes = prepared.mesh, (*notes, *prepared.notes)
    made = _save(mesh, notes, task, kind, files, progress)
    return replace(made, mesh_before=mended.before)


def _cut_out(source: Path, task: ModelTask | TextureTask, files: JobFiles, progress: Progress) -> Subject:
    mask = files.mask if files.mask.exists() else None
    with progress.stage(Stage.CUT_OUT):
        subject = cut_subject(SubjectRequest(source, mask, task.options.remove_background, task.remover), progress)
        write_whole(files.cut_out, png_bytes(subject.image))
        write_thumbnail(subject.image, files)
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
    provenance = Provenance(
        kind=kind,
        engine=engine_name(task),
        engine_revision=engine_revision(task),
        is_preview=is_preview(task),
        options=reported_options(task),
        prompt=task.prompt,
        notes=notes,
    )
    # A repair has its size already.
    size_mm = 0.0 if isinstance(task, RepairTask) else task.options.size_mm
    model = Model(mesh, size_mm, task.options.output_format, task.options.texture_format, provenance)
    saved = save(model, files, task.apart, progress)
    sizes = {f.value: files.model(f).stat().st_size for f in OutputFormat if files.model(f).exists()}
    return Made(files=sizes, mesh=saved.mesh, notes=saved.notes, options=reported_options(task))
