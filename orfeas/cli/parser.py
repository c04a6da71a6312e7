"""Every command with its options."""

import argparse
from enum import StrEnum
from pathlib import Path

from orfeas.cli.looking import run_convert, run_cut_out, run_doctor, run_engines, run_fetch, run_inspect, run_turntable
from orfeas.cli.making import run_generate, run_picture, run_repair, run_texture
from orfeas.meshes.load import READABLE
from orfeas.options import (
    TEXTURE_SIZES_PX,
    Compression,
    EngineChoice,
    Material,
    Quality,
    RemeshChoice,
    RemoveBackground,
    RemoverChoice,
    Style,
    TextEngineChoice,
    TextureEngineChoice,
    TextureFormat,
    TextureFormatChoice,
    WeightsChoice,
)
from orfeas.pictures.turntable import TurntableOptions
from orfeas.version import VERSION


def build_parser() -> argparse.ArgumentParser:
    """Every command with its options; ``--help`` on each tells their use."""
    parser = argparse.ArgumentParser(prog="orfeas", description="Turn a picture, or a sentence, into a 3D model.")
    parser.add_argument("--version", action="version", version=f"ORFEAS {VERSION}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_generate(commands.add_parser("generate", help="make a model of a picture or of words"))

    _add_picture(commands.add_parser("picture", help="make a picture from words"))
    _add_texture(commands.add_parser("texture", help="paint a mesh from a picture of its front"))

    _add_repair(commands.add_parser("repair", help="make a mesh ready to be printed"))
    _add_cut_out(commands.add_parser("cut-out", help="cut the subject out of a picture, into a PNG"))

    convert = commands.add_parser("convert", help="write a mesh file in another format")
    convert.add_argument("mesh", type=Path, help=f"{READABLE} file")
    convert.add_argument("-o", "--output", type=Path, required=True, help="file to write; its ending is the format")
    convert.add_argument("--size-mm", type=float, default=0, help="longest side; 0 keeps the mesh's own size")
    convert.add_argument("--compression", default="none", help=f"of the shape in a GLB, {_choices(Compression)}")
    sizes = ", ".join(map(str, TEXTURE_SIZES_PX))
    convert.add_argument("--texture-size", type=int, default=0, help=f"most pixels a side, {sizes}; 0 keeps it")
    convert.add_argument("--texture-format", default="keep", help=f"of colours, {_choices(TextureFormatChoice)}")
    convert.set_defaults(run=run_convert)

    _add_turntable(commands.add_parser("turntable", help="draw a mesh file turning once around, as an animated WebP"))

    inspect = commands.add_parser("inspect", help="measure a mesh file, as JSON")
    inspect.add_argument("mesh", type=Path, help=f"{READABLE} file")
    inspect.add_argument("--material", help=f"what printing it comes to, too; {_choices(Material)}")
    inspect.set_defaults(run=run_inspect)

    engines = commands.add_parser("engines", help="list the engines, as JSON")
    engines.set_defaults(run=run_engines)

    fetch = commands.add_parser("fetch", help="fetch an engine's published weights, after saying how much and whose")
    fetch.add_argument("weights", choices=[choice.value for choice in WeightsChoice], help="which weights")
    fetch.add_argument("--yes", action="store_true", help="agree to the licence and the size without being asked")
    fetch.set_defaults(run=run_fetch)

    doctor = commands.add_parser("doctor", help="say what this machine can run and what is missing")
    doctor.set_defaults(run=run_doctor)
    return parser


def _add_generate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", type=Path, nargs="?", help="the picture; leave it out with --prompt")
    parser.add_argument("--prompt", help="words instead of a picture")
    parser.add_argument("-o", "--output", type=Path, required=True, help="file to write; its ending is the format")
    parser.add_argument("--engine", default="auto", help=_choices(EngineChoice))
    parser.add_argument("--text-engine", default="auto", help=_choices(TextEngineChoice))
    _add_picture_options(parser, "picture-")
    parser.add_argument("--quality", default="standard", help=_choices(Quality))
    parser.add_argument("--no-texture", action="store_true", help="shape only")
    _add_background(parser)
    parser.add_argument("--seed", type=int, default=-1, help="-1 takes a random one")
    parser.add_argument("--num-inference-steps", type=int, default=0, help="0 takes the quality's own")
    parser.add_argument("--guidance-scale", type=float, default=-1, help="-1 takes the quality's own")
    parser.add_argument("--guidance-start", type=float, default=0, help="share of the steps from which it acts")
    parser.add_argument("--guidance-end", type=float, default=1, help="share of the steps up to which it acts")
    parser.add_argument("--cache-threshold", type=float, default=0, help="leave out similar evaluations; 0 is none")
    parser.add_argument("--octree-resolution", type=int, default=0, help="0 takes the quality's own")
    parser.add_argument("--target-faces", type=int, default=0, help="0 takes the quality's own")
    parser.add_argument("--texture-engine", default="auto", help=_choices(TextureEngineChoice))
    _add_texture_file(parser)
    parser.add_argument("--size-mm", type=float, default=100, help="longest side of the model")
    parser.add_argument("--json", action="store_true", help="print the job record when done")
    parser.set_defaults(run=run_generate)


def _add_picture(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", help="what it should be")
    parser.add_argument("-o", "--output", type=Path, required=True, help="PNG file to write")
    parser.add_argument("--engine", default="auto", help=_choices(TextEngineChoice))
    _add_picture_options(parser)
    parser.add_argument("--seed", type=int, default=-1, help="-1 takes a random one")
    parser.add_argument("--scene", action="store_true", help="the words as they are, and not one object for 3D")
    parser.add_argument("--json", action="store_true", help="print the job record when done")
    parser.set_defaults(run=run_picture)


def _add_picture_options(parser: argparse.ArgumentParser, prefix: str = "") -> None:
    parser.add_argument("--style", default="none", help=_choices(Style))
    parser.add_argument("--negative-prompt", default="", help="what to keep out of the picture")
    parser.add_argument(f"--{prefix}steps", type=int, default=0, help="of the picture; 0 takes the model's own")
    parser.add_argument(f"--{prefix}guidance-scale", type=float, default=-1, help="of the picture; -1: the model's own")
    parser.add_argument("--size-px", type=int, default=0, help="side of the picture; 0 takes the model's own")


def _add_texture(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("mesh", type=Path, help=f"{READABLE} file, its front facing +Z")
    parser.add_argument("image", type=Path, help="the picture of its front")
    parser.add_argument("-o", "--output", type=Path, required=True, help="file to write; its ending is the format")
    parser.add_argument("--engine", default="auto", help=_choices(TextureEngineChoice))
    parser.add_argument("--quality", default="standard", help=_choices(Quality))
    _add_background(parser)
    parser.add_argument("--seed", type=int, default=-1, help="-1 takes a random one")
    parser.add_argument("--num-inference-steps", type=int, default=0, help="0 takes the quality's own")
    parser.add_argument("--guidance-scale", type=float, default=-1, help="-1 takes the quality's own")
    parser.add_argument("--keep-uv", action="store_true", help="paint on the UVs that the mesh came with")
    _add_texture_file(parser)
    parser.add_argument("--size-mm", type=float, default=0, help="longest side; 0 keeps the mesh's own size and place")
    parser.add_argument("--json", action="store_true", help="print the job record when done")
    parser.set_defaults(run=run_texture)


def _add_repair(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("mesh", type=Path, help=f"{READABLE} file")
    parser.add_argument("-o", "--output", type=Path, required=True, help="file to write; its ending is the format")
    parser.add_argument("--target-faces", type=int, default=0, help="0 keeps the faces there are")
    parser.add_argument("--size-mm", type=float, default=0, help="longest side; 0 keeps the mesh's own size and place")
    parser.add_argument("--min-part", type=float, default=0.01, help="share of the largest part; smaller ones go")
    parser.add_argument("--keep-shells", action="store_true", help="keep closed shells that lie inside others")
    parser.add_argument("--smooth-steps", type=int, default=0, help="of light smoothing; 0 is none")
    parser.add_argument("--remesh", default="none", help=_choices(RemeshChoice))
    parser.add_argument("--lay-flat", action="store_true", help="turn the model onto its best flat side")
    parser.add_argument("--printer-mm", default="", help="width, depth and height to fit, such as 220x220x250")
    parser.add_argument("--hollow-mm", type=float, default=0, help="walls of a hollow model; 0 keeps it solid")
    parser.add_argument("--drain-holes", type=int, default=0, help="for each hollow, 0 to 8")
    parser.add_argument("--drain-hole-mm", type=float, default=3, help="how wide they are")
    parser.add_argument("--texture-format", default="jpeg", help=_choices(TextureFormat))
    parser.add_argument("--json", action="store_true", help="print the job record when done")
    parser.set_defaults(run=run_repair)


def _add_texture_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--texture-size", type=int, default=0, help="0 takes the quality's own")
    parser.add_argument("--texture-format", default="jpeg", help=_choices(TextureFormat))


def _add_cut_out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", type=Path, help="the picture")
    parser.add_argument("-o", "--output", type=Path, required=True, help="PNG file to write")
    _add_background(parser)
    parser.add_argument("--json", action="store_true", help="print the report when done")
    parser.set_defaults(run=run_cut_out)


def _add_background(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--remove-background", default="auto", help=_choices(RemoveBackground))
    parser.add_argument("--remover", default="auto", help=_choices(RemoverChoice))
    parser.add_argument("--mask", type=Path, help="a picture of your own: white keeps, black removes")


def _add_turntable(parser: argparse.ArgumentParser) -> None:
    defaults = TurntableOptions()
    parser.add_argument("mesh", type=Path, help=f"{READABLE} file, its front facing +Z")
    parser.add_argument("-o", "--output", type=Path, required=True, help="file to write, ending in .webp")
    parser.add_argument("--frames", type=int, default=defaults.frames, help="pictures for one turn, 4 to 90")
    parser.add_argument("--size-px", type=int, default=defaults.size_px, help="side of the picture, 64 to 1024")
    parser.add_argument("--seconds", type=float, default=defaults.seconds, help="time of one turn, 1 to 60")
    parser.add_argument("--background", default=defaults.background, help="transparent, or a colour such as #ffffff")
    parser.set_defaults(run=run_turntable)


def _choices(choices: type[StrEnum]) -> str:
    return f"one of {', '.join(choices)}"
