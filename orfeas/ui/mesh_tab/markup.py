"""What the Mesh tab writes under the stage; everything a person or a file can have written is escaped."""

from html import escape

from orfeas.options import Material
from orfeas.records import MeshReport, PrintReport, counted
from orfeas.ui import markup
from orfeas.ui.words import MATERIAL_NAMES


def inspection(name: str, report: MeshReport) -> str:
    """A mesh that was chosen: its measures, and what stands against its uses."""
    title = escape(name)
    return (
        f'<section class="status inspected" aria-label="Inspection"><div class="title"><h2 title="{title}">{title}</h2>'
        f'</div><p class="facts">{markup.report(report)}</p>{markup.verdict(report)}{_legend(report)}</section>'
    )


def print_check(name: str, report: PrintReport) -> str:
    """What printing a mesh comes to, each number with what to make of it."""
    title = f"Print check: {escape(name)}"
    material = MATERIAL_NAMES[Material(report.material)]
    unmeasured = f"Not measured, for {report.why_not}."
    mass = unmeasured if report.solid_g is None else f"{report.solid_g:,.1f} g filled through, in {material}."
    walls = unmeasured
    if report.thinnest_wall_mm is not None and report.thin_share is not None:
        walls = (
            f"{report.thinnest_wall_mm:.2f} mm at the thinnest; {report.thin_share:.0%} of the surface is thinner than "
            f"{report.min_wall_mm:g} mm."
        )
    leaning = report.overhang_share > 0
    rows = (
        ("Mass", "bad" if report.solid_g is None else "good", " ".join((mass, *report.notes))),
        ("Walls", "good" if report.thin_share == 0 else "bad", walls),
        (
            "Overhangs",
            "bad" if leaning else "good",
            f"{report.overhang_share:.0%} of the surface leans over more than {report.max_overhang_deg:g}°; about "
            f"{report.support_mm3 / 1000:,.1f} cm³ of room for supports."
            if leaning
            else "None that want supports.",
        ),
        ("Stands on", "good" if report.plate_mm2 > 0 else "bad", f"{report.plate_mm2 / 100:,.2f} cm² of the plate."),
    )
    body = "".join(f'<dt class="{state}">{label}</dt><dd>{escape(text)}</dd>' for label, state, text in rows)
    return (
        '<section class="status inspected print-check" aria-label="Print check"><div class="title">'
        f'<h2 title="{title}">{title}</h2></div><dl class="verdict">{body}</dl></section>'
    )


def verdict_text(report: MeshReport) -> str:
    """The verdict for a screen reader, in a few words."""
    if not report.findings:
        return f"{counted(report.faces, 'face')}. Ready to print and for games."
    return f"{counted(report.faces, 'face')}. {' '.join(finding.problem for finding in report.findings)}"


def _legend(report: MeshReport) -> str:
    marks = []
    if report.boundary_edges:
        marks.append('<span class="mark open">open edges</span>')
    if report.non_manifold_edges:
        marks.append('<span class="mark crowded">edges of more than two faces</span>')
    if report.crossing_faces:
        marks.append('<span class="mark crossing">faces that pass through others</span>')
    plain = ". Colours are left out while defects are marked." if report.has_texture else ""
    return f'<p class="facts legend">Marked in the view: {" ".join(marks)}{plain}</p>' if marks else ""


NO_MESH = markup.notice(
    "empty", "No mesh", "Choose a mesh file to see what it is made of, to repair it, or to paint it."
)
