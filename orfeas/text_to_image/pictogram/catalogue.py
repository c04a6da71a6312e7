"""The pictograms that can be drawn, and the words they are known by."""

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

FONT_FOLDER = Path(__file__).parent / "font"


class Kind(StrEnum):
    """What a pictogram shows; things make better solids than faces and symbols."""

    THING = "thing"
    PERSON = "person"
    FACE = "face"
    SYMBOL = "symbol"


@dataclass(frozen=True)
class Entry:
    """One pictogram.

    Attributes:
        name: as shown to people.
        kind: what it shows.
        emoji: the emoji's own characters.
        character: the one character that draws it in the font of this folder.
        aliases: other names that mean just this pictogram.
        keywords: words that may point to it.
    """

    name: str
    kind: Kind
    emoji: str
    character: str
    aliases: tuple[str, ...]
    keywords: tuple[str, ...]


def read_catalogue() -> tuple[Entry, ...]:
    """Every pictogram of the font, in the emoji standard's order."""
    records = json.loads((FONT_FOLDER / "catalogue.json").read_text(encoding="utf-8"))
    return tuple(
        Entry(
            name=record["name"],
            kind=Kind(record["kind"]),
            emoji=record["emoji"],
            character=chr(int(record["character"].removeprefix("U+"), 16)),
            aliases=tuple(record["aliases"]),
            keywords=tuple(record["keywords"]),
        )
        for record in records
    )
