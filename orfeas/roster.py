"""The engines of a studio, in order of preference, and which of them take a job.

``auto`` takes the first that is ready; no engine stands in for another unasked.
"""

from dataclasses import replace

from orfeas.apart import Apart
from orfeas.devices import DeviceChoice
from orfeas.engines.base import Remover, ShapeEngine, TextureEngine
from orfeas.engines.birefnet.files import WEIGHTS as REMOVER_WEIGHTS
from orfeas.engines.birefnet.remover import BiRefNet
from orfeas.engines.choice import (
    choose_picture_engine,
    choose_remover,
    choose_shape_engine,
    choose_texture_engine,
)
from orfeas.engines.grabcut import GrabCut
from orfeas.engines.hunyuan.files import WEIGHTS
from orfeas.engines.hunyuan.paint.files import WEIGHTS as PAINT_WEIGHTS
from orfeas.engines.hunyuan.paint.texture import HunyuanPaint
from orfeas.engines.hunyuan.shape import HunyuanShape
from orfeas.engines.inflate import Inflate
from orfeas.engines.projection import Projection
from orfeas.errors import EngineUnavailable, InvalidOption
from orfeas.fetching import Fetchable
from orfeas.hub import WeightSet
from orfeas.options import (
    PICTURE_OPTIONS,
    CutOutOptions,
    PictureOptions,
    RemoveBackground,
    RemoverChoice,
    ShapeOptions,
    TextureEngineChoice,
    TextureOptions,
    WeightsChoice,
)
from orfeas.records import EngineInfo
from orfeas.residence import Tenants
from orfeas.settings import Settings
from orfeas.tasks import ModelTask, PictureTask, TextureTask
from orfeas.text_to_image.base import PictureEngine
from orfeas.text_to_image.diffusion import Diffusion
from orfeas.text_to_image.pictogram import Pictogram


class Roster:
    """Every engine, built once; each method returns a task ready to run, and why those engines were chosen.

    Args:
        settings: where the weights are, and what learned engines run on.
        apart: where meshes are read that somebody sent, and large models saved.
        light_device: what engines run on that do well without a GPU; as ``settings`` say if not given.
    """

    def __init__(self, settings: Settings, apart: Apart, light_device: DeviceChoice | None = None) -> None:
        self._apart = apart
        tenants = Tenants()
        weights, device = settings.weights, settings.device
        shape = HunyuanShape(weights, device, tenants, is_compiled=settings.compile)
        paint = HunyuanPaint(weights, device, tenants)
        diffusion = Diffusion(settings.text_model, weights, device, tenants)
        self.shape: tuple[ShapeEngine, ...] = (shape, Inflate())
        self.texture: tuple[TextureEngine, ...] = (paint, Projection(light_device or device, tenants))
        self.picture: tuple[PictureEngine, ...] = (diffusion, Pictogram())
        birefnet = BiRefNet(weights)
        self.removers: tuple[Remover, ...] = (birefnet, GrabCut())
        self.fetchables = _fetchables(shape, paint, birefnet, diffusion)

    def infos(self) -> tuple[EngineInfo, ...]:
        """Every engine the API names, with ready or why not."""
        return (
            *(engine.info() for engine in self.shape),
            *(engine.info() for engine in self.texture),
            *(engine.info() for engine in self.picture),
            *(remover.info() for remover in self.removers),
        )

    def warm_up(self) -> None:
        """Import now what the first job by a learned engine would wait for, where such an engine is ready."""
        for engine in self.picture:
            info = engine.info()
            if info.is_ready and not info.is_preview:
                engine.resolve(PictureOptions())

    def picture_task(self, prompt: str, options: PictureOptions, seed: int, stem: str) -> tuple[PictureTask, str]:
        """Words to a picture.

        Raises:
            OrfeasError: the engine asked for is not ready, or an option means nothing to it.
        """
        engine, reason = choose_picture_engine(self.picture, options.engine)
        effective = replace(engine.resolve(options), engine=engine.name, seed=seed)
        return PictureTask(effective, engine, stem, prompt, engine.compose(prompt, effective)), reason

    def picture_task_of_model(
        self, prompt: str, options: PictureOptions, seed: int, stem: str
    ) -> tuple[PictureTask, str]:
        """As :meth:`picture_task`, for words to a model, where the picture's options have names of their own.

        Raises:
            OrfeasError: as there, under those names.
        """
        try:
            return self.picture_task(prompt, options, seed, stem)
        except (InvalidOption, EngineUnavailable) as error:
            name = next((name for name, own in PICTURE_OPTIONS.items() if own == error.option), error.option)
            message = str(error) if isinstance(error, EngineUnavailable) else str(error).replace(error.option, name)
            raise type(error)(message, name) from error

    def remover_for(
        self, options: CutOutOptions | ShapeOptions | TextureOptions, has_mask: bool
    ) -> tuple[Remover | None, str]:
        """Who removes the background of a picture, None where nobody is to, and why as a sentence.

        Raises:
            InvalidOption: a mask and another way to cut out were both asked for.
            EngineUnavailable: the remover asked for is not ready.
        """
        if has_mask:
            _refuse_beside_mask(options)
            return None, "Cut-out: by the mask, as asked."
        if options.remove_background is RemoveBackground.NEVER:
            return None, "Cut-out: none, as asked."
        remover, reason = choose_remover(self.removers, options.remover)
        is_sure = options.remove_background is RemoveBackground.ALWAYS
        return remover, f"Cut-out{'' if is_sure else ', where the picture has no transparency of its own'}: {reason}"

    def model_task(self, options: ShapeOptions, seed: int, stem: str, has_mask: bool = False) -> tuple[ModelTask, str]:
        """A picture to a model, painted by an engine of its own where the shape's has no texture.

        Raises:
            OrfeasError: the engine asked for is not ready, or an option means nothing to it.
        """
        remover, cut_out_reason = self.remover_for(options, has_mask)
        task, reason = self._model_task(options, seed, stem)
        effective = replace(task.options, remover=remover.name if remover else RemoverChoice.AUTO)
        return replace(task, options=effective, remover=remover), f"{reason} {cut_out_reason}"

    def _model_task(self, options: ShapeOptions, seed: int, stem: str) -> tuple[ModelTask, str]:
        engine, reason = choose_shape_engine(self.shape, options.engine)
        if not options.texture:
            _refuse_texture_options(options)
        effective = replace(engine.resolve(options), engine=engine.name, seed=seed)
        if not options.texture:
            return ModelTask(replace(effective, texture_size=0), engine, stem, self._apart), reason
        if engine.has_texture and options.texture_engine is TextureEngineChoice.AUTO:
            return ModelTask(effective, engine, stem, self._apart), reason
        asked = TextureOptions(
            engine=options.texture_engine,
            quality=options.quality,
            remove_background=options.remove_background,
            seed=seed,
            texture_size=options.texture_size,
            texture_format=options.texture_format,
        )
        try:
            painter, painter_reason = self._texture_task(asked, seed, stem)
        except EngineUnavailable as error:
            raise EngineUnavailable(str(error), "texture_engine") from error
        texture = painter.options
        effective = replace(effective, texture_engine=texture.engine, texture_size=texture.texture_size)
        return ModelTask(effective, engine, stem, self._apart, painter=painter), f"{reason} Texture: {painter_reason}"

    def texture_task(
        self, options: TextureOptions, seed: int, stem: str, has_mask: bool = False
    ) -> tuple[TextureTask, str]:
        """A mesh and a picture to a painted model.

        Raises:
            OrfeasError: the engine asked for is not ready, or an option means nothing to it.
        """
        remover, cut_out_reason = self.remover_for(options, has_mask)
        task, reason = self._texture_task(options, seed, stem)
        effective = replace(task.options, remover=remover.name if remover else RemoverChoice.AUTO)
        return replace(task, options=effective, remover=remover), f"{reason} {cut_out_reason}"

    def _texture_task(self, options: TextureOptions, seed: int, stem: str) -> tuple[TextureTask, str]:
        engine, reason = choose_texture_engine(self.texture, options.engine)
        effective = replace(engine.resolve(options), engine=engine.name, seed=seed)
        return TextureTask(effective, engine, stem, self._apart), reason


