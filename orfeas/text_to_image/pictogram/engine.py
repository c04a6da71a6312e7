"""The pictogram engine as the studio sees it."""

from functools import cached_property

from PIL import ImageFont

from orfeas.errors import InvalidOption, InvalidPrompt
from orfeas.options import PictureOptions, TextEngineChoice, choose_seed, quote
from orfeas.progress import Progress, Stage
from orfeas.records import EngineInfo
from orfeas.text_to_image.base import PictureRequest, PictureResult
from orfeas.text_to_image.pictogram.catalogue import Entry, read_catalogue
from orfeas.text_to_image.pictogram.matching import Matcher

CLOSEST_SHOWN = 3
EXAMPLES = "Name one everyday thing, such as “a red apple”, “a castle” or “a robot”."


class Pictogram:
    """Draws the emoji that a prompt describes. It has learned nothing: it looks words up.

    The catalogue and the font are read with the first picture.
    """

    name = TextEngineChoice.PICTOGRAM
    revision = "1"

    @cached_property
    def _matcher(self) -> Matcher:
        return Matcher(read_catalogue())

    @cached_property
    def _font(self) -> ImageFont.FreeTypeFont:
        from orfeas.text_to_image.pictogram.drawing import read_font

        return read_font()

    def info(self) -> EngineInfo:
        """Always ready: what it needs is part of the package."""
        return EngineInfo(
            name=self.name,
            kind="text_to_image",
            title="Pictogram",
            is_ready=True,
            why_not="",
            needs="Any computer; no download.",
            licence="Apache-2.0; the pictograms are Noto Color Emoji under the SIL Open Font License 1.1",
            good_for="One everyday thing named in a few words, drawn as an emoji at once.",
            is_preview=True,
        )

    def resolve(self, options: PictureOptions) -> PictureOptions:
        """The options with a seed chosen.

        Raises:
            InvalidOption: an option of diffusion models was set; a pictogram has no use for it.
        """
        given = {
            "negative_prompt": (options.negative_prompt != "", "leave it empty"),
            "num_inference_steps": (options.num_inference_steps != 0, "leave it at 0"),
            "guidance_scale": (options.guidance_scale != -1, "leave it at -1"),
            "size_px": (options.size_px != 0, "leave it at 0"),
        }
        for name, (is_set, advice) in given.items():
            if is_set:
                raise InvalidOption(f"The pictogram engine has no {name}; {advice}.", name)
        if not options.for_3d:
            raise InvalidOption(
                "The pictogram engine draws one object and nothing else; leave for_3d at true.", "for_3d"
            )
        return PictureOptions(engine=self.name, style=options.style, seed=choose_seed(options.seed))

    def compose(self, prompt: str, _options: PictureOptions, /) -> str:
        """The words as they are: they are looked up, and the style is painted over the drawing."""
        return prompt

    def generate(self, request: PictureRequest, progress: Progress) -> PictureResult:
        """Draw the pictogram that fits best, 1024 × 1024, on a clear ground.

        Where several fit about equally well, the seed chooses among them.

        Raises:
            InvalidPrompt: no pictogram fits; the message names the closest few.
            Cancelled: the user has stopped the work.
        """
        # OpenCV is read with the first picture, not at start.
        from orfeas.text_to_image.pictogram.drawing import draw
        from orfeas.text_to_image.pictogram.styles import apply_style

        with progress.stage(Stage.PICTURE):
            entry = self._choose(request.prompt, request.options.seed)
            image = draw(entry.character, self._font)
            progress.check()
            image = apply_style(image, request.options.style)
        return PictureResult(image, (f"Drew the pictogram “{entry.name}”.",))

    def _choose(self, prompt: str, seed: int) -> Entry:
        """The pictogram to draw.

        Raises:
            InvalidPrompt: none fits.
        """
        matches = self._matcher.near_best(prompt)
        if matches:
            return matches[seed % len(matches)].entry
        closest = [f"“{name}”" for name in self._matcher.closest_names(prompt, CLOSEST_SHOWN)]
        if not closest:
            raise InvalidPrompt(f"No pictogram fits {quote(prompt)}. {EXAMPLES}")
        listed = f"{', '.join(closest[:-1])} and {closest[-1]}" if len(closest) > 1 else closest[0]
        raise InvalidPrompt(f"No pictogram fits {quote(prompt)}. The closest by name: {listed}. {EXAMPLES}")
