from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from orfeas.engines.base import ShapeResult, TextureRequest
from orfeas.engines.projection import NOTE, TEXTURE_SIZES, Projection
from orfeas.errors import Cancelled, InvalidImage, InvalidMesh, InvalidOption
from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.stats import measure
from orfeas.options import Quality, TextureEngineChoice, TextureOptions
from orfeas.progress import Progress, Stage, Step
from orfeas.residence import Tenants
from orfeas.textures.projection import paint_projection

ENGINE = Projection("cpu", Tenants())
RED = Image.new("RGBA", (64, 64), (200, 30, 30, 255))


def request(mesh: trimesh.Trimesh | None = None, picture: Image.Image = RED, keep_uv: bool = False) -> TextureRequest:
    options = ENGINE.resolve(TextureOptions(texture_size=128, keep_uv=keep_uv))
    return TextureRequest(mesh or trimesh.creation.icosphere(2, 20.0), picture, options)


def paint(asked: TextureRequest, progress: Progress | None = None) -> ShapeResult:
    return ENGINE.generate(asked, progress or Progress())


def test_a_mesh_wears_the_pictures_colour_all_around() -> None:
    texture = appearance_of(paint(request()).mesh).texture
    assert texture is not None
    assert np.abs(np.asarray(texture.convert("RGB")).astype(int) - (200, 30, 30)).max() <= 2


def test_the_shape_stays_and_the_result_says_what_it_is() -> None:
    asked = request()
    result = paint(asked)
    before, after = measure(asked.mesh), measure(result.mesh)
    assert (after.faces, after.is_watertight) == (before.faces, True)
    assert after.volume_mm3 == pytest.approx(before.volume_mm3)
    assert result.notes == (NOTE,)


def test_its_stages_are_told() -> None:
    progress = Progress()
    paint(request(), progress)
    assert list(progress.timings_s) == [Stage.UNWRAP, Stage.TEXTURE]


@pytest.mark.parametrize("stage", [Stage.UNWRAP, Stage.TEXTURE])
def test_it_stops_in_every_stage(stage: Stage) -> None:
    steps: list[Step] = []
    with pytest.raises(Cancelled):
        paint(request(), Progress(steps.append, is_cancelled=lambda: bool(steps) and steps[-1].stage is stage))
    assert steps[-1].stage is stage


def test_own_uvs_that_are_not_there_are_missed() -> None:
    with pytest.raises(InvalidMesh, match="no UVs of its own"):
        paint(request(keep_uv=True))


def test_a_clear_picture_is_refused() -> None:
    with pytest.raises(InvalidImage):
        paint(request(picture=Image.new("RGBA", (64, 64))))


@pytest.mark.parametrize(("name", "value"), [("num_inference_steps", 5), ("guidance_scale", 3.0)])
def test_what_it_has_no_use_for_is_refused(name: str, value: float) -> None:
    with pytest.raises(InvalidOption, match=f"{name} cannot be set: the engine projection"):
        ENGINE.resolve(replace(TextureOptions(), **{name: value}))  # type: ignore[arg-type]  # one of its fields


@pytest.mark.parametrize("quality", list(Quality))
def test_a_quality_fills_in_the_size(quality: Quality) -> None:
    options = ENGINE.resolve(TextureOptions(quality=quality))
    assert (options.engine, options.texture_size) == (TextureEngineChoice.PROJECTION, TEXTURE_SIZES[quality])


def test_it_is_ready_everywhere_but_on_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Projection("auto", Tenants()).info().is_ready
    assert Projection("auto", Tenants()).info().is_preview
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "ORFEAS_DEVICE is cuda" in Projection("cuda", Tenants()).info().why_not


def test_where_memory_runs_out_other_engines_networks_go_and_it_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tenants, tries = Tenants(), [0]
    released: list[bool] = []

    def release() -> bool:
        released.append(True)
        return True

    tenants.add(object(), release)

    def scarce(*values: object) -> object:
        tries[0] += 1
        if tries[0] == 1:
            torch.empty(2**55, dtype=torch.int8)
        return paint_projection(*values)  # type: ignore[arg-type]  # whatever it takes

    monkeypatch.setattr("orfeas.textures.projection.paint_projection", scarce)
    assert Projection("cpu", tenants).generate(request(), Progress()).notes == (NOTE,)
    assert released == [True]


def test_where_nothing_can_go_the_want_of_memory_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orfeas.textures.projection.paint_projection", lambda *_: torch.empty(2**55, dtype=torch.int8))
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        paint(request())
