"""The page's look: one accent on neutral greys, light and dark, in the system's own font."""

from collections.abc import Mapping
from pathlib import Path

from gradio.themes import Base, Color, sizes

STYLE_SHEET = Path(__file__).parent / "style.css"
SCRIPT = Path(__file__).parent / "page.js"

SYSTEM_FONTS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"]
MONOSPACE_FONTS = ["ui-monospace", "SF Mono", "Cascadia Mono", "Noto Sans Mono", "monospace"]

# Petrol. 700 on white and white on 700 both have a contrast of 6.3; 300 on the dark ground has 9.
PETROL = Color(
    name="petrol",
    c50="#eef8f7",
    c100="#d5eeec",
    c200="#addeda",
    c300="#79c9c3",
    c400="#45aea7",
    c500="#1f938c",
    c600="#117a74",
    c700="#0c6661",
    c800="#0b514e",
    c900="#0b4340",
    c950="#042726",
)
GRAPHITE = Color(
    name="graphite",
    c50="#f7f7f5",
    c100="#efefec",
    c200="#e1e1dd",
    c300="#cacac5",
    c400="#a0a19b",
    c500="#72746e",
    c600="#575953",
    c700="#3d3f3b",
    c800="#282a28",
    c900="#1b1d1b",
    c950="#131413",
)
# The page, its text and links, and what is drawn over it.
GROUND: Mapping[str, str] = {
    "body_background_fill": "*neutral_100",
    "body_background_fill_dark": "*neutral_950",
    "body_text_color": "*neutral_900",
    "body_text_color_dark": "*neutral_100",
    "body_text_color_subdued": "*neutral_600",
    "body_text_color_subdued_dark": "*neutral_400",
    "background_fill_primary": "white",
    "background_fill_primary_dark": "*neutral_900",
    "background_fill_secondary": "*neutral_50",
    "background_fill_secondary_dark": "*neutral_800",
    "border_color_primary": "*neutral_200",
    "border_color_primary_dark": "#2f322f",
    "border_color_accent": "*primary_600",
    "border_color_accent_dark": "*primary_300",
    "color_accent": "*primary_700",
    "color_accent_soft": "*primary_50",
    "color_accent_soft_dark": "#12302e",
    "link_text_color": "*primary_700",
    "link_text_color_dark": "*primary_300",
    "link_text_color_hover": "*primary_800",
    "link_text_color_hover_dark": "*primary_200",
    "shadow_drop": "none",
    "shadow_drop_lg": "none",
    "loader_color": "*primary_700",
    "slider_color": "*primary_700",
    "accordion_text_color": "*neutral_800",
    "accordion_text_color_dark": "*neutral_200",
}
# What holds a control: no box of its own.
BLOCKS: Mapping[str, str] = {
    "block_background_fill": "transparent",
    "block_background_fill_dark": "transparent",
    "block_border_width": "0px",
    "block_info_text_color": "*neutral_600",
    "block_info_text_color_dark": "*neutral_400",
    "block_info_text_size": "*text_sm",
    "block_label_background_fill": "transparent",
    "block_label_background_fill_dark": "transparent",
    "block_label_border_width": "0px",
    "block_label_text_color": "*neutral_600",
    "block_label_text_color_dark": "*neutral_400",
    "block_label_text_weight": "500",
    "block_label_text_size": "*text_sm",
    "block_title_text_color": "*neutral_800",
    "block_title_text_color_dark": "*neutral_200",
    "block_title_text_weight": "600",
    "block_title_text_size": "*text_sm",
    "block_padding": "0px",
    "block_radius": "10px",
    "container_radius": "10px",
    "form_gap_width": "0px",
    "layout_gap": "14px",
}
# Fields to type into.
INPUTS: Mapping[str, str] = {
    "input_background_fill": "white",
    "input_background_fill_dark": "*neutral_950",
    "input_border_width": "1px",
    "input_border_color": "*neutral_400",
    "input_border_color_dark": "#5d605b",
    "input_border_color_focus": "*primary_600",
    "input_border_color_focus_dark": "*primary_300",
    "input_placeholder_color": "*neutral_500",
    "input_placeholder_color_dark": "*neutral_400",
    "input_text_size": "*text_md",
    "input_radius": "8px",
    "input_padding": "9px 12px",
    "input_shadow": "none",
    "input_shadow_focus": "none",
}
# Boxes to tick, and choices of one among several.
CHECKBOXES: Mapping[str, str] = {
    "checkbox_background_color_selected": "*primary_700",
    "checkbox_background_color_selected_dark": "*primary_600",
    "checkbox_border_color": "*neutral_500",
    "checkbox_border_color_dark": "*neutral_400",
    "checkbox_label_background_fill": "transparent",
    "checkbox_label_background_fill_dark": "transparent",
    "checkbox_label_border_width": "1px",
    "checkbox_label_border_color": "*neutral_300",
    "checkbox_label_border_color_dark": "#444743",
    "checkbox_label_background_fill_selected": "*primary_50",
    "checkbox_label_background_fill_selected_dark": "#12302e",
    "checkbox_label_border_color_selected": "*primary_700",
    "checkbox_label_border_color_selected_dark": "*primary_300",
    "checkbox_label_text_color_selected": "*primary_800",
    "checkbox_label_text_color_selected_dark": "*primary_200",
    "checkbox_label_shadow": "none",
}
# The main one in the accent, the others quiet.
BUTTONS: Mapping[str, str] = {
    "button_large_radius": "10px",
    "button_medium_radius": "8px",
    "button_small_radius": "8px",
    "button_large_text_weight": "600",
    "button_medium_text_weight": "500",
    "button_small_text_weight": "500",
    "button_transform_hover": "none",
    "button_transform_active": "none",
    "button_primary_background_fill": "*primary_700",
    "button_primary_background_fill_dark": "*primary_300",
    "button_primary_background_fill_hover": "*primary_800",
    "button_primary_background_fill_hover_dark": "*primary_200",
    "button_primary_text_color": "white",
    "button_primary_text_color_dark": "*primary_950",
    "button_primary_border_color": "transparent",
    "button_primary_border_color_dark": "transparent",
    "button_secondary_background_fill": "white",
    "button_secondary_background_fill_dark": "*neutral_800",
    "button_secondary_background_fill_hover": "*neutral_50",
    "button_secondary_background_fill_hover_dark": "*neutral_700",
    "button_secondary_border_color": "*neutral_300",
    "button_secondary_border_color_dark": "#444743",
    "button_secondary_text_color": "*neutral_900",
    "button_secondary_text_color_dark": "*neutral_100",
    "button_border_width": "1px",
}


def create_theme() -> Base:
    """The theme that goes to ``launch()``; every colour has its dark counterpart."""
    theme = Base(
        primary_hue=PETROL,
        secondary_hue=PETROL,
        neutral_hue=GRAPHITE,
        spacing_size=sizes.spacing_md,
        radius_size=sizes.radius_md,
        text_size=sizes.text_md,
        font=SYSTEM_FONTS,
        font_mono=MONOSPACE_FONTS,
    )
    # In one call: each takes back some of what one before it set.
    themed: Base = theme.set(**GROUND, **BLOCKS, **INPUTS, **CHECKBOXES, **BUTTONS)
    return themed


def head() -> str:
    """What goes into the page's head: the colour scheme chosen before, and what the page does without the server."""
    return (
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<script>{SCRIPT.read_text(encoding='utf-8')}</script>"
    )
