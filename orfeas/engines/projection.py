"""The ``projection`` texture engine: a preview engine that puts one picture onto a model, without learned weights."""

from dataclasses import replace

from orfeas.devices import DeviceChoice, choose_device
from orfeas.engines.base import ShapeResult, TextureRequest
from orfeas.engines.refusals import refuse_sampling
from orfeas.errors import EngineUnavailable
from orfeas.options import Quality, TextureEngineChoice, TextureOptions, choose_seed
from orfeas.progress import Progress, Stage
from orfeas.records import EngineInfo

TEXTURE_SIZES = {Quality.DRAFT: 1024, Quality.STANDARD: 2048, Quality.HIGH: 2048, Quality.ULTRA: 4096}
NOTE = "The texture was projected from the picture: what the picture does not show is guessed from its outline."


class Projection:
    """The picture on the front, its outline's colours on the back, both blended on the sides.

    Args:
        device: where it computes; ``auto`` takes the fastest there is, the processor too.
    """

    name = TextureEngineChoice.PROJECTION
    revision = "1"

    def __init__(self, device: DeviceChoice) -> None:
        self._device: DeviceChoice = device

    def info(self) -> EngineInfo:
        """Ready on every machine that has the device asked for; torch is loaded only to look for a GPU asked for."""
        try:
            if self._device in ("cuda", "mps"):
                choose_device(self._device)
            why_not = ""
        except EngineUnavailable as error:
            why_not = str(error).rstrip(".")
        return EngineInfo(
            name=self.name,
            kind="texture",
            title="Projection",
            is_ready=not why_not,
            why_not=why_not,
            needs="Nothing besides ORFEAS; it runs on any processor.",
            licence="Apache-2.0, as ORFEAS itself",
            good_for="A quick texture on any model; what the picture does not show is guessed.",
            is_preview=True,
        )

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
        """Paint the model.

        Raises:
            Cancelled: within a second of the request.
            InvalidImage: nothing in the picture to paint with.
            InvalidMesh: the mesh cannot be laid out.
        """
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
