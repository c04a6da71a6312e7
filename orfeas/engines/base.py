"""What the studio asks of an engine that makes shapes."""

from dataclasses import dataclass
from typing import Protocol

import trimesh
from PIL import Image

from orfeas.options import EngineChoice, ShapeOptions
from orfeas.progress import Progress
from orfeas.records import EngineInfo


@dataclass(frozen=True)
class ShapeRequest:
    """One model to make.

    Attributes:
        cut_out: RGBA, sRGB, straight alpha; the alpha channel is the subject's mask.
        options: effective values, as the engine's own :meth:`ShapeEngine.resolve` returned them.
    """

    cut_out: Image.Image
    options: ShapeOptions


@dataclass(frozen=True)
class ShapeResult:
    """One model made.

    Attributes:
        mesh: right-handed, Y up, the picture's front facing +Z, counter-clockwise outside, any unit; a textured one has
            ``TextureVisuals`` with a ``PBRMaterial``.
        notes: sentences for the user about what happened on the way, such as a step down in memory.
    """

    mesh: trimesh.Trimesh
    notes: tuple[str, ...] = ()


class ShapeEngine(Protocol):
    """An engine that makes a model from a cut-out picture. It knows nothing of jobs, sessions or Gradio."""

    name: EngineChoice
    revision: str

    def info(self) -> EngineInfo:
        """How it stands: ready or why not. Quick; loads nothing."""
        ...

    def resolve(self, options: ShapeOptions) -> ShapeOptions:
        """Effective values for what was asked: the quality's own where the caller left it to ORFEAS.

        Raises:
            InvalidOption: an option this engine has no use for was set.
        """
        ...

    def generate(self, request: ShapeRequest, progress: Progress) -> ShapeResult:
        """Make the model, reporting the stages ``shape``, ``surface`` and ``texture``.

        Raises:
            Cancelled: within a second of the request.
            InvalidImage: nothing in the picture to make a model of.
            EngineUnavailable: the engine is not ready.
            OutOfMemory: device memory ran out.
        """
        ...
