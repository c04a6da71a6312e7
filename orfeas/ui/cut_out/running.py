"""Cuts a subject out for an event, with the time told while it takes long."""

from collections.abc import AsyncGenerator
from pathlib import Path

from PIL import Image

from orfeas.options import CutOutOptions
from orfeas.records import CutOutReport
from orfeas.studio import Studio
from orfeas.ui.working import Done, Stop, Working, at_work

# Whoever waits is told something this often.
TOLD_EVERY_S = 0.5

Made = tuple[Image.Image, CutOutReport]


def cut(
    studio: Studio, image: Path, options: CutOutOptions, mask: Path | None, stop: Stop
) -> AsyncGenerator[Working | Done[Made], None]:
    """Cut out as :meth:`Studio.remove_background` does, at work as :func:`at_work` says."""
    return at_work(
        lambda progress: studio.remove_background(image, options, mask, progress), stop, every_s=TOLD_EVERY_S
    )
