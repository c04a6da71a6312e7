"""The options of each kind of job, checked; engines turn them into effective values."""

from collections.abc import Mapping
from dataclasses import dataclass

from orfeas.options.choices import (
    Compression,
    EngineChoice,
    Material,
    OutputFormat,
    Quality,
    RemeshChoice,
    RemoveBackground,
    RemoverChoice,
    Style,
    TextEngineChoice,
    TextureEngineChoice,
    TextureFormat,
)


@dataclass(frozen=True)
class ShapeOptions:
    """Options of ``/generate_3d``, made by :func:`parse_shape_options`; ``-1`` and ``0`` let ORFEAS choose.

    ``octree_resolution`` is cells along the longest side; ``size_mm`` is the longest side of the model;
    ``texture_size`` is the side of the texture in pixels. Guidance acts from the share ``guidance_start`` of the steps
    to the share ``guidance_end``. ``cache_threshold`` is the largest relative change of an evaluation that step caching
    leaves out; 0 leaves out nothing. ``texture_engine`` ``auto`` takes the engine's own texture where it makes one, and
    the best texture engine that is ready where it does not. ``remover`` stays ``auto`` where nothing is to be cut out.
    """

    engine: EngineChoice = EngineChoice.AUTO
    quality: Quality = Quality.STANDARD
    texture: bool = True
    remove_background: RemoveBackground = RemoveBackground.AUTO
    seed: int = -1
    num_inference_steps: int = 0
    guidance_scale: float = -1.0
    octree_resolution: int = 0
    target_faces: int = 0
    size_mm: float = 100.0
    output_format: OutputFormat = OutputFormat.GLB
    texture_size: int = 0
    guidance_start: float = 0.0
    guidance_end: float = 1.0
    cache_threshold: float = 0.0
    texture_engine: TextureEngineChoice = TextureEngineChoice.AUTO
    texture_format: TextureFormat = TextureFormat.JPEG
    remover: RemoverChoice = RemoverChoice.AUTO


@dataclass(frozen=True)
class TextureOptions:
    """Options of ``/texture_mesh``, made by :func:`parse_texture_options`; ``-1`` and ``0`` let ORFEAS choose.

    ``texture_size`` is the side of the texture in pixels. ``size_mm`` is the longest side that the model is scaled to;
    0 leaves its size and place. ``keep_uv`` paints on the UVs that the mesh came with.
    """

    engine: TextureEngineChoice = TextureEngineChoice.AUTO
    quality: Quality = Quality.STANDARD
    remove_background: RemoveBackground = RemoveBackground.AUTO
    seed: int = -1
    size_mm: float = 0.0
    output_format: OutputFormat = OutputFormat.GLB
    num_inference_steps: int = 0
    guidance_scale: float = -1.0
    texture_size: int = 0
    texture_format: TextureFormat = TextureFormat.JPEG
    keep_uv: bool = False
    remover: RemoverChoice = RemoverChoice.AUTO


@dataclass(frozen=True)
class CutOutOptions:
    """Options of ``/cut_out``, made by :func:`parse_cut_out_options`; every other job with a picture has them too."""

    remove_background: RemoveBackground = RemoveBackground.AUTO
    remover: RemoverChoice = RemoverChoice.AUTO


@dataclass(frozen=True)
class RepairOptions:
    """Options of ``/repair_mesh``, made by :func:`parse_repair_options`.

    ``target_faces`` 0 keeps the faces there are; ``size_mm`` is the longest side that the model is scaled to, 0 leaves
    its size and place. Parts whose diagonal is below the share ``min_part`` of the largest part's are dropped.
    ``keep_shells`` keeps closed shells that lie inside others.

    Then, in this order: ``smooth_steps`` of light smoothing; ``remesh`` makes new faces, even ones, ``target_faces`` of
    them or as many as there are; ``lay_flat`` turns the model onto its best flat side; ``size_mm``; ``printer_mm``,
    such as ``220x220x250``, width by depth by height, shrinks it until it fits; ``hollow_mm`` leaves walls so thick,
    0 a solid, with ``drain_holes`` of ``drain_hole_mm`` for each hollow, and ``target_faces`` again where walls allow.
    """

    target_faces: int = 0
    size_mm: float = 0.0
    output_format: OutputFormat = OutputFormat.STL
    min_part: float = 0.01
    keep_shells: bool = False
    texture_format: TextureFormat = TextureFormat.JPEG
    smooth_steps: int = 0
    remesh: RemeshChoice = RemeshChoice.NONE
    lay_flat: bool = False
    printer_mm: str = ""
    hollow_mm: float = 0.0
    drain_holes: int = 0
    drain_hole_mm: float = 3.0

    @property
    def printer_sides_mm(self) -> tuple[float, float, float] | None:
        """Width, depth and height of the printer's volume; None where none was given."""
        if not self.printer_mm:
            return None
        width, depth, height = (float(side) for side in self.printer_mm.split("x"))
        return width, depth, height

    @property
    def is_prepared(self) -> bool:
        """Whether more is asked for than a repair."""
        return any(
            [
                self.smooth_steps,
                self.remesh is not RemeshChoice.NONE,
                self.lay_flat,
                self.size_mm,
                self.printer_mm,
                self.hollow_mm,
            ]
        )


@dataclass(frozen=True)
class Packing:
    """How a model is put into a file of its format, made by :func:`parse_packing`.

    Attributes:
        compression: of the shape in a GLB.
        texture_size: pixels that no side of a texture is longer than; smaller textures stay as they are, and 0 leaves
            all of them.
        texture_format: of colours; None is as the job, or the file, says. Maps of numbers are always PNG.
    """

    compression: Compression = Compression.NONE
    texture_size: int = 0
    texture_format: TextureFormat | None = None


@dataclass(frozen=True)
class PrintOptions:
    """Options of ``/inspect_print``, made by :func:`parse_print_options`.

    Attributes:
        material: what it is to be made of.
        min_wall_mm: thinner walls count as thin.
        max_overhang_deg: from the vertical; what leans further out wants supports.
    """

    material: Material = Material.PLA
    min_wall_mm: float = 0.8
    max_overhang_deg: float = 45.0


@dataclass(frozen=True)
class PictureOptions:
    """Options of ``/text_to_image``, made by :func:`parse_picture_options`; ``-1`` and ``0`` let ORFEAS choose.

    ``size_px`` is the side of the square picture. ``for_3d`` asks for one object, whole, centred, on a plain
    background.
    """

    engine: TextEngineChoice = TextEngineChoice.AUTO
    style: Style = Style.NONE
    seed: int = -1
    negative_prompt: str = ""
    num_inference_steps: int = 0
    guidance_scale: float = -1.0
    size_px: int = 0
    for_3d: bool = True


# The options of a picture as ``/text_to_3d`` names them, where the model has one of the same name.
PICTURE_OPTIONS: Mapping[str, str] = {
    "text_engine": "engine",
    "picture_steps": "num_inference_steps",
    "picture_guidance_scale": "guidance_scale",
}
