"""Prompts find the pictogram that a person would choose."""

import pytest

from orfeas.text_to_image.pictogram.catalogue import Entry, Kind, read_catalogue
from orfeas.text_to_image.pictogram.matching import Matcher

# What people ask for first, and what went wrong in prototypes: each must be exact.
MUST_HAVE = {
    "a red apple": "🍎",
    "a green apple": "🍏",
    "an apple": "🍎",
    "a photo of a chair": "🪑",
    "a wooden chair": "🪑",
    "dragon statue": "🐉",
    "a statue of a dragon": "🐉",
    "the statue of liberty": "🗽",
    "a hot dog": "🌭",
    "a dog": "🐕",
    "hotdog": "🌭",
    "a cute cat": "🐈",
    "a black cat": "🐈‍⬛",
    "a cat sleeping on a sofa": "🐈",
    "a dog wearing sunglasses": "🐕",
    "a couch": "🛋️",
    "a bike": "🚲",
    "an automobile": "🚗",
    "a blue car": "🚙",
    "a red sports car": "🏎️",
    "a rubber duck": "🐤",
    "a toy robot": "🤖",
    "a doughnut with sprinkles": "🍩",
    "a cactus in a pot": "🌵",
    "a toy sailboat": "⛵",
    "a mug": "☕",
    "a teddy bear": "🧸",
    "a polar bear": "🐻‍❄️",
    "a castle on a hill": "🏰",
    "a teapot": "🫖",
    "a slice of pizza": "🍕",
    "a bowl of soup": "🍜",
    "an orange": "🍊",
    "an orange cat": "🐈",
    "glasses": "👓",
    "a glass of milk": "🥛",
    "bow and arrow": "🏹",
    "an astronaut riding a horse": "🧑‍🚀",
    "A RED APPLE!!!": "🍎",
    "3d model of a rocket, high quality, white background": "🚀",
}
# A wider set with what a person would choose, misses included; "" where nothing in the catalogue would be right.
OTHERS = {
    "a shiny brass trumpet": "🎺",
    "an old wooden rocking chair": "🪑",
    "a fluffy white bunny with long ears": "🐇",
    "a steaming mug of hot chocolate": "☕",
    "a majestic lion standing on a rock": "🦁",
    "a tiny blue bird": "🐦",
    "a vintage red telephone": "☎️",
    "a pile of gold coins": "🪙",
    "a yellow school bus": "🚌",
    "a green tractor on a farm": "🚜",
    "a cheeseburger with fries": "🍔",
    "a stack of pancakes with syrup": "🥞",
    "a chocolate cupcake with a cherry on top": "🧁",
    "a pink flamingo": "🦩",
    "a sleeping panda bear": "🐼",
    "three bananas": "🍌",
    "a low poly fox": "🦊",
    "a glass bottle": "🍾",
    "a ceramic vase with flowers": "🏺",
    "a samurai sword": "🗡️",
    "a viking helmet": "🪖",
    "a wooden shield with iron rim": "🛡️",
    "a magic wand with stars": "🪄",
    "a crystal ball on a stand": "🔮",
    "a princess in a pink dress": "👸",
    "a friendly ghost": "👻",
    "a halloween pumpkin lantern": "🎃",
    "a christmas present with a ribbon": "🎁",
    "a snow globe": "",
    "a cowboy hat": "🎩",
    "a silver ring with a diamond": "💍",
    "a desk lamp": "💡",
    "an office chair": "🪑",
    "a fire hydrant": "",
    "a traffic light": "🚦",
    "a steam train": "🚂",
    "a submarine": "",
    "a hot air balloon": "🎈",
    "a space shuttle": "🚀",
    "a telescope on a tripod": "🔭",
    "a t-rex skeleton": "🦖",
    "a great white shark": "🦈",
    "a killer whale": "🐋",
    "a starfish": "",
    "a monarch butterfly": "🦋",
    "a green frog on a lily pad": "🐸",
    "a cobra snake": "🐍",
    "a woolly mammoth": "🦣",
    "a chinese dragon": "🐉",
    "a phoenix rising from the ashes": "🐦‍🔥",
    "a mermaid sitting on a rock": "🧜‍♀️",
    "a palm tree on an island": "🌴",
    "a slice of watermelon": "🍉",
    "a bunch of grapes": "🍇",
    "a ripe avocado cut in half": "🥑",
    "a loaf of bread": "🍞",
    "a sushi roll": "🍣",
    "an ice cream sundae": "🍨",
    "a birthday cake with candles": "🎂",
    "a beer stein": "🍺",
    "a pot of honey": "🍯",
    "a chef's knife": "🔪",
    "an electric guitar": "🎸",
    "a grand piano": "🎹",
    "a pair of headphones": "🎧",
    "a retro television": "📺",
    "a fountain pen": "🖋️",
    "an axe in a tree stump": "🪓",
    "a padlock with key": "🔒",
    "a treasure map": "",
    "a tennis racket": "🎾",
    "a trophy cup": "🏆",
    "a rubik's cube": "🧊",
    "a lighthouse": "",
    "a log cabin": "🛖",
    "a japanese pagoda": "🏯",
    "a windmill": "",
    "a statue of a horse": "🐎",
    "a plush elephant": "🐘",
    "a motorcycle with sidecar": "🏍️",
    "a fighter jet": "✈️",
    "a trash can": "🗑️",
    "a mailbox": "📫",
    "a bucket of water": "🪣",
    "a bar of soap": "🧼",
    "a human brain": "🧠",
    "a golden star": "⭐",
    "a lightning bolt": "⚡",
    "the planet saturn": "🪐",
    "a wooden table": "",
    "a drone": "",
    "a medieval knight": "",
    "a suspension bridge": "",
    "the flag of japan": "",
    "freedom": "",
    "asdfghjkl": "",
}


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(read_catalogue())


