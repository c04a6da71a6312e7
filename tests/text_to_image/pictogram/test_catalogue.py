"""The catalogue agrees with itself."""

from collections import Counter

from orfeas.text_to_image.pictogram.catalogue import read_catalogue

FLAGS = range(0x1F1E6, 0x1F200)
SKIN_TONES = range(0x1F3FB, 0x1F400)
KEYCAP = 0x20E3


def test_every_pictogram_has_a_name_and_a_character_of_its_own() -> None:
    catalogue = read_catalogue()
    assert len(catalogue) > 1000
    assert max(Counter(entry.name for entry in catalogue).values()) == 1
    assert max(Counter(entry.character for entry in catalogue).values()) == 1
    assert {len(entry.character) for entry in catalogue} == {1}


def test_flags_keycaps_and_skin_tones_are_left_out() -> None:
    used = {ord(c) for entry in read_catalogue() for c in entry.emoji}
    assert used.isdisjoint(FLAGS)
    assert used.isdisjoint(SKIN_TONES)
    assert KEYCAP not in used


def test_single_emoji_keep_their_own_character() -> None:
    apple = next(entry for entry in read_catalogue() if entry.name == "red apple")
    assert apple.character == apple.emoji == "\N{RED APPLE}"
