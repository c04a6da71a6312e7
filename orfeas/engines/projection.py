"""The ``projection`` texture engine: a preview engine that puts one picture onto a model, without learned weights."""

from dataclasses import replace

from orfeas.devices import DeviceChoice, choose_device, is_out_of_memory
from orfeas.engines.base import ShapeResult, TextureRequest
from orfeas.engines.refusals import refuse_sampling
from orfeas.options import Quality, TextureEngineChoice, TextureOptions, choose_seed
from orfeas.progress import Progress, Stage
from orfeas.readiness import why_not
from orfeas.records import EngineInfo
from orfeas.residence import Tenants

TEXTURE_SIZES = {Quality.DRAFT: 1024, Quality.STANDARD: 2048, Quality.HIGH: 2048, Quality.ULTRA: 4096}
NOTE = "The texture was projected from the picture: what the picture does not show is guessed from its outline."


class Projection:
    """The picture on the front, its outline's colours on the back, both blended on the sides.

    Args:
        device: where it computes; ``auto`` takes the fastest there is, the processor too.
        tenants: who keeps networks on the device.
    """

    name = TextureEngineChoice.PROJECTION
    revision = "1"

    def __init__(self, device: DeviceChoice, tenants: Tenants) -> None:
        self._device: DeviceChoice = device
        self._tenants = tenants

    def info(self) -> EngineInfo:
        """Ready on every machine that has the device asked for; torch is loaded only to look for a GPU asked for."""
        missing = why_not(self._check_device)
        return EngineInfo(
            name=self.name,
            kind="texture",
            title="Projection",
            is_ready=not missing,
            why_not=missing,
            needs="The device that ORFEAS_DEVICE names; any processor where it names none.",
            licence="Apache-2.0, as ORFEAS itself",
            good_for="A quick texture on any model; what the picture does not show is guessed.",
            is_preview=True,
        )

    def _check_device(self) -> None:
        if self._device in ("cuda", "mps"):
            choose_device(self._device)

    def resolve(self, options: TextureOptions) -> TextureOptions:
        """Effective values for what was asked; the seed changes nothing here, and is reported all the same.

        Raises:
            InvalidOption: sampling steps or guidance were set, and this engine samples nothing.
        """
        refuse_sampling(options, "projection")
        return replace(
            options,
            engine=self.name,
            seed=choose_seed(options.seed),
            texture_size=options.texture_size or TEXTURE_SIZES[options.quality],
        )

    def generate(self, request: TextureRequest, progress: Progress) -> ShapeResult:
        """Paint the model; where device memory runs out, once more after other engines' networks were let go.

        Raises:
            Cancelled: within a second of the request.
            InvalidImage: nothing in the picture to paint with.
            InvalidMesh: the mesh cannot be laid out.
        """
        try:
            return self._paint(request, progress)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or not self._tenants.evict_others(self):
                raise
        return self._paint(request, progress)

    def _paint(self, request: TextureRequest, progress: Progress) -> ShapeResult:
        # torch and OpenCV take their time to load, and the first page does not need them.
        from orfeas.textures.material import dress
        from orfeas.textures.projection import paint_projection
        from orfeas.textures.unwrap import lay_out

        options = request.options
        with progress.stage(Stage.UNWRAP):
            layout = lay_out(request.mesh, options.texture_size, options.keep_uv, progress)
        with progress.stage(Stage.TEXTURE):
            device = choose_device(self._device)
            colours = paint_projection(layout, request.cut_out, options.texture_size, device, progress)
            return ShapeResult(dress(layout, colours), (NOTE,))
