"""The recorded meshes of the reference set: closed-form fields, and the smooth blob of the replaced decoder."""

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trimesh
from safetensors.torch import load_file
from torch import Tensor

from orfeas.engines.hunyuan.surface import extract_surface
from orfeas.engines.hunyuan.volume import COARSE_CELLS, Field, decode_volume
from orfeas.progress import Progress, Stage
from tests.engines.hunyuan.fields import sphere, torus, two_balls

FOLDER = Path(os.environ.get("ORFEAS_GOLDEN_SHAPE") or Path(__file__).parents[2] / "golden" / "shape")
MANIFEST = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))
CASES: dict[str, Any] = {case["name"]: case for case in MANIFEST["cases"]}
ANALYTIC: dict[str, Field] = {"sphere": sphere, "torus": torus, "two_balls": two_balls}


def meshes_of(name: str) -> list[Any]:
    """The recorded meshes of a case; none where the set lacks it."""
    records = CASES[name]["params"]["meshes"] if name in CASES else []
    return [pytest.param(record, id=f"{record.get('field', name)}-{record['octree_resolution']}") for record in records]


def mesh_of(field: Field, record: dict[str, Any], coarse_cells: int = COARSE_CELLS) -> trimesh.Trimesh:
    progress = Progress()
    with progress.stage(Stage.SURFACE):
        volume = decode_volume(
            field,
            record["octree_resolution"],
            progress,
            level=record["mc_level"],
            bounds=record["bounds"],
            coarse_cells=coarse_cells,
        )
    return extract_surface(volume)[0].mesh


def assert_is_recorded(mesh: trimesh.Trimesh, record: dict[str, Any], slack: int) -> None:
    assert abs(len(mesh.vertices) - record["vertices"]) <= slack
    assert abs(len(mesh.faces) - record["faces"]) <= slack
    assert mesh.euler_number == record["euler_number"]
    assert mesh.is_watertight == record["watertight"]
    expected = [record["sample_exact_bbox_min"], record["sample_exact_bbox_max"]]
    assert np.allclose(mesh.bounds, expected, rtol=0, atol=1e-4)
    assert mesh.area == pytest.approx(record["sample_exact_area"], rel=1e-3)
    assert mesh.volume == pytest.approx(record["sample_exact_volume"], rel=1e-3)


def smooth_field() -> Field:
    """The decoder with the stored replacements: attention and MLP add nothing, so it is two maps and a norm (§7)."""
    tensors = load_file(FOLDER / "io.safetensors")
    prefix = "smooth.override.geo_decoder."
    into, offset = tensors[f"{prefix}query_proj.weight"], tensors[f"{prefix}query_proj.bias"]
    gain, out = tensors.get(f"{prefix}ln_post.weight"), tensors[f"{prefix}output_proj.weight"]
    vae = MANIFEST["config"]["vae"]["params"]
    frequencies = 2.0 ** torch.arange(vae["num_freqs"]) * (math.pi if vae.get("include_pi", True) else 1.0)

    def field(points: Tensor) -> Tensor:
        angles = (points[..., None] * frequencies).flatten(-2)
        x = torch.cat([points, angles.sin(), angles.cos()], dim=-1) @ into.T + offset
        if gain is not None:
            x = torch.nn.functional.layer_norm(x, gain.shape, gain, eps=1e-5)
        return (x @ out.T)[..., 0]

    return field


@pytest.mark.parametrize("record", meshes_of("analytic"))
def test_a_closed_form_field_gives_the_recorded_mesh(record: dict[str, Any]) -> None:
    assert_is_recorded(mesh_of(ANALYTIC[record["field"]], record), record, slack=2)


@pytest.mark.parametrize("record", meshes_of("smooth"))
def test_the_smooth_blob_gives_the_recorded_mesh(record: dict[str, Any]) -> None:
    assert_is_recorded(mesh_of(smooth_field(), record), record, slack=0)


@pytest.mark.parametrize("record", meshes_of("smooth"))
def test_the_smooth_blob_is_the_same_from_coarser_levels(record: dict[str, Any]) -> None:
    assert_is_recorded(mesh_of(smooth_field(), record, coarse_cells=16), record, slack=0)


def test_the_smooth_blob_has_the_recorded_values() -> None:
    tensors, case = load_file(FOLDER / "io.safetensors"), CASES["smooth"]
    got, want = smooth_field()(tensors["smooth.queries"]), tensors["smooth.logits"]
    assert torch.allclose(got, want.view_as(got), rtol=case["rtol"], atol=case["atol"])
