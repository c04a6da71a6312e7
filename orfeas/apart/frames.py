"""What parent and child tell each other, as pickles with their length in front."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from orfeas.errors import OrfeasError
from orfeas.progress import Stage

LENGTH_BYTES = 8


@dataclass(frozen=True)
class Order:
    """Work for the child: ``function(progress, *arguments)`` within ``stage``, in at most ``timeout_s`` seconds."""

    function: Callable[..., object]
    arguments: tuple[object, ...]
    stage: Stage
    timeout_s: float


@dataclass(frozen=True)
class Stepped:
    """``done`` of ``total`` steps."""

    done: int
    total: int


@dataclass(frozen=True)
class Returned:
    """The work is done, and this came of it."""

    value: object


@dataclass(frozen=True)
class Refused:
    """The work ended with an error for the user."""

    error: OrfeasError


Told = Stepped | Returned | Refused


def send(pipe: IO[bytes], frame: Order | Told) -> None:
    """Write one frame.

    Raises:
        BrokenPipeError: nobody reads.
    """
    data = pickle.dumps(frame, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(len(data).to_bytes(LENGTH_BYTES, "little"))
    pipe.write(data)
    pipe.flush()


def receive(pipe: IO[bytes]) -> object | None:
    """The next frame; None where the other side is gone. Only what our own processes wrote may be read here."""
    head = pipe.read(LENGTH_BYTES)
    if len(head) < LENGTH_BYTES:
        return None
    size = int.from_bytes(head, "little")
    data = pipe.read(size)
    return pickle.loads(data) if len(data) == size else None  # noqa: S301 (a pipe between our own processes)
