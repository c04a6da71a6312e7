"""Inputs that several parts of the page have."""

import gradio as gr


def number_input(
    label: str, info: str, value: float, elem_id: str, minimum: float, maximum: float, *, is_visible: bool = True
) -> gr.Number:
    """A number, narrow enough for two in a row."""
    return gr.Number(
        value,
        label=label,
        info=info,
        elem_id=elem_id,
        minimum=minimum,
        maximum=maximum,
        min_width=120,
        visible=is_visible,
    )
