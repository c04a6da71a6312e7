"""How far a job is and how long it will take, from the times of jobs before it."""

from collections.abc import Mapping
from dataclasses import dataclass

from orfeas.progress import Stage, Step
from orfeas.records import JobKind

# Shares of the whole before the first job of a kind has been measured here; only their proportions matter.
_MODEL = {Stage.CUT_OUT: 2.0, Stage.SHAPE: 4.0, Stage.SURFACE: 1.0, Stage.TEXTURE: 2.0, Stage.SAVE: 1.0}
FIRST_GUESS: Mapping[JobKind, Mapping[Stage, float]] = {
    JobKind.IMAGE_TO_3D: _MODEL,
    JobKind.TEXT_TO_IMAGE: {Stage.PICTURE: 1.0},
    JobKind.TEXT_TO_3D: {Stage.PICTURE: 2.0, **_MODEL},
    JobKind.TEXTURE: {Stage.CUT_OUT: 2.0, Stage.TEXTURE: 6.0, Stage.SAVE: 1.0},
    JobKind.REPAIR: {Stage.SURFACE: 4.0, Stage.SAVE: 1.0},
}
ORDER = tuple(Stage)


@dataclass(frozen=True)
class Plan:
    """The stages a job is expected to pass.

    Attributes:
        shares: each stage's part of the work; seconds where ``is_measured``.
        is_measured: whether a job like it has completed on this machine.
    """

    shares: Mapping[Stage, float]
    is_measured: bool

    @property
    def total_s(self) -> float | None:
        """Seconds from the job's start to its end."""
        return sum(self.shares.values()) if self.is_measured else None

    def progress(self, step: Step) -> float:
        """Share of the work that is done at ``step``, 0 to 1; stages that were left out count as done."""
        total = sum(self.shares.values())
        before = sum(self.shares.get(stage, 0.0) for stage in ORDER[: ORDER.index(step.stage)])
        within = self.shares.get(step.stage, 0.0) * (step.done / step.total if step.total else 0.0)
        return min(1.0, (before + within) / total) if total > 0 else 0.0


def make_plan(kind: JobKind, measured: Mapping[Stage, float]) -> Plan:
    """The plan of a job of that kind, from the mean seconds of stages measured, if any."""
    return Plan(measured, is_measured=True) if measured else Plan(FIRST_GUESS[kind], is_measured=False)
