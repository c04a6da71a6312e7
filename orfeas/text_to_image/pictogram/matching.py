"""Which pictogram a prompt describes: full names first, then the noun that the prompt is about, then keywords.

A prompt is cut into units (known names, else single words) and clauses (at prepositions). The last unit of the first
clause is what the prompt is about; it decides, and the other units help to choose among those it allows.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orfeas.text_to_image.pictogram.catalogue import Entry, Kind
from orfeas.text_to_image.pictogram.words import ARTICLES, FILLERS, FORMS, JOINERS, MEASURES, PARTICIPLES, split

# How surely a unit points to a pictogram.
EXACT = 1.0
HEAD_OF_NAME = 0.75
KEYWORD_PHRASE = 0.65
WORD_OF_NAME = 0.55
WORD_OF_SCENE = 0.45  # "flag" for "mailbox with raised flag": helps, but does not name it
KEYWORD = 0.5
KEYWORD_RARITY = 0.1
FACE_OF_IT = 0.98  # "cat face" for "cat"

HELP_OF_CLAUSE = 0.3
HELP_OF_SCENE = 0.1
UNSAID_PENALTY = 0.12
KIND_PENALTY = {Kind.THING: 0.0, Kind.PERSON: 0.02, Kind.FACE: 0.08, Kind.SYMBOL: 0.06}

# What the prompt is about must be met at least this surely; another word that stands in for it more surely.
THRESHOLD = 0.5
STAND_IN_THRESHOLD = 0.7
# Pictograms this close to the best are as good; the seed chooses among them.
NEAR = 0.03
LONGEST_NAME = 8
CLOSEST_LOOKED_AT = 12
# Words that a name may hold: "bow and arrow", "cup of tea".
INSIDE_NAMES = frozenset({"of", "and", "the", "a"})
# Stands for any other preposition: from there on only a name written just so is meant.
AS_WRITTEN = "…"
LEAST_LIKENESS = 0.3

Unit = tuple[str, ...]


@dataclass(frozen=True)
class Reading:
    """A prompt taken apart.

    Attributes:
        heads: what it may be about, the likeliest first.
        named: how many of the heads are nouns of the first clause.
        clause: units beside the head that describe it.
        scene: units of the other clauses.
    """

    heads: tuple[Unit, ...]
    named: int
    clause: tuple[Unit, ...]
    scene: tuple[Unit, ...]


@dataclass(frozen=True)
class Match:
    """A pictogram and how well it fits; 1 and above is a full name."""

    entry: Entry
    score: float


class Matcher:
    """An index of the catalogue's names and keywords.

    Args:
        catalogue: the pictograms to choose from.
    """

    def __init__(self, catalogue: Sequence[Entry]) -> None:
        self._catalogue = tuple(catalogue)
        self._strengths: defaultdict[Unit, dict[int, float]] = defaultdict(dict)
        self._names: dict[str, int] = {}
        for index, entry in enumerate(self._catalogue):
            self._learn(index, entry)
        self._rarity = self._measure_rarity()

    def near_best(self, prompt: str) -> tuple[Match, ...]:
        """The best pictograms for ``prompt``, best first; more than one only where they fit about equally well.

        Empty where nothing fits well enough.
        """
        reading = self._read(prompt)
        head = self._choose_head(reading)
        if head is None:
            return ()
        found = {
            index: strength
            for index, strength in self._strengths[head].items()
            if strength >= THRESHOLD and not (strength == HEAD_OF_NAME and self._is_another_sort(index, reading))
        }
        matches = [Match(self._catalogue[i], self._score(i, strength, head, reading)) for i, strength in found.items()]
        matches.sort(key=lambda match: -match.score)
        return tuple(match for match in matches if match.score >= matches[0].score - NEAR)

    def _is_another_sort(self, index: int, reading: Reading) -> bool:
        """Whether only the noun agrees: a washing machine is no slot machine."""
        return bool(reading.clause) and not any(index in self._strengths.get(unit, {}) for unit in reading.clause)

    def closest_names(self, prompt: str, count: int) -> tuple[str, ...]:
        """Up to ``count`` names, of as many pictograms, that look most like the words of ``prompt``."""
        reading = self._read(prompt)
        units = (*reading.heads, *reading.clause, *reading.scene)[:CLOSEST_LOOKED_AT]
        grams = [_trigrams(" ".join(unit)) for unit in units] or [_trigrams(prompt[:40])]
        best: dict[int, tuple[float, str]] = {}
        for name, index in self._names.items():
            own = _trigrams(name)
            # Earlier units are likelier to be what the prompt is about.
            likeness = max(_dice(own, other) / (1 + 0.1 * place) for place, other in enumerate(grams))
            best[index] = max(best.get(index, (0.0, "")), (likeness, name))
        ranked = sorted((found for found in best.values() if found[0] >= LEAST_LIKENESS), key=lambda found: -found[0])
        return tuple(name for _, name in ranked[:count])

    def _choose_head(self, reading: Reading) -> Unit | None:
        """The unit that decides: a full name in the first clause, else the likeliest that points to something."""
        for unit in reading.heads[: reading.named]:
            if self._surest(unit) >= FACE_OF_IT:
                return unit
        for place, unit in enumerate(reading.heads):
            if self._surest(unit) >= (THRESHOLD if place == 0 else STAND_IN_THRESHOLD):
                return unit
        return None

    def _surest(self, unit: Unit) -> float:
        return max(self._strengths[unit].values()) if unit in self._strengths else 0.0

    def _learn(self, index: int, entry: Entry) -> None:
        """Note every unit that points to ``entry`` and how surely."""
        for name in (entry.name, *entry.aliases):
            unit = _name_unit(name)
            self._names.setdefault(name, index)
            self._point(unit, index, EXACT)
            self._point(tuple(split(name)), index, EXACT)
            self._point(("".join(unit),), index, EXACT)
            if len(unit) > 1 and unit[-1] == "face" and entry.kind is Kind.THING:
                self._point(unit[:-1], index, FACE_OF_IT)
        unit = _name_unit(entry.name)
        head = _head_of_name(entry.name)
        for place, word in enumerate(unit):
            before_head = unit.index(head) >= place
            self._point(
                (word,), index, HEAD_OF_NAME if word == head else WORD_OF_NAME if before_head else WORD_OF_SCENE
            )
        for keyword in entry.keywords:
            words = _name_unit(keyword)
            if words:
                self._point(words, index, KEYWORD if len(words) == 1 else KEYWORD_PHRASE)

    def _point(self, unit: Unit, index: int, strength: float) -> None:
        known = self._strengths[unit]
        known[index] = max(known.get(index, 0.0), strength)

    def _measure_rarity(self) -> dict[Unit, float]:
        """1 for a unit that points to one pictogram, towards 0 for one that points to all of them."""
        total = math.log(len(self._catalogue) + 1)
        rarity = {unit: 1 - math.log(len(found)) / total for unit, found in self._strengths.items()}
        for unit, found in self._strengths.items():
            for index, strength in found.items():
                if strength == KEYWORD:
                    found[index] = KEYWORD + KEYWORD_RARITY * rarity[unit]
        return rarity

    def _score(self, index: int, strength: float, head: Unit, reading: Reading) -> float:
        """How well a pictogram that ``head`` points to fits the whole prompt."""
        entry = self._catalogue[index]
        score = strength - KIND_PENALTY[entry.kind]
        said = set(head)
        for units, help_of in ((reading.clause, HELP_OF_CLAUSE), (reading.scene, HELP_OF_SCENE)):
            for unit in units:
                if unit != head:
                    score += help_of * self._rarity.get(unit, 0.0) * self._strengths.get(unit, {}).get(index, 0.0)
                    said |= set(unit)
        if strength < FACE_OF_IT:
            unit = _name_unit(entry.name)
            score -= UNSAID_PENALTY * sum(word not in said for word in unit) / len(unit)
        return score

    def _read(self, prompt: str) -> Reading:
        """Take a prompt apart into what it is about, what describes that, and the scene around it."""
        clauses = list(self._clauses(split(prompt)))
        for _ in range(len(clauses) - 1):
            if all(len(unit) == 1 and unit[0] in MEASURES | FILLERS for unit in clauses[0]):
                clauses.append(clauses.pop(0))
        first = clauses[0] if clauses else []
        content = [unit for unit in first if not _is_idle(unit)]
        forms = [unit for unit in first if unit[0] in FORMS and len(unit) == 1]
        scene = [unit for clause in clauses[1:] for unit in clause if not _is_idle(unit)]
        idle = [unit for unit in first if unit[0] in FILLERS and len(unit) == 1]
        heads = [*reversed(content), *scene, *reversed(forms), *reversed(idle)]
        return Reading(tuple(heads), len(content), (*content[:-1], *forms), tuple(scene))

    def _clauses(self, words: list[str]) -> Iterator[list[Unit]]:
        """The prompt's units, cut where a preposition or a participle begins another clause."""
        clause: list[Unit] = []
        position = 0
        while position < len(words):
            unit, position = self._next_unit(words, position)
            is_cut = len(unit) == 1 and (unit[0] in JOINERS or (bool(clause) and self._is_participle(unit)))
            if is_cut and clause:
                yield clause
                clause = []
            elif not is_cut and unit[0] not in ARTICLES:
                clause.append(unit)
        if clause:
            yield clause

    def _is_participle(self, unit: Unit) -> bool:
        """Whether a word says what the thing does: a listed one, or any in -ing that belongs to no name."""
        return unit[0] in PARTICIPLES or (unit[0].endswith("ing") and unit not in self._strengths)

    def _next_unit(self, words: list[str], start: int) -> tuple[Unit, int]:
        """The longest known name that begins at ``start``, else the word there; and where the next one begins."""
        if words[start] in ARTICLES or words[start] in JOINERS:
            return (words[start],), start + 1
        best: tuple[Unit, int] = ((words[start],), start + 1)
        unit: list[str] = []
        for end in range(start, min(len(words), start + LONGEST_NAME)):
            if words[end] in ARTICLES | JOINERS:
                unit += [] if words[end] in INSIDE_NAMES else [AS_WRITTEN]
                continue
            unit.append(words[end])
            for known in (tuple(unit), ("".join(unit),), tuple(words[start : end + 1])):
                if end > start and self._surest(known) >= KEYWORD_PHRASE:
                    best = (known, end + 1)
        return best


def _is_idle(unit: Unit) -> bool:
    return len(unit) == 1 and unit[0] in FILLERS | FORMS


def _name_unit(name: str) -> Unit:
    """A name's words without those that only join."""
    words = split(name)
    return tuple(word for word in words if word not in ARTICLES | JOINERS) or tuple(words)


def _head_of_name(name: str) -> str:
    """The noun of a name: the last word before a preposition."""
    words: list[str] = []
    for word in split(name):
        if word in JOINERS and words:
            break
        if word not in ARTICLES:
            words.append(word)
    return words[-1]


def _trigrams(text: str) -> set[str]:
    padded = f"  {text} "
    return {padded[i : i + 3] for i in range(len(padded) - 2)}


def _dice(first: set[str], second: set[str]) -> float:
    """Sørensen–Dice likeness of two sets, 0 to 1."""
    return 2 * len(first & second) / (len(first) + len(second))
