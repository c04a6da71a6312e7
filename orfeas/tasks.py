"""What jobs are to do: checked options with the engines that will do it, and what comes of it."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from orfeas.apart import Apart
from orfeas.engines.base import Remover, ShapeEngine, TextureEngine
from orfeas.options import PictureOptions, RepairOptions, ShapeOptions, TextureOptions
from orfeas.records import EngineInfo, MeshReport, Scalar
from orfeas.text_to_image.base import PictureEngine

# How repaired meshes say by what they were made; the revision changes with what comes out.
REPAIR = "repair"
REPAIR_REVISION = "1"


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

    ``remover``, if any, cuts the subject out where the picture's own transparency does not. The mesh, which a stranger
    may have sent, is read in a process of ``apart``, and saved there where it is large.
    """

    options: TextureOptions
    engine: TextureEngine
    stem: str
    apart: Apart
    prompt: str = ""
    remover: Remover | None = None
    final_prompt: str = ""


@dataclass(frozen=True)
class ModelTask:
    """A picture to be made a model by ``engine``; ``options`` are effective.

    ``picture``, if any, is made first; ``painter``, if any, makes the texture; ``remover`` as in :class:`TextureTask`.
    A large model is saved in a process of ``apart``.
    """

    options: ShapeOptions
    engine: ShapeEngine
    stem: str
    apart: Apart
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
    notes: tuple[str, ...] = ()
    options: Mapping[str, Scalar] = field(default_factory=dict)


def is_preview(task: Task) -> bool:
    """Whether any engine at work here is a preview engine."""
    return any(info.is_preview for info in _infos(task))


def is_learned(task: Task) -> bool:
    """Whether any engine at work here runs learned networks, which want a GPU."""
    return any(not info.is_preview for info in _infos(task))


def engine_name(task: Task) -> str:
    """Who does the main part of the work."""
    return REPAIR if isinstance(task, RepairTask) else task.engine.name.value


def engine_revision(task: Task) -> str:
    """Which version of it."""
    return REPAIR_REVISION if isinstance(task, RepairTask) else task.engine.revision


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
