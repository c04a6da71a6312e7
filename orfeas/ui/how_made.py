"""How a result was made, for people: every option under the label its control has on the page."""

from collections.abc import Mapping
from html import escape

from orfeas.progress import Stage
from orfeas.records import Job, Scalar
from orfeas.ui.words import (
    BACKGROUND_NAMES,
    FORMAT_NAMES,
    PARAMETER_NAMES,
    QUALITY_NAMES,
    REMESH_NAMES,
    STAGE_NAMES,
    STYLE_NAMES,
    TEXTURE_FORMAT_NAMES,
    seconds_text,
)

CHOICE_NAMES: Mapping[str, Mapping[str, str]] = {
    "quality": {choice.value: name for choice, name in QUALITY_NAMES.items()},
    "remove_background": {choice.value: name for choice, name in BACKGROUND_NAMES.items()},
    "style": {choice.value: name for choice, name in STYLE_NAMES.items()},
    "remesh": {choice.value: name for choice, name in REMESH_NAMES.items()},
    "texture_format": {choice.value: name for choice, name in TEXTURE_FORMAT_NAMES.items()},
    "output_format": {choice.value: name for choice, name in FORMAT_NAMES.items()},
}
# What an option holds that played no part: an engine that has no use for it leaves it as it was asked for.
UNUSED: Mapping[str, Scalar] = {
    "num_inference_steps": 0,
    "guidance_scale": -1.0,
    "octree_resolution": 0,
    "texture_size": 0,
    "picture_steps": 0,
    "picture_guidance_scale": -1.0,
    "size_px": 0,
    "negative_prompt": "",
    "printer_mm": "",
    "cache_threshold": 0.0,
    "smooth_steps": 0,
    "drain_holes": 0,
}
# Options that mean nothing where another played no part.
PART_OF: Mapping[str, str] = {
    "guidance_start": "num_inference_steps",
    "guidance_end": "num_inference_steps",
    "drain_hole_mm": "drain_holes",
}
ZERO: Mapping[str, str] = {"size_mm": "As it was", "target_faces": "As they were", "hollow_mm": "Solid"}
SHARES = frozenset({"min_part"})


def how_made(job: Job) -> str:
    """A list of labels and values, as HTML: the prompt, the options that played a part, and the time of each stage."""
    rows = [
        *([("Prompt", job.prompt)] if job.prompt else []),
        *((PARAMETER_NAMES.get(name, name), _value(name, job.options[name])) for name in _used(job.options)),
        *((_stage(name), seconds_text(seconds)) for name, seconds in job.timings_s.items()),
    ]
    return f"<dl>{''.join(f'<dt>{escape(label)}</dt><dd>{escape(value)}</dd>' for label, value in rows)}</dl>"


def _used(options: Mapping[str, Scalar]) -> list[str]:
    unused = {name for name, value in options.items() if name in UNUSED and value == UNUSED[name]}
    return [name for name in options if name not in unused and PART_OF.get(name) not in unused]


def _value(name: str, value: Scalar) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, str):
        return CHOICE_NAMES.get(name, {"auto": "Automatic"}).get(value, value)
    if value == 0 and name in ZERO:
        return ZERO[name]
    if name in SHARES:
        return f"{value * 100:g}"
    return f"{value:,.10g}" if name == "target_faces" else f"{value:.10g}"


def _stage(name: str) -> str:
    if name == "total":
        return "Time in all"
    return f"{STAGE_NAMES[Stage(name)] if name in list(Stage) else name} time"