def _fetchables(
    shape: HunyuanShape, paint: HunyuanPaint, remover: BiRefNet, diffusion: Diffusion
) -> tuple[Fetchable, ...]:
    """The weights that can be fetched, by engine and all together."""
    own = (
        Fetchable(WeightsChoice.HUNYUAN_SHAPE, shape.title, WEIGHTS, shape.check_weights, shape.check_device),
        Fetchable(WeightsChoice.HUNYUAN_PAINT, paint.title, PAINT_WEIGHTS, paint.check_weights, paint.check_device),
        Fetchable(WeightsChoice.BIREFNET, remover.title, REMOVER_WEIGHTS, remover.check_weights, remover.check_device),
        Fetchable(
            WeightsChoice.DIFFUSION,
            diffusion.title,
            diffusion.usual_weights,
            diffusion.check_weights,
            diffusion.check_device,
            diffusion.weights,
        ),
    )
    # A model in a folder of the operator's own is nothing to fetch.
    together = tuple(fetchable for fetchable in own if fetchable.weights)

    def check_all() -> None:
        for fetchable in together:
            fetchable.check_weights()

    def needed() -> tuple[WeightSet, ...]:
        return tuple(weights for fetchable in together for weights in fetchable.needed())

    sets = tuple(weights for fetchable in together for weights in fetchable.weights)
    titles = ", ".join(fetchable.title for fetchable in together)
    return (*own, Fetchable(WeightsChoice.ALL, titles, sets, check_all, shape.check_device, needed))


def _refuse_beside_mask(options: CutOutOptions | ShapeOptions | TextureOptions) -> None:
    if options.remove_background is not RemoveBackground.AUTO:
        raise InvalidOption("remove_background cannot be set beside a mask; leave it at auto.", "remove_background")
    if options.remover is not RemoverChoice.AUTO:
        raise InvalidOption("remover cannot be set beside a mask; leave it at auto.", "remover")


def _refuse_texture_options(options: ShapeOptions) -> None:
    if options.texture_size != 0:
        raise InvalidOption("texture_size cannot be set where texture is false; leave it at 0.", "texture_size")
    if options.texture_engine is not TextureEngineChoice.AUTO:
        raise InvalidOption("texture_engine cannot be set where texture is false; leave it at auto.", "texture_engine")
