"""Painted views at the size they are baked at: by Real-ESRGAN where its weights are, or else resampled."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import torch
from PIL import Image

from orfeas.checkpoints import damaged
from orfeas.engines.hunyuan.paint.pictures import to_pictures, to_values
from orfeas.engines.hunyuan.paint.pipeline import PaintedViews
from orfeas.engines.hunyuan.paint.rrdb import SCALE, RrdbConfig, RrdbNet, read_rrdb_config
from orfeas.engines.hunyuan.weights import load_module, read_shapes
from orfeas.progress import Progress

# The published checkpoint holds its tensors under this name; a converted one may hold them bare.
PARTS = ("params_ema", "params", "")
# Pixels a side of what the network is given at once, and how many around them it sees besides; specification §10
# asks for 10 or more.
TILE_PX, OVERLAP_PX = 256, 16

BY_NETWORK = "The colours were enlarged by Real-ESRGAN."
BY_RESAMPLING = (
    "The colours were enlarged by resampling: RealESRGAN_x4plus.pth is not among the weights, and makes them sharper."
)


@dataclass(frozen=True)
class EnlargedViews:
    """The views at their new size, and a sentence that says how the colours came to it."""

    views: PaintedViews
    note: str


def load_enlarger(checkpoint: Path, device: torch.device, dtype: torch.dtype) -> RrdbNet:
    """Real-ESRGAN on a device.

    Raises:
        EngineUnavailable: the checkpoint is damaged, or is of another network.
    """
    for part in PARTS:
        shapes = read_shapes(checkpoint, part)
        config = read_rrdb_config(shapes.items())
        if config is not None:
            return _load(checkpoint, part, config, device, dtype)
    raise damaged(checkpoint, "it is not RealESRGAN_x4plus")


def _load(checkpoint: Path, part: str, config: RrdbConfig, device: torch.device, dtype: torch.dtype) -> RrdbNet:
    return load_module(lambda: RrdbNet(config), checkpoint, part, device, dtype)


def enlarge_views(views: PaintedViews, network: RrdbNet | None, size_px: int, progress: Progress) -> EnlargedViews:
    """The views at ``size_px`` a side.

    Only colours go through the network, which knows photographs; metallic and roughness are resampled.

    Args:
        views: square pictures.
        network: Real-ESRGAN on its device; ``None`` resamples the colours too.
        size_px: a side of what comes back.
        progress: gets a step for each picture; a stage must be open.

    Raises:
        Cancelled: between two pictures, or two tiles of one.
    """
    total = len(views.albedo) + len(views.metallic_roughness)
    albedo, metallic_roughness = [], []
    for done, picture in enumerate(views.albedo):
        progress.step(done, total)
        larger = picture if network is None else enlarge(picture, network, progress.check)
        albedo.append(_resample(larger, size_px))
    for done, picture in enumerate(views.metallic_roughness, len(albedo)):
        progress.step(done, total)
        metallic_roughness.append(_resample(picture, size_px))
    progress.step(total, total)
    return EnlargedViews(PaintedViews(albedo, metallic_roughness), BY_RESAMPLING if network is None else BY_NETWORK)


@torch.inference_mode()
def enlarge(picture: Image.Image, network: RrdbNet, check: Callable[[], None] = lambda: None) -> Image.Image:
    """An RGB picture with four times as many pixels a side, a tile at a time.

    Args:
        picture: RGB.
        network: on its device.
        check: called before each tile; what it raises stops the work.
    """
    weight = network.conv_first.weight
    x = to_values(picture)[None]
    out = torch.empty(1, 3, SCALE * picture.height, SCALE * picture.width)
    corners = product(range(0, picture.height, TILE_PX), range(0, picture.width, TILE_PX))
    for top, left in corners:
        check()
        y0, x0 = max(top - OVERLAP_PX, 0), max(left - OVERLAP_PX, 0)
        tile = x[:, :, y0 : top + TILE_PX + OVERLAP_PX, x0 : left + TILE_PX + OVERLAP_PX]
        larger = network(tile.to(weight)).to("cpu", torch.float32)
        rows = slice(SCALE * (top - y0), SCALE * (top - y0 + TILE_PX))
        columns = slice(SCALE * (left - x0), SCALE * (left - x0 + TILE_PX))
        inner = larger[:, :, rows, columns]
        out[:, :, SCALE * top : SCALE * top + inner.shape[2], SCALE * left : SCALE * left + inner.shape[3]] = inner
    return to_pictures(out)[0]


def _resample(picture: Image.Image, size_px: int) -> Image.Image:
    if picture.size == (size_px, size_px):
        return picture
    return picture.resize((size_px, size_px), Image.Resampling.LANCZOS)
