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
from orfeas.meshes.load import READABLE
from orfeas.options import (
    Compression,
    EngineChoice,
    OutputFormat,
    Quality,
    RemoveBackground,
    ShapeOptions,
    Style,
    TextEngineChoice,
    TextureEngineChoice,
    TextureFormat,
    WeightsChoice,
    parse_choice,
    parse_picture_options,
    parse_prompt,
    parse_shape_options,
    parse_texture_options,
)
from orfeas.records import FetchStatus, Job, JobStatus, to_json
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

    _add_texture(commands.add_parser("texture", help="paint a mesh from a picture of its front"))

    convert = commands.add_parser("convert", help="write a mesh file in another format")
    convert.add_argument("mesh", type=Path, help=f"{READABLE} file")
    convert.add_argument("-o", "--output", type=Path, required=True, help="file to write; its ending is the format")
    convert.add_argument("--size-mm", type=float, default=0, help="longest side; 0 keeps the mesh's own size")
    convert.add_argument("--compression", default="none", help=f"of the shape in a GLB, {_choices(Compression)}")
    convert.set_defaults(run=run_convert)

    inspect = commands.add_parser("inspect", help="measure a mesh file, as JSON")
    inspect.add_argument("mesh", type=Path, help=f"{READABLE} file")
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
    parser.add_argument("--style", default="none", help=_choices(Style))
    parser.add_argument("--quality", default="standard", help=_choices(Quality))
    parser.add_argument("--no-texture", action="store_true", help="shape only")
    parser.add_argument("--remove-background", default="auto", help=_choices(RemoveBackground))
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


def _add_texture(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("mesh", type=Path, help=f"{READABLE} file, its front facing +Z")
    parser.add_argument("image", type=Path, help="the picture of its front")
    parser.add_argument("-o", "--output", type=Path, required=True, help="file to write; its ending is the format")
    parser.add_argument("--engine", default="auto", help=_choices(TextureEngineChoice))
    parser.add_argument("--quality", default="standard", help=_choices(Quality))
    parser.add_argument("--remove-background", default="auto", help=_choices(RemoveBackground))
    parser.add_argument("--seed", type=int, default=-1, help="-1 takes a random one")
    parser.add_argument("--num-inference-steps", type=int, default=0, help="0 takes the quality's own")
    parser.add_argument("--guidance-scale", type=float, default=-1, help="-1 takes the quality's own")
    parser.add_argument("--keep-uv", action="store_true", help="paint on the UVs that the mesh came with")
    _add_texture_file(parser)
    parser.add_argument("--size-mm", type=float, default=0, help="longest side; 0 keeps the mesh's own size and place")
    parser.add_argument("--json", action="store_true", help="print the job record when done")
    parser.set_defaults(run=run_texture)


def _add_texture_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--texture-size", type=int, default=0, help="0 takes the quality's own")
    parser.add_argument("--texture-format", default="jpeg", help=_choices(TextureFormat))


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
    )
    return _run(options, lambda studio: _submit(studio, options, shape), shape.output_format)


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
    )
    return _run(
        options, lambda studio: studio.submit_texture(options.mesh, options.image, texture), texture.output_format
    )


def _run(options: argparse.Namespace, submit: Callable[[Studio], Job], output_format: OutputFormat) -> int:
    """Run a job in a studio of its own, and write its model."""
    check_writable(options.output)
    with _stopped_by_signals() as stop, _scratch_studio() as studio:
        job = _follow(studio, submit(studio), stop)
        data = studio.download(job.job_id, output_format).read_bytes()
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
        return studio.submit_image_to_3d(options.image, shape)
    picture = parse_picture_options(engine=options.text_engine, style=options.style, engine_name="text_engine")
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
    assert job.mesh is not None and job.status is JobStatus.COMPLETED
    x, y, z = job.mesh.size_mm
    closed = "watertight" if job.mesh.is_watertight else "not watertight"
    preview = " (preview engine)" if job.is_preview else ""
    notes = "".join(f"\n{note}" for note in job.notes)
    return (
        f"{output}: {job.mesh.faces:,} faces, {closed}, {x:.1f} × {y:.1f} × {z:.1f} mm, "
        f"by {job.engine}{preview}, seed {job.options['seed']}, {job.timings_s['total']:.2f} s{notes}"
    )


def run_convert(options: argparse.Namespace) -> int:
    """``convert``: one mesh file to another, keeping how it was made where the file says so."""
    output_format = format_of(options.output)
    compression = parse_choice("compression", options.compression, Compression)
    with _scratch_studio() as studio:
        data = studio.convert(options.mesh, output_format, options.size_mm, compression)
    write_whole(options.output, data)
    print(f"{options.output}: {len(data):,} bytes")
    return 0


def run_inspect(options: argparse.Namespace) -> int:
    """``inspect``: the mesh report as JSON."""
    with _scratch_studio() as studio:
        print(json.dumps(to_json(studio.inspect_mesh(options.mesh)), indent=2))
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
