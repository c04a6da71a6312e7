from dataclasses import replace
from html.parser import HTMLParser

import pytest

from orfeas.records import EngineInfo, Finding, Job, JobKind, JobStatus, MeshReport, Use
from orfeas.ui import markup
from orfeas.ui.words import NOT_SEARCHED

HOSTILE = """<script>alert(1)</script><img src=x onerror="alert(2)">" onmouseover='alert(3)"""
MESH = MeshReport(
    vertices=20_000,
    faces=39_812,
    components=1,
    is_watertight=True,
    is_winding_consistent=True,
    euler_number=2,
    boundary_edges=0,
    non_manifold_edges=0,
    degenerate_faces=0,
    volume_mm3=123_456.0,
    area_mm2=1.0,
    size_mm=(62.0, 100.0, 4.14),
    has_uv=True,
    has_texture=True,
    materials=1,
)
JOB = Job(
    job_id="abc",
    kind=JobKind.IMAGE_TO_3D,
    status=JobStatus.COMPLETED,
    created="2026-11-23T12:34:56.000+00:00",
    engine="inflate",
    engine_reason="Inflate, because it is there.",
    is_preview=True,
    notes=("A note.",),
    options={"quality": "draft", "seed": 7},
    mesh=MESH,
    timings_s={"shape": 0.5, "total": 1.23},
    files={"glb": 1_400_000},
)
ENGINE = EngineInfo(
    name="inflate",
    kind="shape",
    title="Inflate",
    is_ready=True,
    why_not="",
    needs="",
    licence="Apache-2.0",
    good_for="Drawings",
    is_preview=True,
)


