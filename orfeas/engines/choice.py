"""Which engine takes a job, and the sentence that says why."""

from collections.abc import Sequence

from orfeas.engines.base import Remover, ShapeEngine, TextureEngine
from orfeas.errors import EngineUnavailable
from orfeas.options import EngineChoice, RemoverChoice, TextEngineChoice, TextureEngineChoice
from orfeas.records import EngineInfo
from orfeas.text_to_image.base import PictureEngine


def choose_shape_engine(engines: Sequence[ShapeEngine], choice: EngineChoice) -> tuple[ShapeEngine, str]:
    """The engine asked for, or for ``auto`` the first that is ready, and why as a sentence.

    Raises:
        EngineUnavailable: the engine asked for is not ready, or none is.
    """
    index, reason = _choose([engine.info() for engine in engines], choice, choice == EngineChoice.AUTO)
    return engines[index], reason


def choose_texture_engine(engines: Sequence[TextureEngine], choice: TextureEngineChoice) -> tuple[TextureEngine, str]:
    """The engine asked for, or for ``auto`` the first that is ready, and why as a sentence.

    Raises:
        EngineUnavailable: the engine asked for is not ready, or none is.
    """
    index, reason = _choose([engine.info() for engine in engines], choice, choice == TextureEngineChoice.AUTO)
    return engines[index], reason


def choose_picture_engine(engines: Sequence[PictureEngine], choice: TextEngineChoice) -> tuple[PictureEngine, str]:
    """The engine asked for, or for ``auto`` the first that is ready, and why as a sentence.

    Raises:
        EngineUnavailable: the engine asked for is not ready, or none is.
    """
    index, reason = _choose([engine.info() for engine in engines], choice, choice == TextEngineChoice.AUTO)
    return engines[index], reason


def choose_remover(removers: Sequence[Remover], choice: RemoverChoice) -> tuple[Remover, str]:
    """The remover asked for, or for ``auto`` the first that is ready, and why as a sentence.

    Raises:
        EngineUnavailable: the remover asked for is not ready, or none is.
    """
    try:
        index, reason = _choose([remover.info() for remover in removers], choice, choice == RemoverChoice.AUTO)
    except EngineUnavailable as error:
        raise EngineUnavailable(str(error), "remover") from error
    return removers[index], reason


def _choose(infos: Sequence[EngineInfo], choice: str, is_auto: bool) -> tuple[int, str]:
    if not is_auto:
        wanted = next(info for info in infos if info.name == choice)
        if not wanted.is_ready:
            raise EngineUnavailable(f"{wanted.title} cannot run here: {wanted.why_not}. It needs: {wanted.needs}")
        return infos.index(wanted), f"{wanted.title}, as asked."
    missing = "; ".join(f"{info.title} is not ready: {info.why_not}" for info in infos if not info.is_ready)
    for index, info in enumerate(infos):
        if info.is_ready:
            return index, f"{info.title}, because {missing or 'it is the best engine here'}."
    raise EngineUnavailable(f"No engine can run here: {missing}.")
