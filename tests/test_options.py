import math
from collections.abc import Callable
from inspect import isfunction
from typing import get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

import orfeas
from orfeas import Studio
from orfeas.errors import InvalidOption, InvalidPrompt
from orfeas.options import (
    MAX_SEED,
    Compression,
    EngineChoice,
    OutputFormat,
    Packing,
    PictureOptions,
    Quality,
    RepairOptions,
    ShapeOptions,
    Style,
    TextureEngineChoice,
    TextureFormat,
    TextureOptions,
    choose_seed,
    parse_bool,
    parse_choice,
    parse_integer,
    parse_number,
    parse_packing,
    parse_picture_options,
    parse_prompt,
    parse_shape_options,
    parse_texture_options,
    quote,
)


def test_all_options_that_the_studio_takes_can_be_made_by_what_the_package_offers() -> None:
    taken = {
        kind.__name__
        for name, method in vars(Studio).items()
        if not name.startswith("_") and isfunction(method)
        for hint in get_type_hints(method).values()
        for kind in (hint, *get_args(hint))
        if getattr(kind, "__module__", "") == RepairOptions.__module__
    }
    assert {"ShapeOptions", "RepairOptions", "CutOutOptions"} < taken
    made = {get_type_hints(getattr(orfeas, name))["return"].__name__ for name in orfeas.__all__ if "parse_" in name}
    assert made == taken


def test_nothing_given_gives_the_promised_defaults() -> None:
    assert parse_shape_options() == ShapeOptions()
    assert parse_picture_options() == PictureOptions()
    assert parse_texture_options() == TextureOptions()


@pytest.mark.parametrize("text", ["glb", "GLB", " Glb "])
def test_a_choice_is_read_in_any_letter_case(text: str) -> None:
    assert parse_choice("output_format", text, OutputFormat) is OutputFormat.GLB


@pytest.mark.parametrize(
    "value", ["../../etc/passwd", "..\\..\\x", "", "blend", None, 7, ["glb"], "glb\x00", "'; drop table"]
)
def test_an_unknown_choice_is_refused_with_what_is_allowed(value: object) -> None:
    with pytest.raises(InvalidOption, match=r"choose one of glb, obj, stl, ply, 3mf, usdz, fbx\."):
        parse_choice("output_format", value, OutputFormat)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, "5", None, True, [], 0, 10_001, -5])
def test_a_number_out_of_range_is_refused_with_the_range(value: object) -> None:
    with pytest.raises(InvalidOption, match="a number from 1 to 10,000"):
        parse_number("size_mm", value, 1, 10_000)


def test_the_value_that_lets_orfeas_choose_is_accepted_outside_the_range() -> None:
    assert parse_integer("seed", -1, 0, MAX_SEED, auto=-1) == -1


def test_a_whole_number_may_come_as_a_float() -> None:
    assert parse_integer("num_inference_steps", 30.0, 1, 200) == 30


def test_a_fraction_of_a_step_is_refused() -> None:
    with pytest.raises(InvalidOption, match="whole number"):
        parse_integer("num_inference_steps", 30.5, 1, 200)


@pytest.mark.parametrize("value", ["false", 0, 1, None, "yes"])
def test_only_truth_values_are_truth_values(value: object) -> None:
    with pytest.raises(InvalidOption, match="choose true or false"):
        parse_bool("texture", value)


def test_every_shape_option_is_read() -> None:
    options = parse_shape_options(
        engine="inflate",
        quality="ultra",
        texture=False,
        remove_background="never",
        seed=5,
        num_inference_steps=9,
        guidance_scale=2.5,
        octree_resolution=64,
        target_faces=5000,
        size_mm=42,
        output_format="STL",
        texture_size=512,
        guidance_start=0.1,
        guidance_end=0.8,
        cache_threshold=0.2,
    )
    assert (options.guidance_start, options.guidance_end, options.cache_threshold) == (0.1, 0.8, 0.2)
    assert options.engine is EngineChoice.INFLATE
    assert options.quality is Quality.ULTRA
    assert (options.texture, options.remove_background.value, options.seed) == (False, "never", 5)
    assert (options.num_inference_steps, options.guidance_scale, options.octree_resolution) == (9, 2.5, 64)
    assert (options.target_faces, options.size_mm, options.texture_size) == (5000, 42.0, 512)
    assert options.output_format is OutputFormat.STL


@pytest.mark.parametrize(("start", "end"), [(0.5, 0.5), (0.8, 0.2), (1, 1)])
def test_an_interval_of_guidance_that_is_empty_is_refused(start: float, end: float) -> None:
    with pytest.raises(InvalidOption, match=r"^guidance_end cannot be .* above guidance_start"):
        parse_shape_options(guidance_start=start, guidance_end=end)


