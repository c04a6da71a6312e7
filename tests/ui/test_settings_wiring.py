"""Settings come back into the page's inputs over a real server: from the result that is shown, and from model files."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from orfeas.meshes.export import export
from orfeas.meshes.provenance import Provenance
from orfeas.options import OutputFormat
from orfeas.records import JobKind, Scalar
from tests.meshes.solids import PROVENANCE, box
from tests.running import Running
from tests.ui.page_session import PageSession


@pytest.fixture(scope="module")
def form(server: Running) -> Iterator[PageSession]:
    """A page that files are loaded into, one after the other."""
    form = PageSession(server.url)
    yield form
    form.close()


def load(form: PageSession, folder: Path, provenance: Provenance, ending: str = "glb") -> dict[str, object]:
    """What the page's inputs become when a model is loaded that was made so."""
    path = folder / f"model.{ending}"
    path.write_bytes(export(box(20.0), OutputFormat(ending), provenance))
    form.values["load-settings"] = form.upload(path)
    return form.send("load-settings", "upload")


def test_the_seed_of_the_result_goes_into_its_input(page: PageSession, server: Running) -> None:
    page.send("examples", "select", {"index": "0", "value": "0"})
    page.send("timer", "tick")
    job = server.server.studio.history(server.server.studio.jobs.owner_of(page.session))[0]
    assert page.send("reuse-seed", "click") == {"seed": job.options["seed"]}


def test_a_result_without_a_seed_asks_for_a_random_one(page: PageSession, tmp_path: Path) -> None:
    path = tmp_path / "box.stl"
    path.write_bytes(export(box(20.0), OutputFormat.STL, None))
    page.values["mesh"] = page.upload(path)
    page.send("repair", "click")
    page.send("timer", "tick")
    assert page.send("reuse-seed", "click") == {"seed": -1}


def test_there_is_no_seed_to_take_where_nothing_is_shown(page: PageSession) -> None:
    with pytest.raises(RuntimeError, match="Not found"):
        page.send("reuse-seed", "click")


@pytest.mark.parametrize(
    ("kind", "options", "changed"),
    [
        (
            JobKind.IMAGE_TO_3D,
            {"engine": "inflate", "quality": "high", "size_mm": 42.0, "texture": False, "remove_background": "keep"},
            {"engine": "inflate", "quality": "high", "size-mm": 42, "texture": False, "image-background": "keep"},
        ),
        (
            JobKind.TEXT_TO_3D,
            {"style": "anime", "negative_prompt": "a cat", "picture_steps": 9, "size_px": 512, "seed": 7},
            {"style": "anime", "negative-prompt": "a cat", "picture-steps": 9, "size-px": 512, "seed": 7},
        ),
        (
            JobKind.TEXTURE,
            {"engine": "projection", "size_mm": 42.0, "keep_uv": True, "remove_background": "keep", "seed": 7},
            {
                "texture-engine": "projection",
                "mesh-size-mm": 42,
                "keep-uv": True,
                "front-background": "keep",
                "seed": 7,
            },
        ),
        (
            JobKind.REPAIR,
            {"target_faces": 500, "size_mm": 42.0, "min_part": 0.05, "keep_shells": True, "smooth_steps": 3},
            {"repair-faces": 500, "mesh-size-mm": 42, "min-part": 5, "keep-shells": True, "smooth-steps": 3},
        ),
        (
            JobKind.REPAIR,
            {"remesh": "quads", "lay_flat": True, "printer_mm": "9x9x9", "hollow_mm": 2.0, "drain_holes": 2},
            {
                "remesh": "quads",
                "lay-flat": True,
                "printer-mm": "9x9x9",
                "hollow-mm": 2,
                "drain-holes": 2,
                "min-part": 1,
            },
        ),
    ],
)
def test_the_settings_in_a_file_go_into_the_inputs_of_its_kind_and_into_no_others(
    form: PageSession, tmp_path: Path, kind: JobKind, options: Mapping[str, Scalar], changed: Mapping[str, object]
) -> None:
    assert load(form, tmp_path, replace(PROVENANCE, kind=kind, options=options, prompt="")) == changed


@pytest.mark.parametrize("ending", ["glb", "ply", "3mf"])
def test_settings_and_prompt_come_from_every_format_that_holds_them(
    form: PageSession, tmp_path: Path, ending: str
) -> None:
    assert load(form, tmp_path, PROVENANCE, ending) == {
        "seed": 7,
        "size-mm": 80,
        "texture": True,
        "quality": "draft",
        "prompt": PROVENANCE.prompt,
    }


def test_options_that_the_page_has_no_input_for_are_left_out(form: PageSession, tmp_path: Path) -> None:
    options: dict[str, Scalar] = {"seed": 7, "an_option_to_come": 3, "output_format": "stl"}
    assert load(form, tmp_path, replace(PROVENANCE, options=options, prompt="")) == {"seed": 7}


def test_a_file_without_room_for_settings_is_refused(form: PageSession, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"Invalid mesh.*no room for its settings"):
        load(form, tmp_path, PROVENANCE, "stl")


def test_a_file_without_settings_says_so(form: PageSession, tmp_path: Path) -> None:
    path = tmp_path / "other.glb"
    path.write_bytes(b"glTF")
    form.values["load-settings"] = form.upload(path)
    with pytest.raises(RuntimeError, match="Invalid mesh"):
        form.send("load-settings", "upload")
