"""How a pipeline fits into the memory of a device: all of it there, or one part at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

# Of a picture in the decoder: widths of its finest level at full size, as for the texture's pictures, and that level's
# usual channels. Nothing else in a pipeline has larger activations at the sizes that are made here.
DECODER_WIDTHS, DECODER_CHANNELS = 6, 128
# What libraries and kernels take on a device, however small the picture.
WORKSPACE_BYTES = 1_050_000_000


class Placement(IntEnum):
    """From the fastest to the one that needs least."""

    RESIDENT = 0
    STAGED = 1


@dataclass(frozen=True)
class Plan:
    """How a pipeline is laid out in memory.

    Attributes:
        placement: resident: everything stays on the device. Staged: one part at a time, the others in main memory.
        needed_bytes: about what it takes on the device.
    """

    placement: Placement
    needed_bytes: int

    @property
    def sentence(self) -> str:
        """What the plan means, for a person."""
        return {
            Placement.RESIDENT: "everything stays in device memory",
            Placement.STAGED: "the model's parts take turns in device memory",
        }[self.placement]


def make_plans(values: Sequence[int], size_px: int, itemsize: int, device_kind: str) -> tuple[Plan, ...]:
    """The plans for parts of so many values each, the fastest first.

    Only a device with memory of its own is helped by keeping parts elsewhere.

    Args:
        values: numbers that each part holds.
        size_px: side of the largest picture.
        itemsize: bytes of a number.
        device_kind: such as ``cuda``.
    """
    working = DECODER_WIDTHS * DECODER_CHANNELS * size_px**2 * itemsize
    if device_kind != "cpu":
        working += WORKSPACE_BYTES
    resident = Plan(Placement.RESIDENT, sum(values) * itemsize + working)
    staged = Plan(Placement.STAGED, max(values) * itemsize + working)
    return (resident, staged) if device_kind == "cuda" else (resident,)
