"""The Mesh tab: a mesh of one's own, and the picture of its front that it is painted with."""

from dataclasses import dataclass

import gradio as gr

from orfeas.meshes.load import SUFFIXES


@dataclass(frozen=True)
class MeshInputs:
    """The inputs of the Mesh tab; the order is the order in which handlers take them."""

    mesh: gr.File
    front: gr.Image
    keep_uv: gr.Checkbox
    mesh_size_mm: gr.Number

    def in_order(self) -> list[gr.components.Component]:
        """All of them, as an event's inputs."""
        return [self.mesh, self.front, self.keep_uv, self.mesh_size_mm]


def create_mesh_tab() -> MeshInputs:
    """Lay the tab out; call inside it."""
    return MeshInputs(
        mesh=gr.File(
            label="Mesh: GLB, OBJ, STL, 3MF, USDZ, FBX and more",
            file_types=list(SUFFIXES),
            elem_id="mesh",
            height=140,
        ),
        front=gr.Image(
            label="Picture of its front",
            sources=["upload", "clipboard", "webcam"],
            type="filepath",
            image_mode=None,
            elem_id="front",
            height=160,
            buttons=[],
            placeholder="Drop the picture here, or press to choose one",
        ),
        keep_uv=gr.Checkbox(
            value=False,
            label="Keep its UVs",
            info="Paint on the UVs that the mesh came with; refused where they overlap.",
            elem_id="keep-uv",
        ),
        mesh_size_mm=gr.Number(
            0,
            label="Size, mm",
            info="Longest side; 0 keeps the mesh's own size and place.",
            elem_id="mesh-size-mm",
            minimum=0,
            maximum=10_000,
        ),
    )
