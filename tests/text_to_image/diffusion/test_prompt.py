import pytest

from orfeas.options import Style
from orfeas.text_to_image.diffusion.prompt import FRAMING, STYLES, compose_prompt


@pytest.mark.parametrize("style", list(Style))
def test_the_words_the_style_and_the_framing_are_all_in_it(style: Style) -> None:
    composed = compose_prompt("a red apple", style, for_3d=True)
    assert composed.startswith(f"{FRAMING}: a red apple")
    assert composed.endswith(STYLES[style])


def test_every_style_but_none_says_something_of_its_own() -> None:
    composed = {compose_prompt("an apple", style, for_3d=False) for style in Style}
    assert len(composed) == len(Style)
    assert "an apple" in composed
