"""The command line: thin calls to the studio; ``python -m orfeas --help`` lists them.

Exit status: 0 done, 1 failed (the sentence is on standard error), 2 wrong usage, 130 stopped by Ctrl-C.
"""

import argparse
import json
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from pydantic import ValidationError

from orfeas.doctor import diagnose
from orfeas.errors import Cancelled, EngineUnavailable, InvalidOption, OrfeasError
from orfeas.files import check_writable, write_whole
from orfeas.job_files import png_bytes
from orfeas.meshes.load import READABLE
from orfeas.options import (
    PICTURE_OPTIONS,
    Compression,
    EngineChoice,
    Material,
    OutputFormat,
    Quality,
    RemeshChoice,
    RemoveBackground,
    RemoverChoice,
    ShapeOptions,
    Style,
    TextEngineChoice,
    TextureEngineChoice,
    TextureFormat,
    WeightsChoice,
    parse_choice,
    parse_cut_out_options,
    parse_picture_options,
    parse_print_options,
    parse_prompt,
    parse_repair_options,
    parse_shape_options,
    parse_texture_options,
)
from orfeas.pictures.turntable import TurntableOptions, parse_turntable_options
from orfeas.progress import Progress, Step
from orfeas.records import FetchStatus, Job, JobStatus, MeshReport, to_json
from orfeas.settings import explain, read_settings
from orfeas.studio import Studio
from orfeas.ui.words import progress_text
from orfeas.version import VERSION

POLL_S = 0.1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = build_parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except Cancelled as error:
        print(error.sentence, file=sys.stderr)
        return 130
    except KeyboardInterrupt:
        return 130
    except ValidationError as error:
        print(explain(error), file=sys.stderr)
        return 1
    except OSError as error:
        print(f"The file cannot be written: {error.strerror}.", file=sys.stderr)
        return 1
    except OrfeasError as error:
        print(error.sentence, file=sys.stderr)
        return 1
    return status


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


def format_of(path: Path) -> OutputFormat:
    """The format a file name asks for; ``.zip`` is an OBJ with its material and textures.

    Raises:
        InvalidOption: an ending that is no format.
    """
    ending = path.suffix.removeprefix(".").lower()
    if ending == "obj":
        zipped = path.with_suffix(".zip").name
        raise InvalidOption(f"An OBJ comes in a zip with its material and textures; name the file {zipped}.")
    return OutputFormat.OBJ if ending == "zip" else parse_choice("the output's format", ending, OutputFormat)


def run_generate(options: argparse.Namespace) -> int:
    """``generate``: make a model, and write it where it was asked for, whole or not at all."""
    if (options.image is None) == (options.prompt is None):
        raise InvalidOption("Give either a picture or --prompt, not both and not neither.")
    if options.prompt is not None and options.mask is not None:
        raise InvalidOption("--mask goes with a picture, not with --prompt.", "mask")
    shape = parse_shape_options(
        engine=options.engine,
        quality=options.quality,
        texture=not options.no_texture,
        remove_background=options.remove_background,
        seed=options.seed,
        num_inference_steps=options.num_inference_steps,
        guidance_scale=options.guidance_scale,
        octree_resolution=options.octree_resolution,
        target_faces=options.target_faces,
        size_mm=options.size_mm,
        output_format=format_of(options.output),
        texture_size=options.texture_size,
        guidance_start=options.guidance_start,
        guidance_end=options.guidance_end,
        cache_threshold=options.cache_threshold,
        texture_engine=options.texture_engine,
        texture_format=options.texture_format,
        remover=options.remover,
    )
    return _run(options, lambda studio: _submit(studio, options, shape), shape.output_format)


def run_picture(options: argparse.Namespace) -> int:
    """``picture``: make a picture from words, and write it where it was asked for, whole or not at all."""
    if options.output.suffix.lower() != ".png":
        raise InvalidOption(f"A picture is written as a PNG; name the file {options.output.with_suffix('.png').name}.")
    picture = parse_picture_options(
        engine=options.engine,
        style=options.style,
        seed=options.seed,
        negative_prompt=options.negative_prompt,
        num_inference_steps=options.steps,
        guidance_scale=options.guidance_scale,
        size_px=options.size_px,
        for_3d=not options.scene,
        names={"num_inference_steps": "steps"},
    )
    prompt = parse_prompt(options.prompt)
    return _run(options, lambda studio: studio.submit_text_to_image(prompt, picture), None)


