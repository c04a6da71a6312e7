"""English words as the matcher sees them: split, singular, and sorted into those that name, describe and join."""

import re
import unicodedata


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Words that join; most of them end the phrase in which the named thing stands.
ARTICLES = _set_of("a an the some one my your his her its our their this that these those")
JOINERS = _set_of(
    """
    and or with without in on at of for from by to into over under near behind beside between against inside
    above below as is are was be being has have having who which while like next front top made
    """
)
# "a dog wearing a hat": what comes after belongs to the scene, unless a name begins with it ("flying saucer").
PARTICIPLES = _set_of(
    """
    wearing holding riding eating playing sitting standing sleeping running flying walking swimming jumping carrying
    looking lying driving climbing dancing drinking floating growing hanging smiling laughing reading resting
    showing facing covered filled decorated surrounded painted dressed cut sliced eaten rising glowing
    """
)
# What people say about the picture rather than the thing in it; and the colour that is also a fruit.
FILLERS = _set_of(
    """
    photo photograph picture image render rendering drawing illustration painting sketch portrait closeup close up shot
    view scene background 3d 2d hd 4k 8k hq cg cgi high low poly quality resolution detail detailed realistic style
    studio lighting light
    professional product isolated plain simple single cute beautiful pretty nice lovely adorable little small tiny big
    large huge giant tall short long old new modern vintage classic ancient fresh shiny clean dirty cool awesome epic
    stylized cartoon pixar minimal minimalist colorful colourful very really please create make draw generate show me
    give want need i would can you object thing item asset game ready orange
    """
)
# "a dragon statue" is a dragon: these say what it is made as. They count only where nothing else is named.
FORMS = _set_of(
    """
    statue statuette figurine figure sculpture bust toy model plush plushie doll miniature mini ornament icon emoji
    pictogram logo sticker keychain character mascot carving replica symbol sign souvenir decoration emblem badge head
    face animal
    """
)
# "a bowl of soup" is soup unless the whole is a name of its own.
MEASURES = _set_of(
    """
    slice piece bowl cup glass bunch pair bottle can plate stack pile box bucket basket jar group set lot kind type
    sort bit bar loaf block chunk sack bag mug pot tin tray handful number couple dozen part
    photo photograph picture image render rendering drawing illustration painting sketch portrait closeup close up
    shot view statue statuette figurine figure sculpture bust toy model miniature icon shape form version
    """
)
IRREGULAR = {
    "mice": "mouse",
    "geese": "goose",
    "feet": "foot",
    "teeth": "tooth",
    "men": "man",
    "women": "woman",
    "children": "child",
    "people": "person",
    "oxen": "ox",
    "dice": "die",
    "leaves": "leaf",
    "knives": "knife",
    "wolves": "wolf",
    "loaves": "loaf",
    "elves": "elf",
    "calves": "calf",
    "scarves": "scarf",
    "gloves": "glove",
    "shoes": "shoe",
    "cookies": "cookie",
    "pies": "pie",
    "ties": "tie",
    "zombies": "zombie",
    "axes": "axe",
    "lenses": "lens",
    "skis": "ski",
    "glasses": "glasses",
    "coloured": "colored",
}
SHORTEST_PLURAL = 4

_WORD = re.compile(r"\w+")


def split(text: str) -> list[str]:
    """The words of ``text``: lower case, without accents and apostrophes, each in the singular."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c) and c not in "'’")
    return [singular(word) for word in _WORD.findall(plain.replace("_", " "))]


def singular(word: str) -> str:
    """``word`` without its plural ending, by a few rules; both prompts and names go through it."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    if len(word) < SHORTEST_PLURAL or word.endswith(("ss", "us", "is", "ous")) or not word.endswith("s"):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    if word.endswith(("ches", "shes", "xes", "sses", "zes", "oes")):
        return word[:-2]
    return word[:-1]
