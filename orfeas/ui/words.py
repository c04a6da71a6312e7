"""The page's words: names of choices, lines of help, and numbers as people read them."""

import re
from collections.abc import Mapping

from orfeas.options import (
    Material,
    OutputFormat,
    Quality,
    RemeshChoice,
    RemoveBackground,
    Style,
    TextureEngineChoice,
    TextureFormat,
    parse_repair_options,
)
from orfeas.progress import Stage
from orfeas.records import Job, JobKind, JobStatus, Use

QUALITY_NAMES: Mapping[Quality, str] = {
    Quality.DRAFT: "Draft",
    Quality.STANDARD: "Standard",
    Quality.HIGH: "High",
    Quality.ULTRA: "Ultra",
}
BACKGROUND_NAMES: Mapping[RemoveBackground, str] = {
    RemoveBackground.AUTO: "Automatic",
    RemoveBackground.ALWAYS: "Remove",
    RemoveBackground.NEVER: "Keep",
}
STYLE_NAMES: Mapping[Style, str] = {style: style.value.capitalize() for style in Style} | {Style.NONE: "No style"}
STAGE_NAMES: Mapping[Stage, str] = {
    Stage.PICTURE: "Picture",
    Stage.CUT_OUT: "Cut-out",
    Stage.SHAPE: "Shape",
    Stage.SURFACE: "Surface",
    Stage.REPAIR: "Repair",
    Stage.PREPARE: "Print preparation",
    Stage.UNWRAP: "Unwrap",
    Stage.TEXTURE: "Texture",
    Stage.ENLARGE: "Enlarge",
    Stage.BAKE: "Bake",
    Stage.SAVE: "Save",
    Stage.RENDER: "Turntable",
}
KIND_NAMES: Mapping[JobKind, str] = {
    JobKind.IMAGE_TO_3D: "Model of a picture",
    JobKind.TEXT_TO_IMAGE: "Picture from words",
    JobKind.TEXT_TO_3D: "Model from words",
    JobKind.TEXTURE: "Textured model",
    JobKind.REPAIR: "Repaired model",
}
USE_NAMES: Mapping[Use, str] = {Use.PRINT: "Printing", Use.GAME: "Games"}
READY = "Ready."
NOT_SEARCHED = "Whether the surface passes through itself was not looked for in so many faces."
STATUS_NAMES: Mapping[JobStatus, str] = {
    JobStatus.QUEUED: "Waiting",
    JobStatus.RUNNING: "Working",
    JobStatus.COMPLETED: "Done",
    JobStatus.FAILED: "Failed",
    JobStatus.CANCELLED: "Stopped",
}
FORMAT_NAMES: Mapping[OutputFormat, str] = {
    OutputFormat.GLB: "GLB",
    OutputFormat.OBJ: "OBJ",
    OutputFormat.STL: "STL",
    OutputFormat.PLY: "PLY",
    OutputFormat.THREE_MF: "3MF",
    OutputFormat.USDZ: "USDZ",
    OutputFormat.FBX: "FBX",
}
FORMAT_TIPS: Mapping[OutputFormat, str] = {
    OutputFormat.GLB: "GLB: for the web, games and Blender; one file with its texture",
    OutputFormat.OBJ: "OBJ: for older 3D programs; a zip with material and texture",
    OutputFormat.STL: "STL: for 3D printing, in millimetres; no colour",
    OutputFormat.PLY: "PLY: for scanning and research tools",
    OutputFormat.THREE_MF: "3MF: for 3D printing, in millimetres; colours for printers and slicers that know them",
    OutputFormat.USDZ: "USDZ: for iPhone, iPad and Mac; one file with its textures",
    OutputFormat.FBX: "FBX: for game engines and animation programs; one file with its textures",
}

