from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from orfeas.apart import Apart
from orfeas.engines.inflate import Inflate
from orfeas.errors import EngineUnavailable, InvalidOption
from orfeas.fetching import Fetchable
from orfeas.options import (
    EngineChoice,
    PictureOptions,
    ShapeOptions,
    TextureEngineChoice,
    TextureOptions,
    WeightsChoice,
)
from orfeas.roster import Roster
from orfeas.settings import Settings
from orfeas.tasks import reported_options


@pytest.fixture
def roster(tmp_path: Path) -> Roster:
    """On a machine without weights."""
    return Roster(Settings(data_dir=tmp_path / "data", weights=tmp_path, device="cpu"), Apart())


class Bare(Inflate):
    """A shape engine that leaves the texture to others."""

    has_texture = False


def test_every_engine_has_a_key_of_its_own(roster: Roster) -> None:
    assert max(Counter(info.key for info in roster.infos()).values()) == 1


def test_an_engine_with_a_texture_of_its_own_keeps_it(roster: Roster) -> None:
    task, reason = roster.model_task(ShapeOptions(), 7, "mug")
    assert (task.engine.name, task.painter, task.options.seed) == (EngineChoice.INFLATE, None, 7)
    assert task.options.texture_size > 0
    assert "Texture" not in reason


def test_another_painter_is_taken_where_it_is_asked_for(roster: Roster) -> None:
    asked = ShapeOptions(texture_engine=TextureEngineChoice.PROJECTION, texture_size=512)
    task, reason = roster.model_task(asked, 7, "mug")
    assert task.painter is not None
    assert task.painter.options.engine is TextureEngineChoice.PROJECTION
    assert (task.painter.options.seed, task.painter.options.texture_size) == (7, 512)
    assert "Texture: Projection, as asked." in reason


def test_a_shape_without_texture_is_painted_by_the_first_that_is_ready(roster: Roster) -> None:
    roster.shape = (Bare(),)
    task, reason = roster.model_task(ShapeOptions(), 7, "mug")
    assert task.options.texture_engine is TextureEngineChoice.PROJECTION
    assert "Texture: Projection, because Hunyuan3D-2.1 paint is not ready" in reason


def test_a_painter_that_is_not_ready_is_named(roster: Roster) -> None:
    with pytest.raises(EngineUnavailable, match=r"Hunyuan3D-2\.1 paint cannot run here"):
        roster.model_task(ShapeOptions(texture_engine=TextureEngineChoice.HUNYUAN), 7, "mug")
    with pytest.raises(EngineUnavailable, match=r"Hunyuan3D-2\.1 paint cannot run here"):
        roster.texture_task(TextureOptions(engine=TextureEngineChoice.HUNYUAN), 7, "ball")


def test_without_texture_nothing_of_it_may_be_asked_for(roster: Roster) -> None:
    task, _ = roster.model_task(ShapeOptions(texture=False), 7, "mug")
    assert (task.painter, task.options.texture_size) == (None, 0)
    with pytest.raises(InvalidOption, match="texture_size cannot be set where texture is false"):
        roster.model_task(ShapeOptions(texture=False, texture_size=512), 7, "mug")


@pytest.mark.parametrize("changes", [{}, {"texture": False}, {"texture_engine": TextureEngineChoice.PROJECTION}])
def test_what_a_job_reports_can_be_asked_for_again(roster: Roster, changes: dict[str, object]) -> None:
    first, _ = roster.model_task(replace(ShapeOptions(), **changes), 7, "mug")  # type: ignore[arg-type]  # its fields
    again, _ = roster.model_task(first.options, first.options.seed, "mug")
    assert reported_options(again) == reported_options(first)


def test_words_are_drawn_by_the_first_that_is_ready(roster: Roster) -> None:
    task, _ = roster.picture_task("a red apple", PictureOptions(), 7, "a-red-apple")
    assert (task.engine.name, task.options.seed, task.prompt) == ("pictogram", 7, "a red apple")


def test_all_weights_are_those_of_each_engine(roster: Roster) -> None:
    by_name: dict[WeightsChoice, Fetchable] = {fetchable.engine: fetchable for fetchable in roster.fetchables}
    assert set(by_name) == set(WeightsChoice)
    parts = [fetchable for name, fetchable in by_name.items() if name is not WeightsChoice.ALL]
    sets = tuple(weights for part in parts for weights in part.weights)
    assert (len(parts), by_name[WeightsChoice.ALL].weights, by_name[WeightsChoice.ALL].needed()) == (
        4,
        sets,
        tuple(weights for part in parts for weights in part.needed()),
    )
    assert by_name[WeightsChoice.ALL].total_bytes == sum(part.total_bytes for part in parts)
    assert not by_name[WeightsChoice.ALL].is_here
