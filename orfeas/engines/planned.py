"""Engines that the API names and this release does not include; listed so that nobody has to guess."""

from orfeas.options import TextEngineChoice
from orfeas.records import EngineInfo

WHY_NOT = "this release of ORFEAS does not include it yet"

PLANNED: tuple[EngineInfo, ...] = (
    EngineInfo(
        name=TextEngineChoice.DIFFUSION,
        kind="text_to_image",
        title="Diffusion",
        is_ready=False,
        why_not=WHY_NOT,
        needs="a later release of ORFEAS, and the weights of a diffusers model.",
        licence="That of the model the operator chooses",
        good_for="A picture of anything you can describe.",
        is_preview=False,
    ),
)
