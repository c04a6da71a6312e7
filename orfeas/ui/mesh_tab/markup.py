"""What the Mesh tab writes under the stage; everything a person or a file can have written is escaped."""

from html import escape

from orfeas.records import MeshReport
from orfeas.ui import markup


def inspection(name: str, report: MeshReport) -> str:
    """A mesh that was chosen: its measures, and what stands against its uses."""
    title = escape(name)
    return (
        f'<section class="status inspected" aria-label="Inspection"><div class="title"><h2 title="{title}">{title}</h2>'
        f'</div><p class="facts">{markup.report(report)}</p>{markup.verdict(report)}{_legend(report)}</section>'
    )


def verdict_text(report: MeshReport) -> str:
    """The verdict for a screen reader, in a few words."""
    if not report.findings:
        return f"{report.faces:,} faces. Ready to print and for games."
    return f"{report.faces:,} faces. {' '.join(finding.problem for finding in report.findings)}"


def _legend(report: MeshReport) -> str:
    marks = []
    if report.boundary_edges:
        marks.append('<span class="mark open">open edges</span>')
    if report.non_manifold_edges:
        marks.append('<span class="mark crowded">edges of more than two faces</span>')
    return f'<p class="facts legend">Marked in the view: {" ".join(marks)}</p>' if marks else ""
