"""Make the pictogram engine's font and catalogue from Noto Color Emoji, em-keyboard and ``pictograms.toml``.

    python scripts/make_pictograms.py /usr/share/fonts/truetype/noto/NotoColorEmoji.ttf

The font is Debian's ``fonts-noto-color-emoji`` 2.042 (bitmaps of 136 × 128 pixels). Every pictogram gets one character
of its own, an emoji made of several characters one from a private plane, so that no text shaping is needed to draw it.
"""

import argparse
import json
import logging
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TypedDict, cast

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables._c_m_a_p import CmapSubtable

LOGGER = logging.getLogger(__name__)

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "orfeas" / "text_to_image" / "pictogram" / "font"
FAMILY = "Orfeas Pictograms"
PRIVATE_PLANE = 0xF0000
VARIATION_SELECTOR = 0xFE0F
# Name table identifiers (OpenType specification, "name").
FAMILY_NAMES = {1: FAMILY, 3: f"{FAMILY} 1.0", 4: FAMILY, 6: FAMILY.replace(" ", "")}


class Sources(TypedDict):
    """What ``pictograms.toml`` holds."""

    ranges: dict[str, list[tuple[str, str]]]
    leave_out: dict[str, list[str]]
    display: dict[str, str]
    aliases: dict[str, list[str]]


@dataclass(frozen=True)
class Pictogram:
    """One line of the catalogue, and the glyph it is drawn with."""

    name: str
    kind: str
    emoji: str
    character: str
    aliases: tuple[str, ...]
    keywords: tuple[str, ...]
    glyph: str

    def line(self) -> str:
        """The record as one line of JSON."""
        record = {
            "name": self.name,
            "kind": self.kind,
            "emoji": self.emoji,
            "character": f"U+{ord(self.character):04X}",
            "aliases": self.aliases,
            "keywords": self.keywords,
        }
        return json.dumps(record, ensure_ascii=False)


def find_glyph(font: TTFont, emoji: str) -> str | None:
    """The glyph that a shaper would choose for ``emoji``, or None if the font has no single one."""
    cmap: dict[int, str] = font.getBestCmap()
    glyphs = [cmap.get(ord(c)) for c in emoji if ord(c) != VARIATION_SELECTOR]
    if None in glyphs:
        return None
    if len(glyphs) == 1:
        return glyphs[0]
    for lookup in font["GSUB"].table.LookupList.Lookup:
        for table in lookup.SubTable:
            for ligature in getattr(table, "ligatures", {}).get(glyphs[0], []):
                if ligature.Component == glyphs[1:]:
                    return str(ligature.LigGlyph)
    return None


def display_name(key: str, display: dict[str, str]) -> str:
    """em-keyboard's ``woman_s_hat`` as people write it: ``woman's hat``."""
    return display.get(key) or key.replace("_s_", "'s_").replace("_", " ")


def choose(sources: Sources, emoji_words: dict[str, list[str]]) -> dict[str, str]:
    """The kind of every emoji name that is to be drawn, in em-keyboard's order.

    Raises:
        ValueError: the sources name something that em-keyboard does not know.
    """
    order = [words[0] for words in emoji_words.values()]
    left_out = set(sources["leave_out"]["names"])
    kinds: dict[str, str] = {}
    for kind, ranges in sources["ranges"].items():
        for first, last in ranges:
            kinds |= dict.fromkeys(order[order.index(first) : order.index(last) + 1], kind)
    unknown = (left_out | set(sources["aliases"]) | set(sources["display"])) - set(order)
    if unknown:
        raise ValueError(f"em-keyboard has no {sorted(unknown)}")
    return {name: kinds[name] for name in order if name in kinds and name not in left_out}


def build_catalogue(font: TTFont, sources: Sources, emoji_words: dict[str, list[str]]) -> list[Pictogram]:
    """Every emoji that is wanted and that the font can draw."""
    kinds = choose(sources, emoji_words)
    dropped = set(sources["leave_out"]["keywords"])
    catalogue: list[Pictogram] = []
    for emoji, (name, *keywords) in emoji_words.items():
        glyph = find_glyph(font, emoji)
        if name not in kinds:
            continue
        if glyph is None:
            LOGGER.warning("the font has no %s %s", name, emoji)
            continue
        plain = emoji.replace(chr(VARIATION_SELECTOR), "")
        catalogue.append(
            Pictogram(
                name=display_name(name, sources["display"]),
                kind=kinds[name],
                emoji=emoji,
                character=plain if len(plain) == 1 else chr(PRIVATE_PLANE + len(catalogue)),
                aliases=tuple(sources["aliases"].get(name, ())),
                keywords=tuple(dict.fromkeys(word.replace("_", " ") for word in keywords if word not in dropped)),
                glyph=glyph,
            )
        )
    return catalogue


def write_font(font: TTFont, catalogue: list[Pictogram], path: Path) -> None:
    """The font cut down to the catalogue, under a name of its own as the OFL asks of modified versions."""
    table = CmapSubtable.newSubtable(12)
    table.platformID, table.platEncID, table.language = 3, 10, 0
    table.format, table.reserved, table.length, table.nGroups = 12, 0, 0, 0
    table.cmap = {ord(pictogram.character): pictogram.glyph for pictogram in catalogue}
    font["cmap"].tables = [table]
    for tag in ("GSUB", "vhea", "vmtx"):
        del font[tag]
    for record in font["name"].names:
        if record.nameID in FAMILY_NAMES:
            record.string = FAMILY_NAMES[record.nameID]
    options = subset.Options(name_IDs=["*"], name_languages=["*"], notdef_outline=True, hinting=False)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=table.cmap)
    subsetter.subset(font)
    font.save(path)


def main() -> None:
    """Write the font and the catalogue into the package."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("font", type=Path, help="NotoColorEmoji.ttf, with CBDT bitmaps")
    arguments = parser.parse_args()
    # The file is our own; `choose` checks the names in it.
    sources = cast(Sources, tomllib.loads((Path(__file__).parent / "pictograms.toml").read_text(encoding="utf-8")))
    emoji_words = json.loads((resources.files("em") / "emojis.json").read_text(encoding="utf-8"))
    font = TTFont(arguments.font, recalcTimestamp=False)
    catalogue = build_catalogue(font, sources, emoji_words)
    TARGET.mkdir(parents=True, exist_ok=True)
    write_font(font, catalogue, TARGET / "pictograms.ttf")
    lines = ",\n".join(pictogram.line() for pictogram in catalogue)
    (TARGET / "catalogue.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    LOGGER.info("%d pictograms, %.1f MB", len(catalogue), (TARGET / "pictograms.ttf").stat().st_size / 1e6)


if __name__ == "__main__":
    main()
