"""What an option chooses between."""

from enum import StrEnum


class EngineChoice(StrEnum):
    """Who makes the shape."""

    AUTO = "auto"
    HUNYUAN = "hunyuan3d-2.1"
    INFLATE = "inflate"


class TextureEngineChoice(StrEnum):
    """Who makes the texture; ``projection`` has no learned weights."""

    AUTO = "auto"
    HUNYUAN = "hunyuan3d-2.1"
    PROJECTION = "projection"


class WeightsChoice(StrEnum):
    """Published weights that can be fetched: by engine, or all of them."""

    HUNYUAN_SHAPE = "hunyuan3d-2.1"
    HUNYUAN_PAINT = "hunyuan3d-2.1-paint"
    BIREFNET = "birefnet"
    DIFFUSION = "diffusion"
    ALL = "all"


class TextEngineChoice(StrEnum):
    """Who turns words into a picture."""

    AUTO = "auto"
    DIFFUSION = "diffusion"
    PICTOGRAM = "pictogram"


class Quality(StrEnum):
    """Sets steps, octree resolution, faces and texture size together."""

    DRAFT = "draft"
    STANDARD = "standard"
    HIGH = "high"
    ULTRA = "ultra"


class RemoveBackground(StrEnum):
    """``auto`` keeps a real alpha channel and cuts out everything else."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class RemoverChoice(StrEnum):
    """Who cuts the subject out; ``grabcut`` has no learned weights."""

    AUTO = "auto"
    BIREFNET = "birefnet"
    GRABCUT = "grabcut"


class OutputFormat(StrEnum):
    """The file formats that can be written."""

    GLB = "glb"
    OBJ = "obj"
    STL = "stl"
    PLY = "ply"
    THREE_MF = "3mf"
    USDZ = "usdz"
    FBX = "fbx"

    @property
    def holds_textures(self) -> bool:
        """Whether a file of the format has room for pictures."""
        return self not in (OutputFormat.STL, OutputFormat.PLY)


class Compression(StrEnum):
    """How the shape in a GLB is packed: ``draco`` makes it ten times smaller, and rounds it a little."""

    NONE = "none"
    DRACO = "draco"


class TextureFormat(StrEnum):
    """How a base colour is kept in a model file; ``jpeg`` becomes PNG where the picture is not opaque."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"


class TextureFormatChoice(StrEnum):
    """How a converted file keeps its base colour; ``keep`` is as the job or the file says, and JPEG where none does."""

    KEEP = "keep"
    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"


class RemeshChoice(StrEnum):
    """What a mesh is made of anew: even triangles, or quads; ``none`` leaves its faces."""

    NONE = "none"
    TRIANGLES = "triangles"
    QUADS = "quads"


class Material(StrEnum):
    """What models are commonly made of."""

    PLA = "pla"
    PETG = "petg"
    ABS = "abs"
    ASA = "asa"
    TPU = "tpu"
    PA12 = "pa12"
    RESIN = "resin"
    STEEL = "steel"
    BRONZE = "bronze"
    ALUMINIUM = "aluminium"


class Style(StrEnum):
    """How a picture made from words should look."""

    NONE = "none"
    REALISTIC = "realistic"
    ARTISTIC = "artistic"
    ANIME = "anime"
    CYBERPUNK = "cyberpunk"
    FANTASY = "fantasy"
    MINIMALIST = "minimalist"
