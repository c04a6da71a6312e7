"""The named endpoint that says what printing a mesh comes to; it can be stopped while it measures."""

import threading

import gradio as gr
from gradio.components import Component

from orfeas.options import Material, PrintOptions, parse_print_options
from orfeas.records import Json, to_json
from orfeas.studio import Studio
from orfeas.ui.parameters import create_mesh
from orfeas.ui.submissions import mesh_path
from orfeas.ui.toast import raised_to_scripts
from orfeas.ui.working import finished


def add_print_check(studio: Studio, concurrency_id: str, concurrency_limit: int) -> tuple[str, ...]:
    """Add the endpoint to the ``gr.Blocks`` that is open; returns its parameters."""
    defaults = PrintOptions()
    inputs: dict[str, Component] = {
        "mesh": create_mesh(),
        "material": gr.Dropdown([choice.value for choice in Material], value=defaults.material.value, label="Material"),
        "min_wall_mm": gr.Number(defaults.min_wall_mm, label="Thinner walls count as thin, 0.05 to 100"),
        "max_overhang_deg": gr.Number(
            defaults.max_overhang_deg, label="What leans further from the vertical wants supports, 1 to 89"
        ),
    }

    async def inspect_print(**values: object) -> dict[str, Json]:
        with raised_to_scripts():
            mesh = mesh_path(values.pop("mesh"))
            options = parse_print_options(**values)
            report = await finished(
                lambda progress: studio.meshes.inspect_print(mesh, options, progress), threading.Event()
            )
        return to_json(report)

    gr.on(
        [],
        inspect_print,
        inputs_kwargs=inputs,
        outputs=gr.JSON(label="Print report"),
        api_name="inspect_print",
        api_description="Say what printing a mesh comes to: thin walls, overhangs, supports, and its mass.",
        preprocess=False,
        concurrency_id=concurrency_id,
        concurrency_limit=concurrency_limit,
        show_progress="hidden",
    )
    return tuple(inputs)
