"""What stands where in the Mesh tab."""

from dataclasses import dataclass

import gradio as gr

from orfeas.meshes.load import SUFFIXES
from orfeas.options import Material, RemeshChoice, RepairOptions
from orfeas.ui.cut_out.layout import CutOutPanel, create_cut_out_panel
from orfeas.ui.words import MATERIAL_NAMES, REMESH_NAMES


@dataclass(frozen=True)
class MeshInputs:
    """The inputs of the Mesh tab; the order is the order in which handlers take them."""

    mesh: gr.File
    front: gr.Image
    keep_uv: gr.Checkbox
    mesh_size_mm: gr.Number
    repair_faces: gr.Number
    min_part_percent: gr.Number
    keep_shells: gr.Checkbox
    smooth_steps: gr.Number
    remesh: gr.Radio
    lay_flat: gr.Checkbox
    printer_mm: gr.Textbox
    hollow_mm: gr.Number
    drain_holes: gr.Number
    material: gr.Dropdown

    def in_order(self) -> list[gr.components.Component]:
        """All of them, as an event's inputs."""
        return [getattr(self, name) for name in self.__dataclass_fields__]


@dataclass(frozen=True)
class MeshTab:
    """The tab: its inputs, the panel of the picture's cut-out, and the button that checks the print."""

    inputs: MeshInputs
    panel: CutOutPanel
    check: gr.Button


@dataclass(frozen=True)
class _Repair:
    faces: gr.Number
    min_part_percent: gr.Number
    keep_shells: gr.Checkbox
    remesh: gr.Radio
    smooth_steps: gr.Number


@dataclass(frozen=True)
class _Print:
    lay_flat: gr.Checkbox
    printer_mm: gr.Textbox
    hollow_mm: gr.Number
    drain_holes: gr.Number
    material: gr.Dropdown
    check: gr.Button


@dataclass(frozen=True)
class _Paint:
    front: gr.Image
    panel: CutOutPanel
    keep_uv: gr.Checkbox


def create_mesh_tab() -> MeshTab:
    """Lay the tab out; call inside it."""
    mesh = gr.File(label="Mesh file", file_types=list(SUFFIXES), elem_id="mesh", height=164)
    mesh_size_mm = gr.Number(
        0,
        label="Size, mm",
        info="Longest side; 0 keeps the mesh's own size and place.",
        elem_id="mesh-size-mm",
        minimum=0,
        maximum=10_000,
    )
    repair = _repair_section()
    printing = _print_section()
    paint = _paint_section()
    inputs = MeshInputs(
        mesh=mesh,
        front=paint.front,
        keep_uv=paint.keep_uv,
        mesh_size_mm=mesh_size_mm,
        repair_faces=repair.faces,
        min_part_percent=repair.min_part_percent,
        keep_shells=repair.keep_shells,
        smooth_steps=repair.smooth_steps,
        remesh=repair.remesh,
        lay_flat=printing.lay_flat,
        printer_mm=printing.printer_mm,
        hollow_mm=printing.hollow_mm,
        drain_holes=printing.drain_holes,
        material=printing.material,
    )
    return MeshTab(inputs, paint.panel, printing.check)


def _repair_section() -> _Repair:
    defaults = RepairOptions()
    with gr.Accordion("Repair", open=False, elem_id="repair-options", elem_classes="section"):
        with gr.Row(elem_classes="pair"):
            repair_faces = gr.Number(
                0,
                label="Faces",
                info="0 keeps those there are.",
                elem_id="repair-faces",
                precision=0,
                minimum=0,
                maximum=2_000_000,
            )
            min_part_percent = gr.Number(
                defaults.min_part * 100,
                label="Smallest part, %",
                info="Of the largest's diagonal.",
                elem_id="min-part",
                minimum=0,
                maximum=100,
            )
        keep_shells = gr.Checkbox(
            defaults.keep_shells,
            label="Keep inner shells",
            info="Closed surfaces that lie inside others; hollows stay in any case.",
            elem_id="keep-shells",
        )
        remesh = gr.Radio(
            [(REMESH_NAMES[choice], choice.value) for choice in RemeshChoice],
            value=defaults.remesh.value,
            label="Faces of one size",
            info="Makes the faces anew; colours cannot be kept. Quads come as such in OBJ and FBX, "
            "and in a PLY that has nothing else.",
            elem_id="remesh",
            elem_classes="chips",
        )
        smooth_steps = gr.Number(
            0,
            label="Smoothing",
            info="Steps; 10 take off the grain.",
            elem_id="smooth-steps",
            precision=0,
            minimum=0,
            maximum=100,
        )
    return _Repair(repair_faces, min_part_percent, keep_shells, remesh, smooth_steps)


def _print_section() -> _Print:
    with gr.Accordion("Print", open=False, elem_id="print-options", elem_classes="section"):
        lay_flat = gr.Checkbox(
            False, label="Lay flat", info="Turns the model onto its best flat side.", elem_id="lay-flat"
        )
        printer_mm = gr.Textbox(
            "",
            label="Printer, mm",
            info="Width × depth × height; a model that is larger is reduced to fit.",
            placeholder="220 x 220 x 250",
            elem_id="printer-mm",
        )
        with gr.Row(elem_classes="pair"):
            hollow_mm = gr.Number(
                0, label="Hollow, walls in mm", info="0 keeps it solid.", elem_id="hollow-mm", minimum=0, maximum=100
            )
            drain_holes = gr.Number(
                0,
                label="Drain holes",
                info="For each hollow.",
                elem_id="drain-holes",
                precision=0,
                minimum=0,
                maximum=8,
            )
        material = gr.Dropdown(
            [(MATERIAL_NAMES[choice], choice.value) for choice in Material],
            value=Material.PLA.value,
            label="Material",
            info="For its mass.",
            elem_id="material",
            filterable=False,
        )
        check = gr.Button("Check the print", elem_id="check-print")
    return _Print(lay_flat, printer_mm, hollow_mm, drain_holes, material, check)


def _paint_section() -> _Paint:
    with gr.Accordion("Paint", open=True, elem_id="paint-options", elem_classes="section"):
        front = gr.Image(
            label="Picture of its front",
            sources=["upload", "clipboard", "webcam"],
            type="filepath",
            image_mode=None,
            elem_id="front",
            height=160,
            buttons=[],
            placeholder="Drop the picture here, or press to choose one",
        )
        panel = create_cut_out_panel("front")
        keep_uv = gr.Checkbox(
            value=False,
            label="Keep its UVs",
            info="Paint on the UVs that the mesh came with; refused where they overlap.",
            elem_id="keep-uv",
        )
    return _Paint(front, panel, keep_uv)
