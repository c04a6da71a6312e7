"""Pieces of the cut-out's panel written as HTML."""

from base64 import b64encode
from html import escape
from io import BytesIO

from PIL import Image

from orfeas.records import CutOutReport
from orfeas.ui.words import seconds_text

# What is shown is this large at most; what a job works on is not.
SHOWN_PX = 480


def shown(subject: Image.Image, report: CutOutReport) -> str:
    """The subject on a checkerboard, and who cut it out."""
    small = subject.copy()
    small.thumbnail((SHOWN_PX, SHOWN_PX))
    buffer = BytesIO()
    small.save(buffer, "WEBP", quality=85)
    source = f"data:image/webp;base64,{b64encode(buffer.getvalue()).decode()}"
    facts = f"{report.kept_share:.0%} of the picture is kept · {seconds_text(report.seconds)}"
    return _figure(
        f'<img src="{source}" alt="The subject as it is cut out, {report.kept_share:.0%} of the picture">',
        f'<span title="{escape(report.reason)}">{escape(report.note)}</span> <span class="amount">{facts}</span>',
    )


def working(seconds: float) -> str:
    """A cut-out that takes long."""
    return _figure("", f"Cutting out, {seconds:.0f} s so far")


def missing(sentence: str) -> str:
    """What is still to be chosen."""
    return _figure("", escape(sentence))


def failed(sentence: str) -> str:
    """Why there is no cut-out."""
    return _figure("", escape(sentence), "failed")


def _figure(content: str, caption: str, kind: str = "") -> str:
    return f'<figure class="cut {kind}"><div class="checker">{content}</div><figcaption>{caption}</figcaption></figure>'
