"""Fetching a model from a Hub on this machine, and finding it in the cache."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from orfeas.apart import Apart
from orfeas.errors import EngineUnavailable
from orfeas.fetching import Fetching
from orfeas.options import PictureOptions, WeightsChoice
from orfeas.progress import Progress
from orfeas.records import FetchStatus
from orfeas.residence import Tenants
from orfeas.roster import Roster
from orfeas.settings import Settings
from orfeas.text_to_image.base import PictureRequest
from orfeas.text_to_image.diffusion import Diffusion
from orfeas.text_to_image.diffusion.models import DEFAULT, SMALL
from tests.hub import Hub, point_at, serve_hub
from tests.text_to_image.diffusion.tiny import SIDE_PX

DIFFUSION = WeightsChoice.DIFFUSION
# What a repository may have beside the pipeline; none of it is fetched.
BESIDE = ("everything.safetensors", "pipeline.py", "unet/diffusion_pytorch_model.bin", "vae_decoder/config.json")


@pytest.fixture
def remote(unet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    folder = shutil.copytree(unet, tmp_path / "hub")
    for name in BESIDE:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("of no use")
    with serve_hub(folder) as served:
        point_at(served, tmp_path / "home", monkeypatch)
        yield served


def fetching_of(tmp_path: Path, **settings: str) -> tuple[Roster, Fetching]:
    roster = Roster(Settings.model_validate({"data_dir": tmp_path / "data", "device": "cpu", **settings}), Apart())
    return roster, Fetching(roster.fetchables, "")


def fetch(fetching: Fetching) -> FetchStatus:
    fetching.start(DIFFUSION)
    end = time.monotonic() + 20
    while fetching.live is not None:
        assert time.monotonic() < end
        time.sleep(0.01)
    return fetching.state(DIFFUSION).status


def engine_of(roster: Roster) -> Diffusion:
    engine = roster.picture[0]
    assert isinstance(engine, Diffusion)
    return engine


def test_an_operators_repository_is_fetched_and_used(remote: Hub, unet: Path, tmp_path: Path) -> None:
    roster, fetching = fetching_of(tmp_path, text_model="someone/else")
    engine = engine_of(roster)
    assert engine.info().why_not == "someone/else is not on this machine; run python -m orfeas fetch diffusion"
    plan = fetching.plan(DIFFUSION)
    assert plan.accounts[0].licence == "mit"
    assert plan.missing_bytes == sum(path.stat().st_size for path in unet.rglob("*") if path.is_file())
    assert not {Path(name).name for name in BESIDE[:3]} & {Path(name).name for name in plan.accounts[0].missing}
    assert fetch(fetching) is FetchStatus.COMPLETE
    assert engine.info().is_ready
    effective = engine.resolve(PictureOptions(seed=1, num_inference_steps=2, size_px=SIDE_PX))
    assert engine.generate(PictureRequest("a red apple", effective), Progress()).image.size == (SIDE_PX, SIDE_PX)


def test_pickled_weights_are_not_fetched(remote: Hub, tmp_path: Path) -> None:
    (remote.folder / "unet/diffusion_pytorch_model.safetensors").unlink()
    _, fetching = fetching_of(tmp_path, text_model="someone/else")
    with pytest.raises(EngineUnavailable, match="part unet has pickled weights only"):
        fetching.plan(DIFFUSION)
    assert fetch(fetching) is FetchStatus.FAILED
    assert "pickled weights only" in fetching.state(DIFFUSION).message
    fetching.close()


def test_ours_is_fetched_by_the_device_and_its_licence_told(remote: Hub, tmp_path: Path) -> None:
    roster, fetching = fetching_of(tmp_path)
    assert fetching.state(DIFFUSION).total_bytes == DEFAULT.size_bytes
    account = fetching.plan(DIFFUSION).accounts[0]
    assert account.source.endswith(SMALL.repo_id)  # on a processor the small one
    assert account.licence == SMALL.licence
    assert fetch(fetching) is FetchStatus.COMPLETE
    info = engine_of(roster).info()
    assert (info.is_ready, info.lacks) == (True, ("negative_prompt",))


def test_of_both_the_one_for_the_device_is_taken(unet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for model in (DEFAULT, SMALL):
        shutil.copytree(unet, tmp_path / model.repo_id)
    engine = Diffusion("", tmp_path, "cpu", Tenants())
    assert engine.resolve(PictureOptions()).num_inference_steps == SMALL.num_inference_steps
    monkeypatch.setattr("orfeas.text_to_image.diffusion.engine.choose_for_learned", lambda choice: torch.device("cuda"))
    monkeypatch.setattr("orfeas.text_to_image.diffusion.engine.total_bytes", lambda device: 24_000_000_000)
    assert engine.resolve(PictureOptions()).num_inference_steps == DEFAULT.num_inference_steps


def test_a_folder_is_nothing_to_fetch(unet: Path, tmp_path: Path) -> None:
    roster, fetching = fetching_of(tmp_path, text_model=str(unet))
    with pytest.raises(EngineUnavailable, match="ORFEAS_TEXT_MODEL is a folder"):
        fetching.plan(DIFFUSION)
    everything = next(fetchable for fetchable in roster.fetchables if fetchable.engine is WeightsChoice.ALL)
    assert not any("black-forest" in weights.repo_id for weights in everything.needed())


def test_without_a_model_it_says_what_to_fetch_and_what_it_needs(tmp_path: Path) -> None:
    roster, _ = fetching_of(tmp_path, weights=str(tmp_path))
    info = engine_of(roster).info()
    assert info.why_not == "The weights are not on this machine; run python -m orfeas fetch diffusion"
    assert "FLUX.2 klein 4B (16.0 GB) and a GPU with 12 GB" in info.needs
    assert "LCM Dreamshaper v7 (5.5 GB) and one with 6 GB" in info.needs
    assert info.licence == "Apache-2.0, MIT"


def test_a_known_model_that_was_named_is_described_as_what_it_is(tmp_path: Path) -> None:
    info = Diffusion(SMALL.repo_id, tmp_path, "cpu", Tenants()).info()
    assert (info.licence, "LCM Dreamshaper v7" in info.good_for) == ("MIT", True)
