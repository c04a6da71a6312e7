"""The records of the API: what jobs, pictures and meshes look like to a script.

Field names are a promise. Every record is frozen and turns into plain JSON by :func:`to_json`.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum

Scalar = str | int | float | bool
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

# 128 random bits: a job's id is the right to see and to stop it.
JOB_ID_BYTES = 16
JOB_ID = re.compile(r"[0-9a-f]{32}")


def new_job_id() -> str:
    """An id that nobody can guess, fit for a folder's name."""
    return secrets.token_hex(JOB_ID_BYTES)


def is_job_id(text: str) -> bool:
    """Whether ``text`` has the form of a job's id; nothing else may name a folder or a row."""
    return JOB_ID.fullmatch(text) is not None


def counted(count: int, noun: str) -> str:
    """A number of things as people read it, such as ``1 face`` or ``39,812 faces``; ``noun`` takes an s."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


class JobKind(StrEnum):
    """What a job makes."""

    IMAGE_TO_3D = "image_to_3d"
    TEXT_TO_IMAGE = "text_to_image"
    TEXT_TO_3D = "text_to_3d"
    TEXTURE = "texture"
    REPAIR = "repair"


class JobStatus(StrEnum):
    """Where a job is in its life; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether the job will change no more."""
        return self in (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)


@dataclass(frozen=True)
class ImageInfo:
    """A picture as uploaded, measured after its EXIF orientation was applied."""

    width: int
    height: int
    format: str
    mode: str
    has_alpha: bool
    bytes: int
    orientation_applied: bool


class Use(StrEnum):
    """What a model is wanted for."""

    PRINT = "print"
    GAME = "game"


@dataclass(frozen=True)
class Finding:
    """Something that stands against a use of a mesh: the problem and what to do, a sentence each."""

    use: Use
    problem: str
    fix: str


@dataclass(frozen=True)
class MeshReport:
    """What a slicer or a game engine would want to know; lengths in millimetres, Y up.

    ``volume_mm3`` is None where the mesh is not watertight. ``size_mm`` is ``(x, y, z)``. ``crossing_faces`` pass
    through others of their own body; None where that was not looked for, as above 400,000 faces. ``findings`` says what
    stands against printing it or using it in a game; nothing where it is sound.
    """

    vertices: int
    faces: int
    components: int
    is_watertight: bool
    is_winding_consistent: bool
    euler_number: int
    boundary_edges: int
    non_manifold_edges: int
    degenerate_faces: int
    volume_mm3: float | None
    area_mm2: float
    size_mm: tuple[float, float, float]
    has_uv: bool
    has_texture: bool
    materials: int
    crossing_faces: int | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class PrintReport:
    """What printing a mesh comes to as it stands: lengths in millimetres, estimates by rays.

    ``solid_g`` is its mass in ``material``, filled through. Walls are measured at places all over the surface: the
    thinnest, the twentieth below which 5 % lie, and the share thinner than ``min_wall_mm``. All these are None where
    nothing is solid; ``why_not`` then says why in half a sentence. ``notes`` say what the numbers leave open.
    ``overhang_share`` of the surface leans further than ``max_overhang_deg`` from the vertical, above the plate;
    ``support_mm3`` is the space below it. ``plate_mm2`` lies on the plate.
    """

    material: str
    solid_g: float | None
    min_wall_mm: float
    thinnest_wall_mm: float | None
    p5_wall_mm: float | None
    thin_share: float | None
    max_overhang_deg: float
    overhang_mm2: float
    overhang_share: float
    support_mm3: float
    plate_mm2: float
    why_not: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """Why a job failed or was cancelled: the stable code and the sentence for the user."""

    code: str
    message: str


@dataclass(frozen=True)
class Job:
    """One job, as ``/job_status`` tells it.

    ``name`` is what its files are called. ``final_prompt`` is what the engine that made the picture was given for
    ``prompt``. ``progress`` runs from 0 to 1. ``options`` holds every effective value under
    the endpoint's own parameter names, so that the call can be repeated. ``left_s`` is how long a running job will take
    from its last step on; None where that is not known yet. ``timings_s`` has a value per stage and, in the end, their
    ``total``. ``mesh_before`` measures what a repair was given. ``files`` maps a format to its size in bytes.
    ``created`` and ``finished`` are ISO 8601 in UTC.
    """

    job_id: str
    kind: JobKind
    status: JobStatus
    created: str
    stage: str = ""
    step: int = 0
    steps: int = 0
    progress: float = 0.0
    left_s: float | None = None
    engine: str = ""
    engine_reason: str = ""
    is_preview: bool = False
    notes: tuple[str, ...] = ()
    name: str = ""
    prompt: str = ""
    final_prompt: str = ""
    options: Mapping[str, Scalar] = field(default_factory=dict)
    image: ImageInfo | None = None
    mesh: MeshReport | None = None
    mesh_before: MeshReport | None = None
    timings_s: Mapping[str, float] = field(default_factory=dict)
    files: Mapping[str, int] = field(default_factory=dict)
    finished: str | None = None
    error: Failure | None = None


@dataclass(frozen=True)
class CutOutReport:
    """A cut-out, as ``/cut_out`` tells it.

    ``remover`` removed the background, ``auto`` where nobody did; ``reason`` says why it was chosen, and ``note`` what
    was done. ``kept_share`` is the share of the picture that is the subject, 0 to 1.
    """

    remover: str
    reason: str
    note: str
    kept_share: float
    width: int
    height: int
    seconds: float


class FetchStatus(StrEnum):
    """How an engine's published weights stand on this machine."""

    MISSING = "missing"
    FETCHING = "fetching"
    COMPLETE = "complete"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class FetchState:
    """An engine's published weights, and how fetching them goes.

    ``total_bytes`` is about right until the Hub was asked, and exact from then on. ``done_bytes`` is what is here, as
    far as it was looked at. ``left_s`` is None where no speed was measured yet. ``message`` says why the last fetch
    failed.
    """

    status: FetchStatus
    total_bytes: int
    done_bytes: int = 0
    bytes_per_s: float = 0.0
    left_s: float | None = None
    message: str = ""

    @property
    def amount(self) -> str:
        """How much is here, such as ``2.1 of 7.4 GB``."""
        return f"{self.done_bytes / 1e9:.1f} of {self.total_bytes / 1e9:.1f} GB"


@dataclass(frozen=True)
class EngineInfo:
    """One engine as the engines panel lists it.

    ``kind`` is ``shape``, ``texture``, ``text_to_image`` or ``background``; ``why_not`` is empty where it is ready;
    ``needs`` says in words what it takes to run. ``weights`` is the name that its published weights are fetched by, and
    ``fetch`` how that stands; empty and None where it needs none. ``lacks`` names options that it is known to refuse.
    """

    name: str
    kind: str
    title: str
    is_ready: bool
    why_not: str
    needs: str
    licence: str
    good_for: str
    is_preview: bool
    weights: str = ""
    fetch: FetchState | None = None
    lacks: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Kind and name: two engines of different kinds may have the same name."""
        return f"{self.kind}-{self.name}"


def to_json(record: ImageInfo | MeshReport | Job | EngineInfo | CutOutReport | PrintReport) -> dict[str, Json]:
    """The record as the JSON object that scripts see."""
    plain: dict[str, Json] = asdict(record)
    return plain
