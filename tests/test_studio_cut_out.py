"""Cut-outs through the studio: which remover takes a job, masks of one's own, and the cut-out without a job."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from orfeas.engines.birefnet.files import MODEL
from orfeas.errors import Cancelled, EngineUnavailable, InvalidImage, InvalidOption
from orfeas.meshes.provenance import read_provenance
from orfeas.options import (
    CutOutOptions,
    OutputFormat,
    RemoveBackground,
    RemoverChoice,
    ShapeOptions,
    WeightsChoice,
    parse_cut_out_options,
    parse_shape_options,
    parse_texture_options,
)
from orfeas.progress import Progress
from orfeas.records import FetchStatus, Job
from orfeas.settings import Settings
from orfeas.studio import Studio
from tests.engines.birefnet.tiny import write_tiny_model, write_tiny_weights
from tests.hub import point_at, serve_hub

DRAFT = parse_shape_options(quality="draft", seed=1, texture=False)


@pytest.fixture
def learned(tmp_path: Path) -> Iterator[Studio]:
    """A studio that has the weights of the learned remover."""
    write_tiny_weights(tmp_path / "weights")
    with Studio(Settings(data_dir=tmp_path / "learned", weights=tmp_path / "weights", device="cpu")) as studio:
        yield studio


@pytest.fixture
def photo(photo: Path) -> Path:
    """Small, for the sake of time."""
    with Image.open(photo) as image:
        image.resize((192, 192)).save(photo, quality=95)
    return photo


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    """Keeps a disc in the middle."""
    y, x = np.mgrid[-1:1:100j, -1:1:100j]
    path = tmp_path / "my mask.png"
    Image.fromarray(np.where(np.hypot(x, y) < 0.6, 255, 0).astype(np.uint8)).save(path)
    return path


def alpha_of(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    with Image.open(path) as image:
        return np.asarray(image.getchannel("A"))


def remover_of(job: Job) -> object:
    return job.options["remover"]


def test_without_weights_grabcut_takes_the_job_and_the_job_says_why(studio: Studio, photo: Path) -> None:
    job = studio.image_to_3d(photo, DRAFT)
    assert remover_of(job) == "grabcut"
    assert "GrabCut removed the background." in job.notes
    assert "GrabCut, because BiRefNet is not ready: " in job.engine_reason
    assert read_provenance(studio.results.download(job.job_id, OutputFormat.GLB)).options["remover"] == "grabcut"


def test_with_weights_the_learned_remover_takes_it(learned: Studio, photo: Path) -> None:
    job = learned.image_to_3d(photo, DRAFT)
    assert remover_of(job) == "birefnet"
    assert "BiRefNet removed the background." in job.notes
    assert "BiRefNet, because it is the best engine here" in job.engine_reason
    again = learned.image_to_3d(photo, replace(DRAFT, remover=RemoverChoice.GRABCUT))
    assert remover_of(again) == "grabcut"


def test_the_same_options_give_the_same_model(learned: Studio, photo: Path) -> None:
    first = learned.image_to_3d(photo, DRAFT)
    second = learned.image_to_3d(photo, parse_shape_options(**first.options))
    models = [learned.results.download(job.job_id, OutputFormat.STL).read_bytes() for job in (first, second)]
    assert models[0] == models[1]
    assert first.options == second.options


def test_a_job_that_kept_the_picture_s_transparency_names_no_remover(studio: Studio, mug: Path) -> None:
    job = studio.image_to_3d(mug, replace(DRAFT, remover=RemoverChoice.GRABCUT))
    assert remover_of(job) == "auto"
    assert "The picture's own transparency was kept." in job.notes
    always = replace(DRAFT, remove_background=RemoveBackground.ALWAYS)
    assert remover_of(studio.image_to_3d(mug, always)) == "grabcut"


def test_a_remover_that_is_not_ready_is_refused(studio: Studio, photo: Path) -> None:
    with pytest.raises(EngineUnavailable, match="BiRefNet cannot run here: ") as caught:
        studio.submit_image_to_3d(photo, replace(DRAFT, remover=RemoverChoice.BIREFNET))
    assert caught.value.option == "remover"


@pytest.mark.parametrize("parse", [parse_shape_options, parse_texture_options, parse_cut_out_options])
def test_a_remover_where_nothing_is_removed_is_refused(parse: object) -> None:
    with pytest.raises(InvalidOption, match="remover cannot be set where remove_background is never"):
        parse(remove_background="never", remover="grabcut")  # type: ignore[operator]  # each of them takes both


def test_a_mask_is_kept_with_its_job_and_decides(studio: Studio, photo: Path, mask: Path) -> None:
    job = studio.image_to_3d(photo, DRAFT, mask)
    assert remover_of(job) == "auto"
    assert "Cut out with the mask that was given." in job.notes
    assert (studio.workspace.job_folder(job.job_id) / "mask").read_bytes() == mask.read_bytes()
    share = (alpha_of(studio.results.cut_out(job.job_id)) >= 128).mean()
    assert share == pytest.approx(np.pi * 0.36 / 4, abs=0.01)


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"remove_background": RemoveBackground.ALWAYS}, "remove_background"),
        ({"remove_background": RemoveBackground.NEVER}, "remove_background"),
        ({"remover": RemoverChoice.GRABCUT}, "remover"),
    ],
)
def test_a_mask_beside_another_way_to_cut_out_is_refused(
    studio: Studio, photo: Path, mask: Path, changes: dict[str, object], option: str
) -> None:
    with pytest.raises(InvalidOption, match=f"{option} cannot be set beside a mask") as caught:
        studio.submit_image_to_3d(photo, replace(ShapeOptions(), **changes), mask=mask)  # type: ignore[arg-type]
    assert caught.value.option == option
    with pytest.raises(InvalidOption, match="beside a mask"):
        studio.remove_background(photo, replace(CutOutOptions(), **changes), mask)  # type: ignore[arg-type]


def test_a_mask_that_is_none_is_refused_before_the_job(studio: Studio, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("white keeps")
    with pytest.raises(InvalidImage, match="The mask cannot be used: ") as caught:
        studio.submit_image_to_3d(photo, DRAFT, mask=tmp_path / "notes.txt")
    assert caught.value.option == "mask"
    assert studio.history("local") == ()


def test_what_is_shown_before_a_job_is_what_the_job_works_on(learned: Studio, photo: Path, mask: Path) -> None:
    for own_mask, remover in ((None, RemoverChoice.AUTO), (None, RemoverChoice.GRABCUT), (mask, RemoverChoice.AUTO)):
        image, report = learned.remove_background(photo, CutOutOptions(remover=remover), own_mask)
        job = learned.image_to_3d(photo, replace(DRAFT, remover=remover), own_mask)
        with Image.open(learned.results.cut_out(job.job_id)) as used:
            assert (np.asarray(used) == np.asarray(image)).all()
        assert report.remover == remover_of(job)
        assert report.note in job.notes


def test_the_report_tells_who_why_and_how_much(studio: Studio, photo: Path) -> None:
    image, report = studio.remove_background(photo)
    assert (report.remover, report.width, report.height) == ("grabcut", *image.size)
    assert report.reason.startswith("Cut-out, where the picture has no transparency of its own: GrabCut, because")
    assert 0.1 < report.kept_share < 0.6
    assert report.seconds > 0


def test_it_can_be_stopped(studio: Studio, photo: Path) -> None:
    with pytest.raises(Cancelled):
        studio.remove_background(photo, progress=Progress(is_cancelled=lambda: True))


def test_the_weights_are_fetched_like_any_and_taken_at_once(
    tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tiny_model(tmp_path / "hub" / MODEL)
    with serve_hub(tmp_path / "hub") as hub, Studio(Settings(data_dir=tmp_path / "data", device="cpu")) as studio:
        point_at(hub, tmp_path / "home", monkeypatch)
        before = next(info for info in studio.engines() if info.name == "birefnet")
        assert before.fetch is not None
        assert (before.fetch.status, before.fetch.total_bytes) == (FetchStatus.MISSING, 224_000_000)
        assert studio.remove_background(photo)[1].remover == "grabcut"
        studio.fetching.start(WeightsChoice.BIREFNET)
        end = time.monotonic() + 20
        while studio.fetching.live is not None:
            assert time.monotonic() < end
            time.sleep(0.02)
        assert studio.fetching.state(WeightsChoice.BIREFNET).status is FetchStatus.COMPLETE
        assert studio.remove_background(photo)[1].remover == "birefnet"
