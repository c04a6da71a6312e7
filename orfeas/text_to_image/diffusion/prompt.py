"""The words a model is given: the caller's, with the style, and for 3D with how the object should stand."""

from collections.abc import Mapping

from orfeas.options import Style

# In front, so that a model that reads only the first words reads this.
FRAMING = "One single object, whole, centred, on a plain light grey background"
STYLES: Mapping[Style, str] = {
    Style.NONE: "",
    Style.REALISTIC: "realistic photograph, natural materials, fine detail, soft even studio light",
    Style.ARTISTIC: "hand-painted, visible brush strokes, rich colours",
    Style.ANIME: "anime style, clean outlines, flat cel shading",
    Style.CYBERPUNK: "cyberpunk style, neon accents, worn metal, glowing details",
    Style.FANTASY: "fantasy art, ornate, magical, finely carved",
    Style.MINIMALIST: "minimalist design, simple smooth shapes, few colours",
}


def compose_prompt(prompt: str, style: Style, *, for_3d: bool) -> str:
    """What the model is given for the caller's words."""
    wanted = f"{FRAMING}: {prompt}" if for_3d else prompt
    return f"{wanted}, {STYLES[style]}" if STYLES[style] else wanted
