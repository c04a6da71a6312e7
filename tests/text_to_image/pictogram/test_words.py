"""Words are split and made singular the same way in prompts and names."""

import pytest

from orfeas.text_to_image.pictogram.words import singular, split


@pytest.mark.parametrize(
    ("plural", "word"),
    [
        ("cats", "cat"),
        ("cherries", "cherry"),
        ("boxes", "box"),
        ("peaches", "peach"),
        ("brushes", "brush"),
        ("dresses", "dress"),
        ("tomatoes", "tomato"),
        ("knives", "knife"),
        ("geese", "goose"),
        ("shoes", "shoe"),
        ("glasses", "glasses"),
    ],
)
def test_plurals_become_singular(plural: str, word: str) -> None:
    assert singular(plural) == word


@pytest.mark.parametrize("word", ["bus", "dress", "octopus", "iris", "gas", "walrus"])
def test_words_that_only_look_plural_stay(word: str) -> None:
    assert singular(word) == word


def test_case_accents_apostrophes_and_marks_do_not_matter() -> None:
    assert split("The Chef’s JALAPEÑO-piñata, (x2)") == ["the", "chef", "jalapeno", "pinata", "x2"]
