"""The recorded run from pictures to final latents, through files of the published layout."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from orfeas.engines.hunyuan.paint.config import PaintConfig, read_schedule_config, read_unet_config, read_vae_config
from orfeas.engines.hunyuan.paint.files import PaintFiles, PartFiles
from orfeas.engines.hunyuan.paint.guidance import guide
from orfeas.engines.hunyuan.paint.networks import PaintNetworks
from orfeas.engines.hunyuan.paint.pictures import prepare_reference, to_pictures, to_unit
from orfeas.engines.hunyuan.paint.pipeline import encode_controls, make_contexts
from orfeas.engines.hunyuan.paint.plan import Placement, Plan
from orfeas.engines.hunyuan.paint.sampler import Solver, predict, sample_views
from orfeas.engines.hunyuan.paint.unet import PaintContext
from orfeas.engines.hunyuan.paint.voxels import Voxels, find_voxels
from orfeas.progress import Progress, Stage
from tests.engines.hunyuan.paint.release import write_part, write_unet
from tests.paint_set import PAINT_SET, assert_recorded, image_u8, posmap, randn, weight, weights

CASE: Any = PAINT_SET.cases["loop"]
SIZE, VIEWS, GUIDANCE = CASE["size"], CASE["n_views"], CASE["guidance"]
LATENT_SIZE = SIZE // 8
OLD = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PaintNetworks]:
    folder = tmp_path_factory.mktemp("release")
    manifest = PAINT_SET.manifest
    unet = write_unet(folder, manifest["unet"]["config"], weights(manifest["unet"]["keys"]), ".bin")
    vae = write_part(folder / "vae", "diffusion_pytorch_model", manifest["vae"]["config"], vae_tensors(), ".bin")
    schedule = folder / "scheduler_config.json"
    schedule.write_text(json.dumps(CASE["scheduler"]), encoding="utf-8")
    files = PaintFiles(
        unet=PartFiles(unet.with_name("config.json"), unet),
        vae=PartFiles(vae.with_name("config.json"), vae),
        schedule=schedule,
        dino=PartFiles(Path("none"), Path("none")),
    )
    config = PaintConfig(
        read_unet_config(files.unet.config), read_vae_config(files.vae.config), read_schedule_config(schedule)
    )
    with torch.inference_mode():
        yield PaintNetworks(files, config, torch.device("cpu"), torch.float32, Plan(Placement.RESIDENT, 0))


def vae_tensors() -> dict[str, Tensor]:
    """With the attention's names as the published file has them."""
    tensors = {}
    for key, shape in PAINT_SET.manifest["vae"]["keys_prefixed"].items():
        name = key.removeprefix("vae.")
        for new, old in OLD.items():
            name = name.replace(new, old)
        tensors[name] = weight(key, shape)
    return tensors


def position_maps() -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
    maps = posmap(PAINT_SET.own("loop/position"), VIEWS, SIZE).transpose(0, 2, 3, 1)
    return list(np.round(255 * maps).astype(np.uint8))


def normal_maps() -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
    maps = []
    for view, position in enumerate(position_maps()):
        normal = image_u8(PAINT_SET.own(f"loop/normal/{view}"), SIZE)
        normal[(position == 255).all(axis=2)] = 255
        maps.append(normal)
    return maps


def conditions(networks: PaintNetworks, mode: Voxels, is_split: bool) -> tuple[Tensor, Tensor, list[PaintContext]]:
    """Latents of the reference, those of the controls, and the contexts."""
    picture = prepare_reference(Image.fromarray(image_u8(PAINT_SET.own("loop/ref"), SIZE)), SIZE)
    reference = networks.autoencoder().encode(to_unit([picture], SIZE))
    positions = to_unit(position_maps(), SIZE)
    controls = encode_controls(networks, to_unit(normal_maps(), SIZE), positions, mode, Progress())
    features = networks.reference().record(reference, networks.reference_text())
    cells = find_voxels(positions[None], LATENT_SIZE, networks.config.unet.levels, mode)
    states = torch.from_numpy(randn(PAINT_SET.own("loop/dino"), recipe_shape("dino")))[0]
    contexts = make_contexts(networks.painter(), states, features, cells, GUIDANCE, is_split=is_split)
    return reference, controls, contexts


def recipe_shape(name: str) -> tuple[int, ...]:
    """The shape that a recipe ``randn(name,(1,2,3))`` says."""
    numbers = CASE["inputs"][name].partition(",(")[2].partition(")")[0]
    return tuple(int(number) for number in numbers.split(","))


def noise() -> Tensor:
    latents = torch.from_numpy(randn(PAINT_SET.own("loop/latents"), recipe_shape("latents")))
    return latents.view(2, VIEWS, *latents.shape[1:])


@pytest.mark.parametrize("is_split", [False, True])
@pytest.mark.parametrize("mode", Voxels)
def test_pictures_become_the_recorded_latents(networks: PaintNetworks, mode: Voxels, is_split: bool) -> None:
    name, progress = f"loop_{mode}", Progress()
    reference, controls, contexts = conditions(networks, mode, is_split)
    encoded = {"ref_latents": reference[None], "embeds_normal": controls[None, :, :4]}
    encoded["embeds_position"] = controls[None, :, 4:]
    for key in set(PAINT_SET.stored) & {f"{name}/{part}" for part in encoded}:
        assert_recorded(encoded[key.rpartition("/")[2]], key, CASE)
    solver = Solver(networks.config.schedule, CASE["steps"])
    assert solver.timesteps == CASE["timesteps"]
    with progress.stage(Stage.TEXTURE):
        without, whole = predict(networks.painter(), noise(), controls, solver.timesteps[0], contexts, progress)
        first = guide(without, whole, GUIDANCE)
        assert_recorded(first.flatten(0, 1), f"{name}/pred_step0", CASE)
        latents = sample_views(networks.painter(), noise(), controls, contexts, solver, GUIDANCE, progress)
    assert_recorded(latents.flatten(0, 1), f"{name}/final_latents", CASE)
    if f"{name}/decoded_u8" in PAINT_SET.stored:
        last = np.asarray(to_pictures(networks.autoencoder().decode(latents[-1, -1:]))[0])[::2, ::2]
        difference = np.abs(last.astype(int) - PAINT_SET.array(f"{name}/decoded_u8"))
        assert difference.max() <= 1


@pytest.mark.parametrize("mode", Voxels)
def test_the_first_step_of_the_solver_is_the_recorded_one(networks: PaintNetworks, mode: Voxels) -> None:
    solver = Solver(networks.config.schedule, CASE["steps"])
    prediction = PAINT_SET.tensor(f"loop_{mode}/pred_step0").view(noise().shape)
    stepped = solver.step(prediction, solver.timesteps[0], noise())
    assert_recorded(stepped.flatten(0, 1), f"loop_{mode}/latents_step0", CASE)
