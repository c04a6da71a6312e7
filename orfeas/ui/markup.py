"""Pieces of the page written as HTML; everything a person or a file can have written is escaped here."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from orfeas.options import TEXTURE_SIZES_PX, OutputFormat
from orfeas.progress import Stage
from orfeas.records import EngineInfo, Job, JobKind, JobStatus, MeshReport, Use, counted
from orfeas.ui.how_made import how_made
from orfeas.ui.words import (
    FORMAT_NAMES,
    FORMAT_TIPS,
    KIND_NAMES,
    NOT_SEARCHED,
    READY,
    STAGE_NAMES,
    STATUS_NAMES,
    USE_NAMES,
    bytes_text,
    seconds_text,
    stages_of,
)


@dataclass(frozen=True)
class Tile:
    """A small picture that does something when pressed: ``key`` goes to the server, ``label`` to screen readers."""

    key: str
    source: str
    label: str
    caption: str = ""
    is_current: bool = False


def tiles(items: Sequence[Tile], name: str) -> str:
    """A row of buttons with pictures; ``name`` says what the row is to a screen reader."""
    buttons = "".join(_tile(item) for item in items)
    return f'<div class="tiles" role="group" aria-label="{escape(name)}">{buttons}</div>'


def _tile(item: Tile) -> str:
    current = ' aria-current="true"' if item.is_current else ""
    caption = f'<span class="caption">{escape(item.caption)}</span>' if item.caption else ""
    return (
        f'<button type="button" class="tile" data-key="{escape(item.key)}" aria-label="{escape(item.label)}"'
        f' title="{escape(item.label)}"{current}>'
        f'<img src="{escape(item.source)}" alt="" loading="lazy" width="64" height="64">{caption}</button>'
    )


def history_tile(job: Job, current_id: str) -> Tile:
    """A finished job as a tile of the history."""
    name = job.prompt or job.name or "picture"
    outcome = "" if job.status == JobStatus.COMPLETED else f", {STATUS_NAMES[job.status].lower()}"
    made = "model" if job.kind != JobKind.TEXT_TO_IMAGE else "picture"
    time = job.created[11:16]
    return Tile(
        key=job.job_id,
        source=f"jobs/{job.job_id}/thumbnail",
        label=f"Open the {made} of {time} UTC: {name}{outcome}",
        is_current=job.job_id == current_id,
    )


def history(jobs: Sequence[Job], current_id: str) -> str:
    """The finished jobs as tiles, or a sentence where there are none."""
    items = [history_tile(job, current_id) for job in jobs if job.status == JobStatus.COMPLETED]
    body = tiles(items, "History") if items else '<p class="quiet">What you make is kept here.</p>'
    return f'<h2 class="label">History</h2>{body}'


def report(mesh: MeshReport) -> str:
    """The measures of a model in one line, each with a tip."""
    x, y, z = (f"{length:.0f}" if length >= 10 else f"{length:.1f}" for length in mesh.size_mm)
    closed = (
        ("watertight", "No holes: the model can be printed and has a volume.")
        if mesh.is_watertight
        else (counted(mesh.boundary_edges, "open edge"), "The surface has holes; a slicer may refuse it.")
    )
    facts = [
        (counted(mesh.faces, "face"), f"{mesh.vertices:,} vertices, {counted(mesh.components, 'separate part')}"),
        closed,
        (f"{x} × {y} × {z} mm", "Width, height and depth"),
    ]
    if mesh.volume_mm3 is not None:
        facts.append(_volume(mesh.volume_mm3))
    if mesh.has_texture:
        facts.append(("textured", "Carries a picture on its surface"))
    return " ".join(f'<span class="fact" title="{escape(tip)}">{escape(text)}</span>' for text, tip in facts)


def _volume(volume_mm3: float) -> tuple[str, str]:
    """A closed surface's volume, and its tip; what is inside out has a negative one."""
    volume_cm3 = round(volume_mm3 / 1000, 1)
    if volume_cm3 < 0:
        return f"{-volume_cm3:,.1f} cm³, inside out", "Volume that the surface encloses; its faces look inward"
    return f"{abs(volume_cm3):,.1f} cm³", "Volume of the closed solid"


