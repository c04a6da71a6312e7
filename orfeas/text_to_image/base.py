"""What the studio asks of an engine that makes pictures from words."""

from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from orfeas.options import PictureOptions, TextEngineChoice
from orfeas.progress import Progress
from orfeas.records import EngineInfo


@dataclass(frozen=True)
class PictureRequest:
    """One picture to make.

    Attributes:
        prompt: the final one, from :meth:`PictureEngine.compose`.
        options: effective values, from :meth:`PictureEngine.resolve`.
    """

    prompt: str
    options: PictureOptions


@dataclass(frozen=True)
class PictureResult:
    """One picture made.

    Attributes:
        image: RGBA, sRGB, straight alpha.
        notes: sentences for the user, such as the pictogram that was chosen.
    """

    image: Image.Image
    notes: tuple[str, ...] = ()


class PictureEngine(Protocol):
    """An engine that makes a picture from words. It knows nothing of jobs, sessions or Gradio."""

    name: TextEngineChoice
    revision: str

    def info(self) -> EngineInfo:
        """How it stands: ready or why not. Quick; loads nothing."""
        ...

    def resolve(self, options: PictureOptions) -> PictureOptions:
        """Effective values for what was asked.

        Raises:
            InvalidOption: an option this engine has no use for was set.
        """
        ...

    def compose(self, prompt: str, options: PictureOptions, /) -> str:
        """The final prompt for a caller's checked words and effective options."""
        ...

    def generate(self, request: PictureRequest, progress: Progress) -> PictureResult:
        """Make the picture, reporting the stage ``picture``.

        Raises:
            Cancelled: within a second of the request.
            InvalidPrompt: nothing this engine could draw.
            EngineUnavailable: the engine is not ready.
        """
        ...
