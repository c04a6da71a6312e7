"""The parameters of the named endpoints: hidden components whose labels are what scripts read of them."""

import gradio as gr
from gradio.components import Component

from orfeas.meshes.load import READABLE
from orfeas.options import (
    MAX_SIDE_PX,
    MIN_SIDE_PX,
    TEXTURE_SIZES_PX,
    Compression,
    EngineChoice,
    OutputFormat,
    PictureOptions,
    Quality,
    RemeshChoice,
    RemoveBackground,
    RemoverChoice,
    RepairOptions,
    ShapeOptions,
    Style,
    TextEngineChoice,
    TextureEngineChoice,
    TextureFormat,
    TextureFormatChoice,
    TextureOptions,
)

Inputs = dict[str, Component]


def create_image() -> gr.Image:
    """A picture, as its file."""
    return gr.Image(label="Picture of one object", type="filepath", image_mode=None)


def create_mask() -> gr.Image:
    """A mask, as its file; scripts need not send one."""
    label = "Mask of your own: white keeps, black removes, or its alpha channel does"
    return gr.Image(label=label, type="filepath", image_mode=None)


def create_mesh() -> gr.File:
    """A model, as its file."""
    return gr.File(label=f"Mesh file: {READABLE}")


def create_prompt() -> gr.Textbox:
    """Words, as they are."""
    return gr.Textbox(label="What it should be")


def create_style() -> gr.Dropdown:
    """How a picture made from words should look."""
    return gr.Dropdown([style.value for style in Style], value=PictureOptions().style.value, label="Style")


def create_text_engine() -> gr.Dropdown:
    """Who draws, where another parameter is called ``engine``."""
    choices = [choice.value for choice in TextEngineChoice]
    return gr.Dropdown(choices, value=TextEngineChoice.AUTO.value, label="Who draws the picture")


def _seed() -> gr.Number:
    return gr.Number(-1, label="Seed; -1 takes a random one", precision=0)


def create_steps(what: str = "Sampling steps") -> gr.Number:
    """How many steps are sampled; ``what`` says of which."""
    return gr.Number(0, label=f"{what}, 1 to 200; 0 lets ORFEAS choose", precision=0)


def create_guidance(what: str = "Guidance scale") -> gr.Number:
    """How closely something follows what it is given; ``what`` says of which."""
    return gr.Number(-1, label=f"{what}, 0 to 30; -1 lets ORFEAS choose")


def create_negative_prompt() -> gr.Textbox:
    """What a picture should not show."""
    return gr.Textbox("", label="What to keep out of the picture")


def create_side() -> gr.Number:
    """Of a picture made from words; 0 is the model's own."""
    label = f"Side of the picture in pixels, {MIN_SIDE_PX} to {MAX_SIDE_PX}; 0 lets ORFEAS choose"
    return gr.Number(0, label=label, precision=0)


def create_output_format() -> gr.Dropdown:
    """Of a model file."""
    choices = [choice.value for choice in OutputFormat]
    return gr.Dropdown(choices, value=OutputFormat.GLB.value, label="File format")


def create_packing_inputs() -> Inputs:
    """A file's format, and how a model is put into it."""
    sizes = ", ".join(map(str, TEXTURE_SIZES_PX))
    compressions = [choice.value for choice in Compression]
    formats = [choice.value for choice in TextureFormatChoice]
    return {
        "output_format": create_output_format(),
        "compression": gr.Dropdown(
            compressions, value=Compression.NONE.value, label="How the shape in a GLB is packed"
        ),
        "texture_size": gr.Number(0, label=f"Most pixels a side of a texture, {sizes}; 0 keeps it", precision=0),
        "texture_format": gr.Dropdown(formats, value=TextureFormatChoice.KEEP.value, label="How colours are kept"),
    }


def create_picture_inputs() -> Inputs:
    """The parameters of a picture made from words."""
    return {
        "style": create_style(),
        "engine": create_text_engine(),
        "seed": _seed(),
        "negative_prompt": create_negative_prompt(),
        "num_inference_steps": create_steps(),
        "guidance_scale": create_guidance(),
        "size_px": create_side(),
        "for_3d": gr.Checkbox(PictureOptions().for_3d, label="One object, whole and centred, on a plain background"),
    }


def _quality() -> gr.Dropdown:
    return gr.Dropdown([c.value for c in Quality], value=ShapeOptions().quality.value, label="Quality")


def create_remove_background() -> gr.Dropdown:
    """Whether the subject is cut out."""
    choices = [c.value for c in RemoveBackground]
    return gr.Dropdown(choices, value=ShapeOptions().remove_background.value, label="Cut the subject out")


def create_remover() -> gr.Dropdown:
    """Who cuts it out."""
    choices = [c.value for c in RemoverChoice]
    return gr.Dropdown(choices, value=RemoverChoice.AUTO.value, label="Who cuts the subject out")