def verdict(report: MeshReport) -> str:
    """For each use: ready, or every problem with what to do about it."""
    rows = []
    for use in Use:
        found = [finding for finding in report.findings if finding.use is use]
        said = " ".join(f"{escape(finding.problem)} {escape(finding.fix)}" for finding in found) or _ready(report, use)
        rows.append(f'<dt class="{"bad" if found else "good"}">{USE_NAMES[use]}</dt><dd>{said}</dd>')
    return f'<dl class="verdict">{"".join(rows)}</dl>'


def _ready(report: MeshReport, use: Use) -> str:
    is_searched = use is not Use.PRINT or report.crossing_faces is not None
    return READY if is_searched else f"{READY} {NOT_SEARCHED}"


def downloads(job: Job) -> str:
    """One link for each format; pressing it converts and saves."""
    if job.kind == JobKind.TEXT_TO_IMAGE:
        return f'<a class="download" href="jobs/{job.job_id}/picture" download>Download PNG</a>'
    links = []
    for place, output_format in enumerate(OutputFormat):
        size = job.files.get(output_format.value)
        amount = f' <span class="amount">{bytes_text(size)}</span>' if size and place == 0 else ""
        verb = "Download " if place == 0 else ""
        textured = " data-textured" if output_format.holds_textures else ""
        links.append(
            f'<a class="download{" main" if place == 0 else ""}" href="jobs/{job.job_id}/model.{output_format.value}"'
            f'{textured} download title="{escape(FORMAT_TIPS[output_format])}"'
            f' aria-label="Download as {FORMAT_NAMES[output_format]}">'
            f"{verb}{FORMAT_NAMES[output_format]}{amount}</a>"
        )
    links.append(
        f'<a class="download" href="jobs/{job.job_id}/turntable.webp" data-turntable'
        f' download="{escape(job.name or "model")}.webp" title="A moving picture of the model'
        ' turning once around: animated WebP, clear background; drawn when you press, in a second or two"'
        ' aria-label="Download the turntable">Turntable</a>'
    )
    return "".join([*links, _texture_sizes(job)])


def _texture_sizes(job: Job) -> str:
    """A choice of smaller textures for the downloads; nothing where there is no texture, or no smaller one."""
    own_px = job.options.get("texture_size", math.inf)  # a repair has what its mesh came with
    sizes = [size for size in reversed(TEXTURE_SIZES_PX) if isinstance(own_px, int | float) and size < own_px]
    if job.mesh is None or not job.mesh.has_texture or not sizes:
        return ""
    options = "".join(f'<option value="{size}">Texture {size} px</option>' for size in sizes)
    return (
        '<select class="download" data-texture-size aria-label="Size of the texture in downloads"'
        ' title="No side of a texture in a download is longer; smaller textures make smaller files">'
        f'<option value="">Texture as it is</option>{options}</select>'
    )


def result(job: Job) -> str:
    """What a finished job made: its name, its measures, what there is to know, and the downloads."""
    title = escape(job.prompt) if job.prompt else KIND_NAMES[job.kind]
    badge = (
        '<span class="badge" title="An engine without a learned model had a part in this: quick, and simpler than the '
        'real thing.">'
        "Preview engine</span>"
        if job.is_preview
        else ""
    )
    took = f'<span class="fact">{seconds_text(job.timings_s["total"])}</span>' if "total" in job.timings_s else ""
    facts = report(job.mesh) if job.mesh else ""
    judged = verdict(job.mesh) if job.mesh and (job.mesh.findings or job.kind == JobKind.REPAIR) else ""
    before = f'<p class="facts before">Before: {report(job.mesh_before)}</p>' if job.mesh_before else ""
    notes = "".join(f"<li>{escape(note)}</li>" for note in (*job.notes, job.engine_reason) if note)
    return (
        f'<section class="status done" aria-label="Result"><div class="title"><h2 title="{title}">{title}</h2>{badge}'
        f'</div><p class="facts">{facts} {took}</p>{before}{judged}{_final_prompt(job)}'
        f'<div class="downloads">{downloads(job)}</div>'
        f'<details class="notes"><summary>How it was made</summary><ul>{notes}</ul>{how_made(job)}</details></section>'
    )


def _final_prompt(job: Job) -> str:
    """What the model was given, where it is more than the words that stand above."""
    if job.final_prompt in ("", job.prompt):
        return ""
    return f'<p class="final-prompt">Prompt given to the model: <q>{escape(job.final_prompt)}</q></p>'