def run_texture(options: argparse.Namespace) -> int:
    """``texture``: paint a mesh, and write it where it was asked for, whole or not at all."""
    texture = parse_texture_options(
        engine=options.engine,
        quality=options.quality,
        remove_background=options.remove_background,
        seed=options.seed,
        size_mm=options.size_mm,
        output_format=format_of(options.output),
        num_inference_steps=options.num_inference_steps,
        guidance_scale=options.guidance_scale,
        texture_size=options.texture_size,
        texture_format=options.texture_format,
        keep_uv=options.keep_uv,
        remover=options.remover,
    )
    return _run(
        options,
        lambda studio: studio.submit_texture(options.mesh, options.image, texture, mask=options.mask),
        texture.output_format,
    )


def run_repair(options: argparse.Namespace) -> int:
    """``repair``: make a mesh ready to be printed, and write it where it was asked for, whole or not at all."""
    repair = parse_repair_options(
        target_faces=options.target_faces,
        size_mm=options.size_mm,
        output_format=format_of(options.output),
        min_part=options.min_part,
        keep_shells=options.keep_shells,
        texture_format=options.texture_format,
        smooth_steps=options.smooth_steps,
        remesh=options.remesh,
        lay_flat=options.lay_flat,
        printer_mm=options.printer_mm,
        hollow_mm=options.hollow_mm,
        drain_holes=options.drain_holes,
        drain_hole_mm=options.drain_hole_mm,
    )
    return _run(options, lambda studio: studio.submit_repair(options.mesh, repair), repair.output_format)


def run_cut_out(options: argparse.Namespace) -> int:
    """``cut-out``: the subject of a picture, and who cut it out."""
    wanted = parse_cut_out_options(remove_background=options.remove_background, remover=options.remover)
    if options.output.suffix.lower() != ".png":
        raise InvalidOption(f"A cut-out is a PNG; name the file {options.output.with_suffix('.png').name}.")
    check_writable(options.output)
    with _stopped_by_signals() as stop, _scratch_studio() as studio:
        progress = Progress(is_cancelled=stop.is_set)
        image, report = studio.remove_background(options.image, wanted, options.mask, progress)
    write_whole(options.output, png_bytes(image))
    if options.json:
        print(json.dumps(to_json(report), indent=2))
    else:
        print(f"{options.output}: {report.note} {report.kept_share:.0%} of the picture, {report.seconds:.2f} s")
    return 0


def _run(options: argparse.Namespace, submit: Callable[[Studio], Job], output_format: OutputFormat | None) -> int:
    """Run a job in a studio of its own, and write its model; without a format its picture."""
    check_writable(options.output)
    with _stopped_by_signals() as stop, _scratch_studio() as studio:
        job = _follow(studio, submit(studio), stop)
        made = (
            studio.results.download(job.job_id, output_format) if output_format else studio.results.picture(job.job_id)
        )
        data = made.read_bytes()
    write_whole(options.output, data)
    if options.json:
        print(json.dumps(to_json(job), indent=2))
    else:
        print(_summary(job, options.output))
    return 0


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C and a polite kill set; a handler of signals must take no lock, so it only sets this."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _submit(studio: Studio, options: argparse.Namespace, shape: ShapeOptions) -> Job:
    if options.image is not None:
        return studio.submit_image_to_3d(options.image, shape, mask=options.mask)
    picture = parse_picture_options(
        engine=options.text_engine,
        style=options.style,
        negative_prompt=options.negative_prompt,
        num_inference_steps=options.picture_steps,
        guidance_scale=options.picture_guidance_scale,
        size_px=options.size_px,
        names={own: name for name, own in PICTURE_OPTIONS.items()},
    )
    return studio.submit_text_to_3d(parse_prompt(options.prompt), picture, shape)


def _follow(studio: Studio, job: Job, stop: threading.Event) -> Job:
    """Run the job, telling its stages on standard error, until it has ended or ``stop`` is set.

    Raises:
        OrfeasError: how the job ended, where it did not complete.
    """
    worker = threading.Thread(target=studio.run, args=(job.job_id,))
    worker.start()
    _tell_stages(studio, job.job_id, worker, stop)
    return studio.result(job.job_id)


def _tell_stages(studio: Studio, job_id: str, worker: threading.Thread, stop: threading.Event) -> None:
    """A line for each stage; a terminal also sees the steps and the time left, in place."""
    told, stage = "", ""
    while worker.is_alive():
        worker.join(POLL_S)
        if stop.is_set():
            studio.cancel(job_id)
        job = studio.job(job_id)
        text = progress_text(job)
        if sys.stderr.isatty():
            if text != told and not job.status.is_final:
                told = text
                print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
        elif job.stage != stage:
            stage = job.stage
            print(stage.replace("_", " "), file=sys.stderr)
    if told:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _summary(job: Job, output: Path) -> str:
    assert job.status is JobStatus.COMPLETED
    preview = " (preview engine)" if job.is_preview else ""
    seed = f", seed {job.options['seed']}" if "seed" in job.options else ""
    prompt = f"\nPrompt given to the model: {job.final_prompt}" if job.final_prompt != job.prompt else ""
    notes = prompt + "".join(f"\n{note}" for note in job.notes)
    return f"{output}: {_measures(job.mesh)}by {job.engine}{preview}{seed}, {job.timings_s['total']:.2f} s{notes}"