def best_emoji(matcher: Matcher, prompt: str) -> str:
    matches = matcher.near_best(prompt)
    return matches[0].entry.emoji if matches else ""


@pytest.mark.parametrize(("prompt", "emoji"), MUST_HAVE.items(), ids=MUST_HAVE)
def test_what_people_ask_for_first_is_found(matcher: Matcher, prompt: str, emoji: str) -> None:
    assert best_emoji(matcher, prompt) == emoji


def test_of_the_wider_set_at_most_seven_miss_what_a_person_would_choose(matcher: Matcher) -> None:
    wrong = {
        prompt: best_emoji(matcher, prompt) for prompt, emoji in OTHERS.items() if best_emoji(matcher, prompt) != emoji
    }
    assert len(wrong) <= 7, wrong


def test_every_name_finds_its_own_pictogram(matcher: Matcher) -> None:
    lost = [
        entry.name
        for entry in read_catalogue()
        if entry.name not in [match.entry.name for match in matcher.near_best(entry.name)]
    ]
    assert lost == []


def test_several_pictograms_remain_only_where_they_fit_equally_well(matcher: Matcher) -> None:
    assert [match.entry.name for match in matcher.near_best("a cat")] == ["cat", "cat face"]
    assert [match.entry.name for match in matcher.near_best("a red apple")] == ["red apple"]


def test_a_description_helps_to_choose_among_things_of_one_name(matcher: Matcher) -> None:
    assert best_emoji(matcher, "a railway carriage") == "🚃"


def test_a_thing_comes_before_a_face_and_a_symbol_that_fit_as_well() -> None:
    catalogue = [
        Entry(kind.value, kind, kind.value, "x", ("gnome",), ()) for kind in (Kind.SYMBOL, Kind.FACE, Kind.THING)
    ]
    assert [match.entry.kind for match in Matcher(catalogue).near_best("a gnome")] == [Kind.THING]


@pytest.mark.parametrize("prompt", ["", "the of and", "!!!", "山の写真", "\N{RED APPLE}"])
def test_a_prompt_without_an_english_noun_matches_nothing(matcher: Matcher, prompt: str) -> None:
    assert matcher.near_best(prompt) == ()


@pytest.mark.parametrize(
    ("misspelt", "meant"), [("elefant", "elephant"), ("a girafe", "giraffe"), ("motorcyle", "motorcycle")]
)
def test_the_closest_name_is_the_one_that_was_misspelt(matcher: Matcher, misspelt: str, meant: str) -> None:
    assert matcher.closest_names(misspelt, 3)[0] == meant


def test_each_of_the_closest_names_finds_a_pictogram(matcher: Matcher) -> None:
    names = matcher.closest_names("a wooden table", 3)
    assert len(names) == 3
    assert all(matcher.near_best(name) for name in names)


def test_nothing_is_close_to_a_jumble_of_letters(matcher: Matcher) -> None:
    assert matcher.closest_names("asdfghjkl", 3) == ()
