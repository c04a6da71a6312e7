"""How far a job is and how long it will take, from the times of jobs before it."""

from collections.abc import Mapping
from dataclasses import dataclass

from orfeas.progress import Stage, Step
from orfeas.records import JobKind

# Shares of the whole before the first job of a kind has been measured here; only their proportions matter.
_TEXTURE = {Stage.UNWRAP: 0.5, Stage.TEXTURE: 2.0, Stage.ENLARGE: 0.5, Stage.BAKE: 1.0}
_MODEL = {Stage.CUT_OUT: 2.0, Stage.SHAPE: 4.0, Stage.SURFACE: 1.0, **_TEXTURE, Stage.SAVE: 1.0}
FIRST_GUESS: Mapping[JobKind, Mapping[Stage, float]] = {
    JobKind.IMAGE_TO_3D: _MODEL,
    JobKind.TEXT_TO_IMAGE: {Stage.PICTURE: 1.0},
    JobKind.TEXT_TO_3D: {Stage.PICTURE: 2.0, **_MODEL},
    JobKind.TEXTURE: {Stage.CUT_OUT: 2.0, **_TEXTURE, Stage.SAVE: 1.0},
    JobKind.REPAIR: {Stage.REPAIR: 4.0, Stage.PREPARE: 4.0, Stage.SAVE: 1.0},
}
ORDER = tuple(Stage)


@dataclass(frozen=True)
class Plan:
    """The stages a job is expected to pass.

    Attributes:
        shares: each stage's part of the work; seconds where ``is_measured``.
        is_measured: whether a job like it has completed on this machine; the shares are its seconds then.
        tells_time: whether a job like it, or the pace of its own steps, says how long it takes.
    """

    shares: Mapping[Stage, float]
    is_measured: bool
    tells_time: bool = True

    @property
    def total_s(self) -> float | None:
        """Seconds from the job's start to its end."""
        return sum(self.shares.values()) if self.is_measured and self.tells_time else None

    def left_s(self, step: Step, spent_s: float, step_s: float | None) -> float | None:
        """Seconds from ``step`` to the job's end; None where neither this job nor one before it tells.

        Args:
            step: where the job stands.
            spent_s: seconds since its stage began.
            step_s: seconds that each of the stage's steps took in this job; None before the second one.
        """
        share = self.shares.get(step.stage, 0.0)
        later = sum(self.shares.get(stage, 0.0) for stage in ORDER[ORDER.index(step.stage) + 1 :])
        if not self.tells_time or (step_s is None and not self.is_measured):
            return None
        if step_s is None:
            own_s = share * (1 - step.done / step.total) if step.total else share - spent_s
            return max(0.0, own_s) + later
        in_stage_s = step_s * (step.total - step.done)
        if self.is_measured:
            return in_stage_s + later
        # What the first guess says of the stages to come, at this one's speed.
        return in_stage_s + step_s * step.total * later / share if share else in_stage_s

    def progress(self, step: Step) -> float:
        """Share of the work that is done at ``step``, 0 to 1; stages that were left out count as done."""
        total = sum(self.shares.values())
        before = sum(self.shares.get(stage, 0.0) for stage in ORDER[: ORDER.index(step.stage)])
        within = self.shares.get(step.stage, 0.0) * (step.done / step.total if step.total else 0.0)
        return min(1.0, (before + within) / total) if total > 0 else 0.0


def make_plan(kind: JobKind, measured: Mapping[Stage, float], *, has_texture: bool = True) -> Plan:
    """The plan of a job of that kind, from the mean seconds of stages measured, if any.

    A repair tells no time: meshes differ in size from one to the next, and its steps in length from one to the next.
    """
    shares = measured or FIRST_GUESS[kind]
    kept = {stage: share for stage, share in shares.items() if has_texture or stage not in _TEXTURE}
    return Plan(kept, is_measured=bool(measured), tells_time=kind is not JobKind.REPAIR)