def _measures(mesh: MeshReport | None) -> str:
    if mesh is None:
        return ""
    x, y, z = mesh.size_mm
    closed = "watertight" if mesh.is_watertight else "not watertight"
    return f"{mesh.faces:,} faces, {closed}, {x:.1f} × {y:.1f} × {z:.1f} mm, "


def run_convert(options: argparse.Namespace) -> int:
    """``convert``: one mesh file to another, keeping how it was made where the file says so."""
    output_format = format_of(options.output)
    compression = parse_choice("compression", options.compression, Compression)
    with _scratch_studio() as studio:
        data = studio.meshes.convert(options.mesh, output_format, options.size_mm, compression)
    write_whole(options.output, data)
    print(f"{options.output}: {len(data):,} bytes")
    return 0


def run_turntable(options: argparse.Namespace) -> int:
    """``turntable``: a moving picture of a mesh file, with its frames counted on standard error."""
    turntable = parse_turntable_options(
        output_format=options.output.suffix.removeprefix("."),
        frames=options.frames,
        size_px=options.size_px,
        seconds=options.seconds,
        background=options.background,
    )
    check_writable(options.output)

    def tell(step: Step) -> None:
        if sys.stderr.isatty():
            print(f"\rframe {step.done} of {step.total}", end="" if step.done < step.total else "\n", file=sys.stderr)

    with _stopped_by_signals() as stop, _scratch_studio() as studio:
        data = studio.meshes.draw_turntable(options.mesh, turntable, Progress(tell, stop.is_set))
    write_whole(options.output, data)
    print(f"{options.output}: {turntable.frames} frames, {len(data):,} bytes")
    return 0


def run_inspect(options: argparse.Namespace) -> int:
    """``inspect``: the mesh report as JSON; with ``--material`` what printing it comes to, too."""
    with _stopped_by_signals() as stop, _scratch_studio() as studio:
        found = to_json(studio.meshes.inspect(options.mesh))
        if options.material is not None:
            wanted = parse_print_options(material=options.material)
            report = studio.meshes.inspect_print(options.mesh, wanted, Progress(is_cancelled=stop.is_set))
            found = {**found, "print": to_json(report)}
    print(json.dumps(found, indent=2))
    return 0


def run_engines(_: argparse.Namespace) -> int:
    """``engines``: every engine as JSON."""
    with _scratch_studio() as studio:
        print(json.dumps([to_json(info) for info in studio.engines()], indent=2))
    return 0


def run_fetch(options: argparse.Namespace) -> int:
    """``fetch``: the plan first, then the weights, going on where an earlier fetch stopped; Ctrl-C stops it."""
    weights = WeightsChoice(options.weights)
    with _scratch_studio() as studio:
        fetching = studio.fetching
        plan = fetching.plan(weights)
        if plan.no_room:
            raise EngineUnavailable(plan.no_room)
        print(plan.sentence)
        if not plan.missing_bytes:
            return 0
        if not options.yes and input("Fetch them? [y/N] ").strip().lower() != "y":
            return 1
        fetching.start(weights)
        while (state := fetching.state(weights)).status is FetchStatus.FETCHING:
            print(f"\r{state.amount} ", end="", file=sys.stderr, flush=True)
            time.sleep(POLL_S)
        print(file=sys.stderr)
    if state.status is not FetchStatus.COMPLETE:
        raise EngineUnavailable(state.message)
    print("The weights are here.")
    return 0


def run_doctor(_: argparse.Namespace) -> int:
    """``doctor``: what this machine can run; 1 where something is wrong with it."""
    diagnosis = diagnose(read_settings())
    print(diagnosis.text)
    return 0 if diagnosis.is_healthy else 1


@contextmanager
def _scratch_studio() -> Iterator[Studio]:
    """A studio with a workspace of its own for one command, so that a running server's is not touched."""
    with tempfile.TemporaryDirectory(prefix="orfeas-") as folder:
        settings = read_settings().model_copy(update={"data_dir": Path(folder)})
        with Studio(settings) as studio:
            yield studio