def test_every_texture_option_is_read() -> None:
    options = parse_texture_options(
        engine="Projection",
        quality="draft",
        remove_background="never",
        seed=5,
        size_mm=42,
        output_format="obj",
        num_inference_steps=9,
        guidance_scale=2.5,
        texture_size=512,
        texture_format="PNG",
        keep_uv=True,
    )
    assert (options.engine, options.texture_format) == (TextureEngineChoice.PROJECTION, TextureFormat.PNG)
    assert (options.quality, options.remove_background.value, options.seed) == (Quality.DRAFT, "never", 5)
    assert (options.size_mm, options.output_format, options.keep_uv) == (42, OutputFormat.OBJ, True)
    assert (options.num_inference_steps, options.guidance_scale, options.texture_size) == (9, 2.5, 512)


@pytest.mark.parametrize("parse", [parse_shape_options, parse_texture_options])
def test_a_texture_that_the_file_cannot_hold_is_refused(parse: Callable[..., object]) -> None:
    with pytest.raises(InvalidOption, match=r"^texture_format cannot be .*choose one of png, jpeg"):
        parse(output_format="obj", texture_format="webp")


def test_every_picture_option_is_read() -> None:
    options = parse_picture_options(style="anime", seed=3, negative_prompt=" no  dogs ", num_inference_steps=4)
    assert (options.style, options.seed, options.negative_prompt) == (Style.ANIME, 3, "no dogs")
    assert options.num_inference_steps == 4


def test_the_text_engine_is_named_as_the_endpoint_names_it() -> None:
    with pytest.raises(InvalidOption, match=r"^text_engine cannot be"):
        parse_picture_options(engine="dall-e", names={"engine": "text_engine"})


@pytest.mark.parametrize("value", ["", "   ", "\x00\x01", "\n\t", None, 5, {}])
def test_a_prompt_without_words_is_refused(value: object) -> None:
    with pytest.raises(InvalidPrompt):
        parse_prompt(value)


def test_a_prompt_over_the_limit_is_refused_with_its_length() -> None:
    with pytest.raises(InvalidPrompt, match=r"1,000,000 characters; the most is 1,000"):
        parse_prompt("x" * 1_000_000)


def test_control_characters_in_a_prompt_become_spaces() -> None:
    assert parse_prompt("a\x00red\r\n apple\x1b[31m") == "a red apple [31m"


@given(st.text(max_size=1000))
def test_a_prompt_is_printable_or_refused(text: str) -> None:
    try:
        prompt = parse_prompt(text)
    except InvalidPrompt:
        assert not "".join(c for c in text if c.isprintable()).strip()
    else:
        assert prompt.isprintable()
        assert 0 < len(prompt) <= 1000


def test_a_random_seed_is_in_range_and_not_always_the_same() -> None:
    seeds = {choose_seed(-1) for _ in range(20)}
    assert all(0 <= seed <= MAX_SEED for seed in seeds)
    assert len(seeds) > 1


def test_a_given_seed_is_kept() -> None:
    assert choose_seed(0) == 0


def test_what_the_caller_sent_is_shown_back_short_and_printable() -> None:
    assert quote("a" * 1000) == f"“{'a' * 40}…”"
    assert quote("a\x1b\nb") == "“a��b”"


def test_a_packing_is_read_whole() -> None:
    assert parse_packing(OutputFormat.STL) == Packing()
    packing = parse_packing(OutputFormat.GLB, compression="Draco", texture_size=1024.0, texture_format="WebP")
    assert packing == Packing(Compression.DRACO, 1024, TextureFormat.WEBP)


@pytest.mark.parametrize(
    ("output_format", "options", "why"),
    [
        ("glb", {"texture_size": 300}, "300; choose one of 256, 512, 1024, 2048, 4096, or 0 to keep it"),
        ("glb", {"texture_size": 8192}, "8192; choose one of 256, 512, 1024, 2048, 4096, or 0"),
        ("glb", {"texture_size": -1}, "-1; choose one of 256, 512, 1024, 2048, 4096, or 0"),
        ("glb", {"texture_size": 512.5}, "512.5; choose one of 256"),
        ("glb", {"texture_size": "big"}, "“big”; choose one of 256"),
        ("glb", {"texture_size": True}, "“True”; choose one of 256"),
        ("glb", {"texture_format": "gif"}, "choose one of keep, png, jpeg, webp"),
        ("fbx", {"texture_format": "webp"}, "“webp” for FBX; choose one of keep, png, jpeg"),
        ("stl", {"texture_size": 512}, "STL, which holds no texture; leave it at 0"),
        ("ply", {"texture_format": "png"}, "PLY, which holds no texture; leave it at keep"),
        ("obj", {"compression": "draco"}, "Only a GLB can be compressed"),
    ],
)
def test_what_a_file_cannot_be_is_refused(output_format: str, options: dict[str, object], why: str) -> None:
    with pytest.raises(InvalidOption, match=why) as refusal:
        parse_packing(OutputFormat(output_format), **options)
    assert refusal.value.option in options