MATERIAL_NAMES: Mapping[Material, str] = {
    Material.PLA: "PLA",
    Material.PETG: "PETG",
    Material.ABS: "ABS",
    Material.ASA: "ASA",
    Material.TPU: "TPU",
    Material.PA12: "Nylon PA12",
    Material.RESIN: "Resin",
    Material.STEEL: "Steel",
    Material.BRONZE: "Bronze",
    Material.ALUMINIUM: "Aluminium",
}
# What the page calls the options of jobs: the labels of its controls, and words of the same kind for those without one.
PARAMETER_NAMES: Mapping[str, str] = {
    "engine": "Engine",
    "quality": "Quality",
    "texture": "Texture",
    "seed": "Seed",
    "style": "Style",
    "remover": "Background remover",
    "output_format": "File format",
    "for_3d": "Made for 3D",
    "size_mm": "Size, mm",
    "target_faces": "Faces",
    "texture_size": "Texture, px",
    "num_inference_steps": "Steps",
    "guidance_scale": "Guidance",
    "guidance_start": "Guidance from",
    "guidance_end": "Guidance to",
    "octree_resolution": "Grid",
    "cache_threshold": "Step caching",
    "texture_engine": "Texture engine",
    "texture_format": "Texture file",
    "text_engine": "Picture engine",
    "remove_background": "Background",
    "negative_prompt": "Keep out",
    "picture_steps": "Picture steps",
    "picture_guidance_scale": "Picture guidance",
    "size_px": "Picture size, px",
    "min_part": "Smallest part, %",
    "keep_shells": "Keep inner shells",
    "keep_uv": "Keep its UVs",
    "smooth_steps": "Smoothing",
    "lay_flat": "Lay flat",
    "printer_mm": "Printer, mm",
    "hollow_mm": "Hollow, walls in mm",
    "drain_holes": "Drain holes",
    "drain_hole_mm": "Width of drain holes, mm",
    "remesh": "Faces of one size",
}
REMESH_NAMES: Mapping[RemeshChoice, str] = {
    RemeshChoice.NONE: "As they are",
    RemeshChoice.TRIANGLES: "Triangles",
    RemeshChoice.QUADS: "Quads",
}
TEXTURE_FORMAT_NAMES: Mapping[TextureFormat, str] = {
    TextureFormat.JPEG: "JPEG, small",
    TextureFormat.PNG: "PNG, lossless",
    TextureFormat.WEBP: "WebP, smallest",
}

BYTE_UNITS: tuple[tuple[str, float], ...] = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


def in_page_words(message: str) -> str:
    """A message for scripts with the names of parameters as the page writes them."""
    return re.sub(r"\b[a-z]+(?:_[a-z]+)+\b", lambda m: _quoted(PARAMETER_NAMES.get(m[0]), m[0]), message)


def _quoted(label: str | None, name: str) -> str:
    return f"“{label}”" if label else name


def bytes_text(count: int) -> str:
    """A size as people read it, such as ``1.4 MB``."""
    number, unit = next(
        ((count / size, unit) for unit, size in BYTE_UNITS if count >= size),
        (float(count), "B"),
    )
    return f"{number:.1f} {unit}" if number < 10 and unit != "B" else f"{number:,.0f} {unit}"


def seconds_text(seconds: float) -> str:
    """A duration as people read it, such as ``0.4 s``, ``12 s`` or ``3 min 5 s``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"


def stage_text(job: Job) -> str:
    """Where a live job stands, such as ``Shape, 14 of 30``."""
    if job.status == JobStatus.QUEUED:
        return "Waiting for its turn"
    if job.stage not in list(Stage):
        return "Starting"
    name = STAGE_NAMES[Stage(job.stage)]
    return f"{name}, {job.step} of {job.steps}" if job.steps else name


def progress_text(job: Job) -> str:
    """Where a live job stands and how long it will take, such as ``Shape, 14 of 30, about 12 s left``."""
    return stage_text(job) if job.left_s is None else f"{stage_text(job)}, about {seconds_text(job.left_s)} left"


def stages_of(job: Job) -> tuple[Stage, ...]:
    """The stages a job passes, in order."""
    if job.kind == JobKind.TEXT_TO_IMAGE:
        return (Stage.PICTURE,)
    if job.kind == JobKind.REPAIR:
        return (
            Stage.REPAIR,
            *((Stage.PREPARE,) if parse_repair_options(**job.options).is_prepared else ()),
            Stage.SAVE,
        )
    if job.kind == JobKind.TEXTURE:
        return (Stage.CUT_OUT, *_TEXTURE_STAGES[job.engine], Stage.SAVE)
    first = (Stage.PICTURE,) if job.kind == JobKind.TEXT_TO_3D else ()
    painter = str(job.options.get("texture_engine", TextureEngineChoice.AUTO))
    texture = _TEXTURE_STAGES[painter] if job.options.get("texture", True) else ()
    return (*first, Stage.CUT_OUT, Stage.SHAPE, Stage.SURFACE, *texture, Stage.SAVE)


# By the texture's engine; a shape engine's own texture is one stage.
_TEXTURE_STAGES: Mapping[str, tuple[Stage, ...]] = {
    TextureEngineChoice.AUTO: (Stage.TEXTURE,),
    TextureEngineChoice.PROJECTION: (Stage.UNWRAP, Stage.TEXTURE),
    TextureEngineChoice.HUNYUAN: (Stage.UNWRAP, Stage.TEXTURE, Stage.ENLARGE, Stage.BAKE),
}
