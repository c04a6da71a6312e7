"""What the cut-out's panel does, as plain methods; they know nothing of Gradio."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from orfeas.errors import Cancelled, InvalidImage, OrfeasError
from orfeas.options import RemoveBackground, RemoverChoice, parse_cut_out_options
from orfeas.studio import Studio
from orfeas.ui.cut_out import markup
from orfeas.ui.cut_out.running import cut
from orfeas.ui.submissions import Values, mask_path
from orfeas.ui.working import Places, Stop, Working

# The panel's own choice beside those of ``remove_background``.
OWN_MASK = "mask"
NO_MASK = "There is no mask yet. Choose one, or another background."


@dataclass(frozen=True)
class CutOutView:
    """The panel's HTML, and the same for a screen reader in a few words; empty where nothing is to be said."""

    html: str
    announcement: str = ""


class CutOutHandlers:
    """The panels' actions over a studio. A panel that is asked again lets go of what it was doing."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._panels = Places()

    async def look(self, panel: str, image: Path | None, values: Values) -> AsyncGenerator[CutOutView, None]:
        """What the panel shows of a picture, over and over while that takes long; nothing where it is asked again.

        Args:
            panel: one person's panel; names it among all.
            image: the picture, if there is one.
            values: ``background``, ``mask`` and ``remover`` as the page holds them.
        """
        with self._panels.taken(panel) as stop:
            if image is None:
                yield CutOutView("")
                return
            if values.get("background") == OWN_MASK and mask_path(values.get("mask")) is None:
                yield CutOutView(markup.missing(NO_MASK), NO_MASK)
                return
            async with aclosing(self._cut(image, values, stop)) as views:
                async for view in views:
                    yield view

    async def _cut(self, image: Path, values: Values, stop: Stop) -> AsyncGenerator[CutOutView, None]:
        try:
            asked = with_cut_out(values)
            options = parse_cut_out_options(remove_background=asked["remove_background"], remover=asked["remover"])
            async with aclosing(cut(self._studio, image, options, mask_path(asked["mask"]), stop)) as steps:
                async for step in steps:
                    if isinstance(step, Working):
                        yield CutOutView(markup.working(step.seconds), "Cutting out.")
                    else:
                        yield CutOutView(markup.shown(*step.value), step.value[1].note)
        except Cancelled:
            return
        except OrfeasError as error:
            yield CutOutView(markup.failed(str(error)), error.sentence)


def with_cut_out(values: Values) -> dict[str, object]:
    """The form with what a panel says under the endpoints' names; what the choice has no use for stays as it was.

    Raises:
        InvalidImage: a mask of one's own was chosen, and none is there.
    """
    background = values.get("background", RemoveBackground.AUTO.value)
    rest = {name: value for name, value in values.items() if name not in ("background", "mask")}
    if background == OWN_MASK:
        if mask_path(values.get("mask")) is None:
            raise InvalidImage(NO_MASK, "mask")
        own = {"remove_background": RemoveBackground.AUTO.value, "mask": values["mask"]}
        return {**rest, **own, "remover": RemoverChoice.AUTO.value}
    is_kept = background == RemoveBackground.NEVER.value
    remover = RemoverChoice.AUTO.value if is_kept else values.get("remover", RemoverChoice.AUTO.value)
    return {**rest, "remove_background": background, "mask": None, "remover": remover}
