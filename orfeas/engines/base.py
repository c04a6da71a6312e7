"""What the studio asks of an engine that makes shapes, of one that makes textures, and of a remover of backgrounds."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image

from orfeas.options import EngineChoice, RemoverChoice, ShapeOptions, TextureEngineChoice, TextureOptions
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
class TextureRequest:
    """One model to paint.

    Attributes:
        mesh: right-handed, Y up, its front facing +Z, any unit.
        cut_out: as in :class:`ShapeRequest`: the model's front.
        options: effective values, as the engine's own :meth:`TextureEngine.resolve` returned them.
    """

    mesh: trimesh.Trimesh
    cut_out: Image.Image
    options: TextureOptions


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
    # Whether its models come with a texture of its own making, if one is asked for.
    has_texture: bool

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
        """Make the model, reporting the stages ``shape`` and ``surface``, and ``texture`` where it has one.

        Raises:
            Cancelled: within a second of the request.
            InvalidImage: nothing in the picture to make a model of.
            EngineUnavailable: the engine is not ready.
            OutOfMemory: device memory ran out.
        """
        ...


class TextureEngine(Protocol):
    """An engine that paints a model from a cut-out picture of its front."""

    name: TextureEngineChoice
    revision: str

    def info(self) -> EngineInfo:
        """How it stands: ready or why not. Quick; loads nothing."""
        ...

    def resolve(self, options: TextureOptions) -> TextureOptions:
        """Effective values for what was asked: the quality's own where the caller left it to ORFEAS.

        Raises:
            InvalidOption: an option this engine has no use for was set.
        """
        ...

    def generate(self, request: TextureRequest, progress: Progress) -> ShapeResult:
        """Paint the model, reporting ``unwrap`` and ``texture``, and ``enlarge`` and ``bake`` where it has them.

        Positions and faces stay, but for faces that were wound inward, which are turned over; vertices are split where
        the texture has its seams.

        Raises:
            Cancelled: within a second of the request, or one step.
            InvalidImage: nothing in the picture to paint with.
            InvalidMesh: the mesh cannot be laid out.
            EngineUnavailable: the engine is not ready.
            OutOfMemory: device memory ran out.
        """
        ...


class Remover(Protocol):
    """An engine that finds the subject of a picture. It may be asked by several threads at once."""

    name: RemoverChoice
    title: str

    def info(self) -> EngineInfo:
        """How it stands: ready or why not. Quick; loads nothing."""
        ...

    def find_alpha(self, rgb: NDArray[np.uint8], progress: Progress) -> NDArray[np.float32]:
        """How much of each pixel is the subject's, ``[H, W]`` in [0, 1], of a picture ``[H, W, 3]``, sRGB.

        The same picture gives the same.

        Raises:
            Cancelled: within a second of the request.
            EngineUnavailable: the engine is not ready.
            OutOfMemory: the memory ran out.
        """
        ...