def _texture_engine(label: str) -> gr.Dropdown:
    return gr.Dropdown([c.value for c in TextureEngineChoice], value=TextureEngineChoice.AUTO.value, label=label)


def _texture_size() -> gr.Number:
    return gr.Number(0, label="Side of the texture in pixels, 256 to 4096; 0 lets ORFEAS choose", precision=0)


def _texture_format() -> gr.Dropdown:
    choices = [c.value for c in TextureFormat]
    return gr.Dropdown(choices, value=TextureFormat.JPEG.value, label="How the texture is kept in the file")


def create_texture_inputs() -> Inputs:
    """The parameters of a painted mesh."""
    defaults = TextureOptions()
    return {
        "engine": _texture_engine("Who paints"),
        "quality": _quality(),
        "seed": _seed(),
        "size_mm": gr.Number(
            defaults.size_mm, label="Longest side in millimetres, 1 to 10,000; 0 keeps the mesh's size and place"
        ),
        "output_format": create_output_format(),
        "remove_background": create_remove_background(),
        "num_inference_steps": create_steps(),
        "guidance_scale": create_guidance(),
        "texture_size": _texture_size(),
        "texture_format": _texture_format(),
        "keep_uv": gr.Checkbox(defaults.keep_uv, label="Paint on the UVs that the mesh came with"),
        "remover": create_remover(),
    }


def create_repair_inputs() -> Inputs:
    """The parameters of a repair."""
    defaults = RepairOptions()
    return {
        "target_faces": gr.Number(0, label="Faces, 100 to 2,000,000; 0 keeps the faces there are", precision=0),
        "size_mm": gr.Number(0, label="Longest side in millimetres, 1 to 10,000; 0 keeps the mesh's size and place"),
        "output_format": gr.Dropdown(
            [c.value for c in OutputFormat], value=defaults.output_format.value, label="File format"
        ),
        "min_part": gr.Number(
            defaults.min_part, label="Parts smaller than this share of the largest are dropped, 0 to 1"
        ),
        "keep_shells": gr.Checkbox(defaults.keep_shells, label="Keep closed shells that lie inside others"),
        "texture_format": _texture_format(),
        "smooth_steps": gr.Number(defaults.smooth_steps, label="Steps of light smoothing, 0 to 100", precision=0),
        "remesh": gr.Dropdown(
            [choice.value for choice in RemeshChoice],
            value=defaults.remesh.value,
            label="Make the faces anew, even ones",
        ),
        "lay_flat": gr.Checkbox(defaults.lay_flat, label="Turn the model onto its best flat side"),
        "printer_mm": gr.Textbox(
            defaults.printer_mm, label="Printer's width, depth and height to fit, such as 220x220x250; empty for none"
        ),
        "hollow_mm": gr.Number(defaults.hollow_mm, label="Walls of a hollow model, 0.4 to 100; 0 keeps it solid"),
        "drain_holes": gr.Number(defaults.drain_holes, label="Drain holes for each hollow, 0 to 8", precision=0),
        "drain_hole_mm": gr.Number(defaults.drain_hole_mm, label="How wide drain holes are, 1 to 50"),
    }


def create_shape_inputs() -> Inputs:
    """The parameters of a model."""
    defaults = ShapeOptions()
    return {
        "engine": gr.Dropdown(
            [c.value for c in EngineChoice], value=defaults.engine.value, label="Who makes the shape"
        ),
        "quality": _quality(),
        "texture": gr.Checkbox(defaults.texture, label="Put the picture on the surface"),
        "remove_background": create_remove_background(),
        "seed": _seed(),
        "num_inference_steps": create_steps(),
        "guidance_scale": create_guidance(),
        "octree_resolution": gr.Number(
            0, label="Cells along the longest side, 16 to 512; 0 lets ORFEAS choose", precision=0
        ),
        "target_faces": gr.Number(0, label="Faces, 100 to 2,000,000; 0 lets ORFEAS choose", precision=0),
        "size_mm": gr.Number(defaults.size_mm, label="Longest side in millimetres, 1 to 10,000"),
        "output_format": create_output_format(),
        "texture_size": _texture_size(),
        "guidance_start": gr.Number(defaults.guidance_start, label="Guidance from this share of the steps on, 0 to 1"),
        "guidance_end": gr.Number(defaults.guidance_end, label="Guidance up to this share of the steps, 0 to 1"),
        "cache_threshold": gr.Number(
            defaults.cache_threshold,
            label="Leave out evaluations that change less than this, 0 to 1; 0 leaves out none",
        ),
        "texture_engine": _texture_engine("Who paints, where the shape engine does not"),
        "texture_format": _texture_format(),
        "remover": create_remover(),
    }
