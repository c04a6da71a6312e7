"""Every recorded case of the texture's UNet, through the loader that reads real checkpoints.

Configuration, sizes, names and tolerances come from the recorded set's manifest (:mod:`tests.paint_set`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from orfeas.engines.hunyuan.paint.config import UnetConfig, read_unet_config
from orfeas.engines.hunyuan.paint.unet import Features, MainStream, PaintContext, ReferenceStream, Row
from orfeas.engines.hunyuan.paint.voxels import Voxels, find_voxels
from orfeas.engines.hunyuan.weights import load_module
from tests.engines.hunyuan.paint.release import write_unet
from tests.paint_set import PAINT_SET, assert_recorded, posmap, randn, weights

CPU = torch.device("cpu")
MOST_LEVELS = 4


@dataclass(frozen=True)
class Unet:
    config: UnetConfig
    main: MainStream
    reference: ReferenceStream


@dataclass(frozen=True)
class Inputs:
    """The rows' own inputs; position maps ``[B, N, 3, S, S]``."""

    sample: Tensor
    controls: Tensor
    references: Tensor
    dino: Tensor
    maps: Tensor


@pytest.fixture(scope="module", params=[".bin", ".safetensors"])
def unet(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unet]:
    folder = tmp_path_factory.mktemp("release")
    checkpoint = write_unet(
        folder, PAINT_SET.manifest["unet"]["config"], weights(PAINT_SET.manifest["unet"]["keys"]), request.param
    )
    config = read_unet_config(checkpoint.with_name("config.json"))
    with torch.inference_mode():
        yield Unet(
            config,
            load_module(lambda: MainStream(config), checkpoint, "unet", CPU, torch.float32),
            load_module(lambda: ReferenceStream(config), checkpoint, "unet_dual", CPU, torch.float32),
        )


def input_of(case: Mapping[str, Any], name: str) -> Tensor:
    entry = case["inputs"][name]
    shape = entry.get("shape") or entry["shape_per_branch"]
    if name == "position_maps":
        rows, views, _, size, _ = shape
        maps = [torch.from_numpy(posmap(f"{entry['name']}/{row}", views, size)) for row in range(rows)]
        value = torch.stack(maps)
    else:
        value = torch.from_numpy(randn(entry["name"], shape))
    return value if "shape" in entry else value.expand(case["B"], *value.shape[1:])


def inputs_of(case: Mapping[str, Any]) -> Inputs:
    controls = torch.cat([input_of(case, "embeds_normal"), input_of(case, "embeds_position")], dim=2)
    return Inputs(
        input_of(case, "sample"),
        controls,
        input_of(case, "ref_latents"),
        input_of(case, "dino"),
        input_of(case, "position_maps"),
    )


def is_guided(case: Mapping[str, Any]) -> bool:
    """Whether it has the reference's three branches, which it fed with 16-bit maps and so changed them in place."""
    return "shape_per_branch" in case["inputs"]["sample"]


def record(unet: Unet, references: Tensor) -> list[Features]:
    return [unet.reference.record(row, unet.main.learned_text_clip_ref) for row in references]


def make_context(unet: Unet, name: str, inputs: Inputs) -> PaintContext:
    case = PAINT_SET.cases[name]
    features = record(unet, inputs.references)
    scales, dino = case.get("ref_scale", 1.0), inputs.dino
    if is_guided(case):
        scales, dino = [0.0, 1.0, 1.0], dino * torch.tensor([0.0, 0.0, 1.0])[:, None, None]
    if not isinstance(scales, list):
        scales = [scales] * len(dino)
    rows = [Row(d, f, s) for d, f, s in zip(dino, features, scales, strict=True)]
    return unet.main.make_context(rows, voxels_of(name, unet, inputs), case.get("mva_scale", 1.0))


def voxels_of(name: str, unet: Unet, inputs: Inputs) -> tuple[Tensor, ...]:
    mode = Voxels.COMPAT if is_guided(PAINT_SET.cases[name]) else Voxels.CLEAN
    size = inputs.sample.shape[-1]
    levels = next((level for level in range(MOST_LEVELS) if (size >> level) % 2), MOST_LEVELS - 1) + 1
    return find_voxels(inputs.maps, size, max(levels, unet.config.levels), mode)


def test_the_release_holds_as_much_as_the_set_says(unet: Unet) -> None:
    tensors = [*unet.main.state_dict().values(), *unet.reference.state_dict().values()]
    assert len(tensors) == PAINT_SET.manifest["unet"]["num_keys"]
    assert sum(tensor.numel() for tensor in tensors) == PAINT_SET.manifest["unet"]["num_params"]


@pytest.mark.parametrize("name", PAINT_SET.names("unet_"))
def test_the_unet_predicts_as_recorded(name: str, unet: Unet) -> None:
    case = PAINT_SET.cases[name]
    inputs = inputs_of(case)
    context = make_context(unet, name, inputs)
    out = unet.main(inputs.sample, inputs.controls, case["timestep"], context)
    assert_recorded(out.flatten(0, 2), f"{name}/out", case)
    if "sample_step2" in case:
        shape = case["inputs"]["sample"]["shape_per_branch"]
        sample = torch.from_numpy(randn(case["sample_step2"], shape)).expand_as(inputs.sample)
        again = unet.main(sample, inputs.controls, case["timestep_step2"], context)
        assert_recorded(again[-1:].flatten(0, 2), f"{name}/out_step2", case)


@pytest.mark.parametrize("name", PAINT_SET.names("unet_"))
def test_voxels_features_and_tokens_are_the_recorded_ones(name: str, unet: Unet) -> None:
    case = PAINT_SET.cases[name]
    inputs = inputs_of(case)
    stored = {key for key in PAINT_SET.stored if key.startswith(f"{name}/")}
    voxels = {f"{name}/voxel_{level.shape[1]}": level for level in voxels_of(name, unet, inputs)}
    for key in stored & set(voxels):
        assert torch.equal(voxels[key][: len(PAINT_SET.tensor(key))], PAINT_SET.tensor(key).long())
    features = record(unet, inputs.references)[0]
    for key in (key for key in stored if key.startswith(f"{name}/cond/")):
        recorded = PAINT_SET.tensor(key)
        seen = features[place_of(key.rpartition("/")[2])][None]
        assert_recorded(seen[:, : recorded.shape[1]], key, case)
    if f"{name}/dino_proj_slice" in stored:
        recorded = PAINT_SET.tensor(f"{name}/dino_proj_slice")
        tokens = unet.main.image_proj_model_dino(inputs.dino[0])[None]
        assert_recorded(tokens[:, : recorded.shape[1], : recorded.shape[2]], f"{name}/dino_proj_slice", case)


def place_of(layer: str) -> str:
    """``down_0_1_0`` and ``mid_0_0`` as our names of places."""
    kind, *numbers, _ = layer.split("_")
    return (
        f"mid_block.attentions.{numbers[0]}" if kind == "mid" else f"{kind}_blocks.{numbers[0]}.attentions.{numbers[1]}"
    )