def working(job: Job, elapsed_s: float, left_s: float | None, ahead: int) -> str:
    """A live job: its stages as a list that fills, with the time spent and the time left."""
    title = escape(job.prompt) if job.prompt else KIND_NAMES[job.kind]
    if job.status == JobStatus.QUEUED:
        queue = "next in line" if ahead == 0 else f"{ahead} ahead in the queue"
        time = queue if left_s is None else f"{queue}, about {seconds_text(left_s)}"
    else:
        time = seconds_text(elapsed_s) + (f", about {seconds_text(left_s)} left" if left_s is not None else "")
    stages = stages_of(job)
    reached = next((place for place, stage in enumerate(stages) if stage == job.stage), -1)
    rows = "".join(_stage(job, place, stage, reached) for place, stage in enumerate(stages))
    return (
        f'<section class="status working" aria-label="Working"><div class="title"><h2>{title}</h2>'
        f'<span class="time">{time}</span></div>'
        f'<div class="bar-track"><div class="bar-fill" style="width:{100 * job.progress:.0f}%"></div></div>'
        f'<ol class="stages">{rows}</ol></section>'
    )


def _stage(job: Job, place: int, stage: Stage, reached: int) -> str:
    spent = job.timings_s.get(stage.value)
    if place == reached and not job.status.is_final:
        state, detail = "now", f" {job.step} of {job.steps}" if job.steps else ""
    elif place < reached or spent is not None:
        state, detail = "past", f" {seconds_text(spent)}" if spent is not None else ""
    else:
        state, detail = "to-come", ""
    current = ' aria-current="step"' if state == "now" else ""
    return f'<li class="{state}"{current}>{STAGE_NAMES[stage]}<span class="detail">{detail}</span></li>'


def notice(kind: str, title: str, sentence: str) -> str:
    """A state of the stage in a title and a sentence; ``kind`` is its class: empty, failed, stopped, waiting."""
    return (
        f'<section class="status {escape(kind)}"><div class="title"><h2>{escape(title)}</h2></div>'
        f'<p class="facts">{escape(sentence)}</p></section>'
    )


def picture(job: Job) -> str:
    """The picture a job made from words, large, over the stage."""
    alt = escape(f"Picture made from the words: {job.prompt}")
    return f'<figure class="picture checker"><img src="jobs/{job.job_id}/picture" alt="{alt}"></figure>'


def preview(job: Job) -> str:
    """A picture in the making, large, over the stage; it is asked for anew after every step."""
    alt = escape(f"The picture in the making: {job.prompt}")
    return f'<figure class="picture checker"><img src="jobs/{job.job_id}/preview?step={job.step}" alt="{alt}"></figure>'


def cut_out(job: Job) -> str:
    """The subject as it was cut out, small in a corner of the stage, to check the mask by."""
    return (
        f'<figure class="inset"><img class="checker" src="jobs/{job.job_id}/cut_out" width="112" height="112"'
        ' alt="The subject as it was cut out"><figcaption>Cut-out</figcaption></figure>'
    )


def header(engines: Sequence[EngineInfo]) -> str:
    """The bar at the top: the name, the engine that takes the next job and opens the drawer, light or dark."""
    ready = next((info for info in engines if info.kind == "shape" and info.is_ready), None)
    chosen = f"{escape(ready.title)}, ready" if ready else "No engine is ready"
    state = "ready" if ready else "missing"
    # Names every engine that is ready, so that the bar changes with any of them, and what hangs on it does too.
    keys = escape(" ".join(info.key for info in engines if info.is_ready))
    return (
        f'<header class="bar" data-ready="{keys}"><h1>ORFEAS</h1><p>Pictures and words into 3D models</p>'
        '<nav aria-label="Studio">'
        f'<button type="button" class="plain" popovertarget="engines" aria-haspopup="dialog">'
        f'<span class="dot {state}"></span><span class="wide">Engine: </span>{chosen}</button>'
        '<button type="button" class="plain icon" data-scheme aria-label="Switch between light and dark"'
        ' title="Switch between light and dark">◐</button></nav></header>'
    )


EMPTY = notice(
    "empty",
    "An example model",
    "Press an example, or choose a picture of your own and press Generate. Drag to turn the model.",
)
