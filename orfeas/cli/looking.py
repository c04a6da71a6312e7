"""Commands that look at something, convert it, or tend to the machine."""

import argparse
import json
import sys
import time

from orfeas.cli.following import POLL_S, scratch_studio, stopped_by_signals
from orfeas.cli.making import check_ending, format_of
from orfeas.doctor import diagnose
from orfeas.errors import EngineUnavailable
from orfeas.files import check_writable, write_whole
from orfeas.job_files import png_bytes
from orfeas.options import (
    WeightsChoice,
    parse_cut_out_options,
    parse_packing,
    parse_print_options,
)
from orfeas.pictures.turntable import parse_turntable_options
from orfeas.progress import Progress, Step
from orfeas.records import FetchStatus, to_json
from orfeas.settings import read_settings


def run_cut_out(options: argparse.Namespace) -> int:
    """``cut-out``: the subject of a picture, and who cut it out."""
    wanted = parse_cut_out_options(remove_background=options.remove_background, remover=options.remover)
    check_ending(options.output, ".png", "A cut-out is a PNG")
    check_writable(options.output)
    with stopped_by_signals() as stop, scratch_studio() as studio:
        progress = Progress(is_cancelled=stop.is_set)
        image, report = studio.remove_background(options.image, wanted, options.mask, progress)
    write_whole(options.output, png_bytes(image))
    if options.json:
        print(json.dumps(to_json(report), indent=2))
    else:
        print(f"{options.output}: {report.note} {report.kept_share:.0%} of the picture, {report.seconds:.2f} s")
    return 0


def run_convert(options: argparse.Namespace) -> int:
    """``convert``: one mesh file to another, keeping how it was made where the file says so."""
    output_format = format_of(options.output)
    packing = parse_packing(
        output_format,
        compression=options.compression,
        texture_size=options.texture_size,
        texture_format=options.texture_format,
    )
    with scratch_studio() as studio:
        data = studio.meshes.convert(options.mesh, output_format, options.size_mm, packing)
    write_whole(options.output, data)
    print(f"{options.output}: {len(data):,} bytes")
    return 0


def run_turntable(options: argparse.Namespace) -> int:
    """``turntable``: a moving picture of a mesh file, with its frames counted on standard error."""
    check_ending(options.output, ".webp", "A turntable is a WebP")
    turntable = parse_turntable_options(
        frames=options.frames,
        size_px=options.size_px,
        seconds=options.seconds,
        background=options.background,
    )
    check_writable(options.output)

    def tell(step: Step) -> None:
        if sys.stderr.isatty():
            print(f"\rframe {step.done} of {step.total}", end="" if step.done < step.total else "\n", file=sys.stderr)

    with stopped_by_signals() as stop, scratch_studio() as studio:
        data = studio.meshes.draw_turntable(options.mesh, turntable, Progress(tell, stop.is_set))
    write_whole(options.output, data)
    print(f"{options.output}: {turntable.frames} frames, {len(data):,} bytes")
    return 0


def run_inspect(options: argparse.Namespace) -> int:
    """``inspect``: the mesh report as JSON; with ``--material`` what printing it comes to, too."""
    with stopped_by_signals() as stop, scratch_studio() as studio:
        progress = Progress(is_cancelled=stop.is_set)
        found = to_json(studio.meshes.inspect(options.mesh, progress))
        if options.material is not None:
            wanted = parse_print_options(material=options.material)
            report = studio.meshes.inspect_print(options.mesh, wanted, progress)
            found = {**found, "print": to_json(report)}
    print(json.dumps(found, indent=2))
    return 0


def run_engines(_: argparse.Namespace) -> int:
    """``engines``: every engine as JSON."""
    with scratch_studio() as studio:
        print(json.dumps([to_json(info) for info in studio.engines()], indent=2))
    return 0


def run_fetch(options: argparse.Namespace) -> int:
    """``fetch``: the plan first, then the weights, going on where an earlier fetch stopped; Ctrl-C stops it."""
    weights = WeightsChoice(options.weights)
    with scratch_studio() as studio:
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
