"""The texture's networks on a device, as a plan lays them out."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from orfeas.devices import release_memory
from orfeas.engines.hunyuan.conditioner import Dino
from orfeas.engines.hunyuan.paint.autoencoder import OLD_NAMES, PictureAutoencoder
from orfeas.engines.hunyuan.paint.config import PaintConfig
from orfeas.engines.hunyuan.paint.files import PaintFiles
from orfeas.engines.hunyuan.paint.plan import Placement, Plan
from orfeas.engines.hunyuan.paint.unet import MainStream, ReferenceStream
from orfeas.engines.hunyuan.weights import load_module, load_tensor

Module = TypeVar("Module", bound=nn.Module)

# The parts of the file with both streams, and the reference's text, which is with the main one.
MAIN_PART, REFERENCE_PART, REFERENCE_TEXT = "unet", "unet_dual", "learned_text_clip_ref"


class PaintNetworks:
    """The four networks, brought to the device as the plan says and kept there as long as it allows.

    Attributes:
        files: where they are read from.
        config: what they are.
        device: where they run.
        dtype: type of their weights; the autoencoder's is float32 where this is bfloat16, which is too coarse for it.
        plan: how they share the device's memory.
    """

    def __init__(
        self, files: PaintFiles, config: PaintConfig, device: torch.device, dtype: torch.dtype, plan: Plan
    ) -> None:
        self.files, self.config, self.plan = files, config, plan
        self.device, self.dtype = device, dtype
        self._loaded: dict[type[nn.Module], nn.Module] = {}

    def dino(self) -> Dino:
        """The reference's encoder."""
        return self._take(Dino, lambda: Dino(self.config.dino), self.files.dino.checkpoint, "", self.dtype)

    def autoencoder(self) -> PictureAutoencoder:
        """Pictures to latents and back."""
        dtype = torch.float32 if self.dtype is torch.bfloat16 else self.dtype
        checkpoint = self.files.vae.checkpoint
        return self._take(
            PictureAutoencoder, lambda: PictureAutoencoder(self.config.vae), checkpoint, "", dtype, OLD_NAMES
        )

    def reference(self) -> ReferenceStream:
        """The stream that reads the reference."""
        checkpoint = self.files.unet.checkpoint
        return self._take(
            ReferenceStream, lambda: ReferenceStream(self.config.unet), checkpoint, REFERENCE_PART, self.dtype
        )

    def reference_text(self) -> Tensor:
        """The text ``[77, D]`` that the reference is read with."""
        return load_tensor(self.files.unet.checkpoint, MAIN_PART, REFERENCE_TEXT, self.device, self.dtype)

    def painter(self) -> MainStream:
        """The stream that is sampled."""
        checkpoint = self.files.unet.checkpoint
        return self._take(MainStream, lambda: MainStream(self.config.unet), checkpoint, MAIN_PART, self.dtype)

    def held_bytes(self) -> int:
        """What is on the device now."""
        return sum(p.nbytes for module in self._loaded.values() for p in module.parameters())

    def release(self) -> None:
        """Take everything off the device."""
        self._loaded.clear()
        release_memory(self.device)

    def _take(
        self,
        kind: type[Module],
        make: Callable[[], Module],
        checkpoint: Path,
        part: str,
        dtype: torch.dtype,
        renamed: Mapping[str, str] | None = None,
    ) -> Module:
        if kind not in self._loaded:
            if self.plan.placement is not Placement.RESIDENT:
                self.release()
            self._loaded[kind] = load_module(make, checkpoint, part, self.device, dtype, renamed=renamed)
        module = self._loaded[kind]
        assert isinstance(module, kind)
        return module