class Tags(HTMLParser):
    """Collects elements with their attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def assert_harmless(html: str) -> None:
    tags = Tags(html)
    assert tags.all("script") == []
    assert [name for _, attributes in tags.elements for name in attributes if name.startswith("on")] == []
    assert [image for image in tags.all("img") if image["src"] == "x"] == []


@pytest.mark.parametrize(
    "html",
    [
        markup.result(replace(JOB, prompt=HOSTILE, notes=(HOSTILE,), options={"x": HOSTILE}, engine_reason=HOSTILE)),
        markup.working(replace(JOB, prompt=HOSTILE, status=JobStatus.RUNNING), 1.0, None, 0),
        markup.picture(replace(JOB, prompt=HOSTILE)),
        markup.history([replace(JOB, prompt=HOSTILE)], ""),
        markup.notice("failed", HOSTILE, HOSTILE),
        markup.tiles([markup.Tile(HOSTILE, HOSTILE, HOSTILE, HOSTILE)], HOSTILE),
        markup.header([replace(ENGINE, title=HOSTILE)]),
    ],
    ids=["result", "working", "picture", "history", "notice", "tiles", "header"],
)
def test_what_people_wrote_is_only_text(html: str) -> None:
    assert_harmless(html)


def test_a_result_tells_its_measures_with_units() -> None:
    text = Tags(markup.result(JOB)).text
    for fact in ("39,812 faces", "watertight", "62 × 100 × 4.1 mm", "123.5 cm³", "textured", "1.2 s", "1.4 MB"):
        assert fact in text


def test_a_result_of_a_preview_engine_says_so() -> None:
    assert "Preview engine" in Tags(markup.result(JOB)).text
    assert "Preview engine" not in Tags(markup.result(replace(JOB, is_preview=False))).text


def test_an_open_surface_is_told_with_its_open_edges() -> None:
    text = Tags(markup.report(replace(MESH, is_watertight=False, boundary_edges=1234, volume_mm3=None))).text
    assert "1,234 open edges" in text
    assert "watertight" not in text


@pytest.mark.parametrize(
    ("volume_mm3", "told"),
    [
        (-1e-9, "0.0 cm³"),
        (-40.0, "0.0 cm³"),
        (0.0, "0.0 cm³"),
        (-2500.0, "2.5 cm³, inside out"),
        (2500.0, "2.5 cm³"),
    ],
)
def test_no_volume_is_told_with_a_minus(volume_mm3: float, told: str) -> None:
    assert f">{told}<" in markup.report(replace(MESH, volume_mm3=volume_mm3))


def test_one_of_a_kind_is_told_as_one() -> None:
    text = markup.report(replace(MESH, faces=1, is_watertight=False, boundary_edges=1))
    for fact in (">1 face<", ">1 open edge<", '"20,000 vertices, 1 separate part"'):
        assert fact in text


def test_a_model_can_be_downloaded_in_every_format() -> None:
    links = [link["href"] for link in Tags(markup.result(JOB)).all("a")]
    models = [f"jobs/abc/model.{name}" for name in ("glb", "obj", "stl", "ply", "3mf", "usdz", "fbx")]
    assert links == [*models, "jobs/abc/turntable.webp"]


def test_smaller_textures_are_offered_beside_the_formats_that_hold_one() -> None:
    made = Tags(markup.result(replace(JOB, options={"texture_size": 1536})))
    assert [option["value"] for option in made.all("option")] == ["", "1024", "512", "256"]
    textured = [link["href"] for link in made.all("a") if "data-textured" in link]
    assert textured == [f"jobs/abc/model.{name}" for name in ("glb", "obj", "3mf", "usdz", "fbx")]
    # What a mesh came with, a repair does not know.
    assert len(Tags(markup.result(replace(JOB, options={}))).all("option")) == 6


def test_no_smaller_texture_is_offered_where_there_is_none() -> None:
    assert Tags(markup.result(replace(JOB, options={"texture_size": 256}))).all("select") == []
    assert Tags(markup.result(replace(JOB, mesh=replace(MESH, has_texture=False)))).all("select") == []


def test_a_picture_can_be_downloaded() -> None:
    picture = replace(JOB, kind=JobKind.TEXT_TO_IMAGE, mesh=None)
    assert [link["href"] for link in Tags(markup.result(picture)).all("a")] == ["jobs/abc/picture"]


def test_a_failed_job_is_not_in_the_history_row() -> None:
    assert "abc" not in markup.history([replace(JOB, status=JobStatus.FAILED)], "")


def test_the_job_on_the_stage_is_marked_in_the_history() -> None:
    tiles = Tags(markup.history([JOB, replace(JOB, job_id="def")], "def")).all("button")
    assert [(tile["data-key"], tile.get("aria-current")) for tile in tiles] == [("abc", None), ("def", "true")]


def test_every_tile_has_a_label_for_screen_readers() -> None:
    (tile,) = Tags(markup.history([replace(JOB, prompt="a red apple")], "")).all("button")
    assert tile["aria-label"] == "Open the model of 12:34 UTC: a red apple"


def test_the_stage_that_runs_is_marked_and_counted() -> None:
    html = markup.working(replace(JOB, status=JobStatus.RUNNING, stage="surface", step=3, steps=9), 1.0, 2.0, 0)
    steps = Tags(html).all("li")
    assert [step["class"] for step in steps] == ["past", "past", "now", "to-come", "to-come"]
    assert "3 of 9" in Tags(html).text
    assert "1.0 s, about 2.0 s left" in Tags(html).text


def test_a_waiting_job_says_how_many_are_ahead() -> None:
    waiting = replace(JOB, status=JobStatus.QUEUED, stage="")
    assert "2 ahead in the queue, about 12 s" in Tags(markup.working(waiting, 0.0, 12.0, 2)).text
    assert "next in line" in Tags(markup.working(waiting, 0.0, None, 0)).text


def test_the_header_names_the_engine_that_takes_the_next_job() -> None:
    assert "Inflate, ready" in Tags(markup.header([ENGINE])).text
    assert "No engine is ready" in Tags(markup.header([replace(ENGINE, is_ready=False)])).text


def test_stages_that_are_done_tell_their_time_while_the_job_works() -> None:
    job = replace(JOB, status=JobStatus.RUNNING, stage="surface", timings_s={"cut_out": 0.3, "shape": 12.0})
    text = Tags(markup.working(job, 13.0, None, 0)).text
    assert "Cut-out 0.3 s" in text
    assert "Shape 12 s" in text


def test_a_tile_of_a_picture_is_called_as_its_file() -> None:
    (tile,) = Tags(markup.history([replace(JOB, name="chair")], "")).all("button")
    assert tile["aria-label"] == "Open the model of 12:34 UTC: chair"


def test_what_stands_against_a_use_is_told_in_sentences_one_after_another() -> None:
    found = (
        Finding(Use.PRINT, "It is inside out.", "Repair turns it."),
        Finding(Use.PRINT, "It is large.", "Size it."),
    )
    text = Tags(markup.verdict(replace(MESH, findings=found))).text
    assert text == "PrintingIt is inside out. Repair turns it. It is large. Size it.GamesReady."


def test_a_print_is_ready_with_a_reserve_where_crossings_were_not_looked_for() -> None:
    assert Tags(markup.verdict(replace(MESH, crossing_faces=0))).text == "PrintingReady.GamesReady."
    text = Tags(markup.verdict(replace(MESH, crossing_faces=None))).text
    assert text == f"PrintingReady. {NOT_SEARCHED}GamesReady."
