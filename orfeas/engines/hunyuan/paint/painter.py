"""The texture's learned half as the engine uses it: painted views of a mesh, in whatever memory there is."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orfeas.devices import DeviceChoice, choose_device, choose_published_dtype, free_bytes
from orfeas.engines.hunyuan.paint.files import find_paint_weights, find_super_resolution
from orfeas.engines.hunyuan.stepping import run_within_memory
from orfeas.errors import EngineUnavailable, OutOfMemory
from orfeas.progress import Progress

if TYPE_CHECKING:
    import torch
    from PIL import Image

    from orfeas.engines.hunyuan.paint.enlarge import EnlargedViews
    from orfeas.engines.hunyuan.paint.networks import PaintNetworks
    from orfeas.engines.hunyuan.paint.pictures import Picture
    from orfeas.engines.hunyuan.paint.pipeline import PaintedViews, PaintOptions

LOGGER = logging.getLogger(__name__)

GB = 1e9


@dataclass(frozen=True)
class PaintResult:
    """Painted views, and sentences for the user about what happened on the way."""

    views: PaintedViews
    notes: tuple[str, ...] = ()


class Painter:
    """Hunyuan3D-2.1's texture networks, kept on the device between jobs where there is room.

    Args:
        weights: the operator's folder of weights; the Hugging Face cache where ``None``.
        device: where to run; ``auto`` takes a GPU and nothing else, since a processor takes hours.
    """

    def __init__(self, weights: Path | None, device: DeviceChoice) -> None:
        self._weights = weights
        self._device: DeviceChoice = device
        self._networks: PaintNetworks | None = None

    def why_not(self) -> str:
        """Why it cannot run here, without a full stop; empty where it can. Loads no weights."""
        try:
            find_paint_weights(self._weights)
            find_super_resolution(self._weights)
            self._choose_device()
        except EngineUnavailable as error:
            return str(error).rstrip(".")
        return ""

    def paint(
        self,
        reference: Image.Image,
        normal_maps: Sequence[Picture],
        position_maps: Sequence[Picture],
        options: PaintOptions,
        progress: Progress,
    ) -> PaintResult:
        """Paint what a mesh shows to several cameras; see :func:`paint_views`. Running out of memory steps down.

        Raises:
            Cancelled: within a step.
            EngineUnavailable: the weights or the device are not there.
            OutOfMemory: device memory ran out with the smallest layout too.
        """
        from orfeas.engines.hunyuan.paint.pipeline import paint_views

        def work(networks: PaintNetworks) -> PaintedViews:
            return paint_views(networks, reference, normal_maps, position_maps, options, progress)

        def step_down(networks: PaintNetworks) -> PaintNetworks | None:
            return self._step_down(networks, len(normal_maps), options.view_size)

        begun = self._prepare(len(normal_maps), options.view_size)
        views, networks = run_within_memory(begun, work, step_down)
        if networks is begun:
            return PaintResult(views)
        # The next job asks anew how much memory there is.
        self.release()
        note = f"Device memory ran out, so the views were painted again with less: {networks.plan.sentence}."
        return PaintResult(views, (note,))

    def enlarge(self, views: PaintedViews, size_px: int, progress: Progress) -> EnlargedViews:
        """The views at ``size_px`` a side; see :func:`enlarge_views`.

        Raises:
            Cancelled: between two tiles of a picture.
            EngineUnavailable: Real-ESRGAN's weights are damaged.
        """
        from orfeas.engines.hunyuan.paint.enlarge import enlarge_views, load_enlarger
        from orfeas.engines.hunyuan.paint.plan import Placement

        checkpoint = find_super_resolution(self._weights)
        if checkpoint is None:
            return enlarge_views(views, None, size_px, progress)
        if self._networks is not None and self._networks.plan.placement is not Placement.RESIDENT:
            self.release()
        device = self._choose_device()
        network = load_enlarger(checkpoint, device, choose_published_dtype(device, 0))
        return enlarge_views(views, network, size_px, progress)

    def release(self) -> None:
        """Take the networks off the device; the next job brings them back."""
        if self._networks is not None:
            networks, self._networks = self._networks, None
            networks.release()

    def _choose_device(self) -> torch.device:
        device = choose_device(self._device)
        if self._device == "auto" and device.type == "cpu":
            raise EngineUnavailable(
                "No GPU was found; set ORFEAS_DEVICE=cpu to let it run on the processor, which takes very long."
            )
        return device

    def _prepare(self, views: int, view_size: int) -> PaintNetworks:
        """The networks of the last job where they fit, or new ones laid out by the memory that is free now."""
        from orfeas.engines.hunyuan.paint.config import read_paint_config
        from orfeas.engines.hunyuan.paint.networks import PaintNetworks
        from orfeas.engines.hunyuan.paint.plan import make_plans, measure

        files = find_paint_weights(self._weights)
        if self._networks is not None and self._networks.files != files:
            self.release()
        device, config = self._choose_device(), read_paint_config(files)
        free = free_bytes(device) + (self._networks.held_bytes() if self._networks else 0)
        dtype = choose_published_dtype(device, measure(config).total)
        plans = make_plans(config, views, view_size, dtype)
        plan = next((plan for plan in plans if plan.needed_bytes <= free), None)
        if plan is None:
            raise OutOfMemory(
                f"{views} views of {view_size} pixels need about {plans[-1].needed_bytes / GB:.1f} GB of memory on "
                f"{device.type}, and {free / GB:.1f} GB are free. Close other programs, or choose a lower quality."
            )
        if self._networks is not None and self._networks.plan.placement == plan.placement:
            return self._networks
        self.release()
        LOGGER.info("hunyuan3d-2.1 paints on %s in %s: %s", device, dtype, plan.sentence)
        self._networks = PaintNetworks(files, config, device, dtype, plan)
        return self._networks

    def _step_down(self, networks: PaintNetworks, views: int, view_size: int) -> PaintNetworks | None:
        """The same networks laid out by the next plan."""
        from orfeas.engines.hunyuan.paint.networks import PaintNetworks
        from orfeas.engines.hunyuan.paint.plan import make_plans

        self.release()
        plans = make_plans(networks.config, views, view_size, networks.dtype)
        number = networks.plan.placement + 1
        if number == len(plans):
            return None
        self._networks = PaintNetworks(networks.files, networks.config, networks.device, networks.dtype, plans[number])
        return self._networks
