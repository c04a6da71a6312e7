"""The pictogram engine does what the studio asks of a picture engine."""

import subprocess
import sys

import pytest

from orfeas.errors import Cancelled, InvalidOption, InvalidPrompt
from orfeas.options import PictureOptions, Style, TextEngineChoice
from orfeas.progress import Progress, Stage, Step
from orfeas.text_to_image.base import PictureEngine, PictureRequest, PictureResult
from orfeas.text_to_image.pictogram import Pictogram


@pytest.fixture(scope="module")
def engine() -> Pictogram:
    return Pictogram()


def make(engine: Pictogram, prompt: str, seed: int = 0, style: Style = Style.NONE) -> PictureResult:
    options = engine.resolve(PictureOptions(seed=seed, style=style))
    return engine.generate(PictureRequest(prompt, options), Progress())


def test_it_is_a_picture_engine_and_always_ready(engine: Pictogram) -> None:
    as_engine: PictureEngine = engine
    info = as_engine.info()
    assert (info.name, info.kind, info.is_ready, info.why_not, info.is_preview) == (
        "pictogram",
        "text_to_image",
        True,
        "",
        True,
    )
    assert "SIL Open Font License" in info.licence


def test_it_draws_what_the_prompt_names_and_says_so(engine: Pictogram) -> None:
    result = make(engine, "a red apple")
    assert result.notes == ("Drew the pictogram “red apple”.",)
    assert (result.image.mode, result.image.size) == ("RGBA", (1024, 1024))


def test_the_same_seed_gives_the_same_picture(engine: Pictogram) -> None:
    first, second = make(engine, "a cat", seed=5), make(engine, "a cat", seed=5)
    assert first.image.tobytes() == second.image.tobytes()
    assert first.notes == second.notes


def test_another_seed_offers_another_pictogram_that_fits_as_well(engine: Pictogram) -> None:
    assert {make(engine, "a cat", seed=seed).notes for seed in range(4)} == {
        ("Drew the pictogram “cat”.",),
        ("Drew the pictogram “cat face”.",),
    }


def test_a_clear_best_match_is_taken_whatever_the_seed(engine: Pictogram) -> None:
    assert {make(engine, "a red apple", seed=seed).notes for seed in (0, 1, 2, 3, 2**31 - 1)} == {
        ("Drew the pictogram “red apple”.",)
    }


def test_the_style_is_applied(engine: Pictogram) -> None:
    plain, anime = make(engine, "a castle"), make(engine, "a castle", style=Style.ANIME)
    assert plain.image.getchannel("A").tobytes() == anime.image.getchannel("A").tobytes()
    assert plain.image.tobytes() != anime.image.tobytes()


def test_a_prompt_that_fits_nothing_is_refused_with_the_closest_names(engine: Pictogram) -> None:
    with pytest.raises(
        InvalidPrompt, match=r"No pictogram fits “an elefant”\. The closest by name: “elephant”, “.+” and “.+”\."
    ):
        make(engine, "an elefant")


def test_a_jumble_is_refused_with_examples(engine: Pictogram) -> None:
    with pytest.raises(InvalidPrompt, match=r"No pictogram fits “asdfghjkl”\. Name one everyday thing"):
        make(engine, "asdfghjkl")


@pytest.mark.parametrize("name", ["a red apple", "a castle", "a robot"])
def test_the_examples_of_the_refusal_can_be_drawn(engine: Pictogram, name: str) -> None:
    assert name.split()[-1] in make(engine, name).notes[0]


def test_a_thousand_characters_that_fit_nothing_are_refused_quickly(engine: Pictogram) -> None:
    with pytest.raises(InvalidPrompt, match="No pictogram fits"):
        make(engine, " ".join(["qwrtz"] * 166))


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (PictureOptions(negative_prompt="blurry"), "negative_prompt"),
        (PictureOptions(num_inference_steps=30), "num_inference_steps"),
        (PictureOptions(guidance_scale=7.5), "guidance_scale"),
        (PictureOptions(guidance_scale=0), "guidance_scale"),
    ],
)
def test_options_that_it_has_no_use_for_are_refused(engine: Pictogram, options: PictureOptions, name: str) -> None:
    with pytest.raises(InvalidOption, match=f"The pictogram engine has no {name}"):
        engine.resolve(options)


def test_resolving_keeps_what_was_asked_and_chooses_the_rest(engine: Pictogram) -> None:
    asked = PictureOptions(style=Style.FANTASY, seed=77)
    assert engine.resolve(asked) == PictureOptions(TextEngineChoice.PICTOGRAM, Style.FANTASY, 77)
    assert 0 <= engine.resolve(PictureOptions()).seed < 2**31


def test_it_reports_the_picture_stage(engine: Pictogram) -> None:
    steps: list[Step] = []
    progress = Progress(steps.append)
    engine.generate(PictureRequest("a key", engine.resolve(PictureOptions())), progress)
    assert [step.stage for step in steps] == [Stage.PICTURE]
    assert set(progress.timings_s) == {Stage.PICTURE}


def test_a_cancelled_job_is_not_drawn(engine: Pictogram) -> None:
    with pytest.raises(Cancelled):
        engine.generate(PictureRequest("a key", engine.resolve(PictureOptions())), Progress(is_cancelled=lambda: True))


def test_importing_it_loads_no_imaging_library() -> None:
    code = "import sys, orfeas.text_to_image.pictogram; print({'cv2', 'numpy'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"
