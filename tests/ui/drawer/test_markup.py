from dataclasses import replace

import pytest

from orfeas.fetching import FetchPlan
from orfeas.hub import FetchAccount
from orfeas.records import FetchState, FetchStatus
from orfeas.ui.drawer import markup
from tests.ui.test_markup import ENGINE, HOSTILE, Tags, assert_harmless

ACCOUNT = FetchAccount(
    source="huggingface.co/tencent/Hunyuan3D-2.1",
    licence="Some Licence (not for use in the EU)",
    missing=("folder/model.fp16.ckpt",),
    total_bytes=7_370_000_000,
    missing_bytes=5_270_000_000,
)
PLAN = FetchPlan((ACCOUNT,), free_bytes=41_000_000_000, fault="")
RUNNING = FetchState(FetchStatus.FETCHING, 7_370_000_000, 2_100_000_000, 54_000_000.0, 98.0)


@pytest.mark.parametrize(
    "html",
    [
        markup.row(replace(ENGINE, title=HOSTILE, why_not=HOSTILE, needs=HOSTILE, is_ready=False)),
        markup.notice(HOSTILE),
        markup.plan(replace(PLAN, accounts=(replace(ACCOUNT, source=HOSTILE, missing=(HOSTILE,)),), fault=HOSTILE)),
    ],
    ids=["row", "notice", "plan"],
)
def test_what_others_wrote_is_only_text(html: str) -> None:
    assert_harmless(html)


def test_an_engine_that_is_not_ready_says_exactly_what_is_missing() -> None:
    text = Tags(markup.row(replace(ENGINE, is_ready=False, why_not="no weights", needs="7.4 GB"))).text
    assert "Not ready: no weights" in text
    assert "7.4 GB" in text


def test_a_plan_says_what_how_much_from_where_and_on_what_terms() -> None:
    text = Tags(markup.plan(PLAN)).text
    for fact in ("model.fp16.ckpt", "5.3 GB; 2.1 GB are here already", ACCOUNT.source, ACCOUNT.licence, "41 GB free"):
        assert fact in text
    assert "accept it" in text


def test_a_plan_that_does_not_fit_the_disk_asks_for_no_agreement() -> None:
    text = Tags(markup.plan(replace(PLAN, free_bytes=1_000_000_000))).text
    assert "5.3 GB are missing and 1.0 GB of disk are free" in text
    assert "accept it" not in text


def test_progress_tells_bytes_speed_and_time_left() -> None:
    html = markup.progress(RUNNING)
    assert "2.1 GB of 7.4 GB · 54 MB a second · about 1 min 38 s left" in Tags(html).text
    assert Tags(html).all("div")[0]["aria-valuenow"] == "28"
    assert "left" not in Tags(markup.progress(replace(RUNNING, bytes_per_s=0.0, left_s=None))).text


def test_many_missing_files_are_counted_and_not_named() -> None:
    many = replace(ACCOUNT, missing=tuple(f"unet/part-{number}.safetensors" for number in range(20)))
    assert "20 files" in Tags(markup.plan(replace(PLAN, accounts=(many,)))).text
