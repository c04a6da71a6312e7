"""Engines that the API names and this release does not include; listed so that nobody has to guess."""

from orfeas.options import EngineChoice, TextEngineChoice
from orfeas.records import EngineInfo

WHY_NOT = "this release of ORFEAS does not include it yet"

PLANNED: tuple[EngineInfo, ...] = (
    EngineInfo(
        name=EngineChoice.HUNYUAN,
        kind="shape",
        title="Hunyuan3D-2.1",
        is_ready=False,
        why_not=WHY_NOT,
        needs="A later release of ORFEAS, and the published weights.",
        licence="Tencent Hunyuan 3D 2.1 Community License (not for use in the EU, the UK and South Korea)",
        good_for="True 3D shape from one picture, back included.",
        is_preview=False,
    ),
    EngineInfo(
        name=TextEngineChoice.DIFFUSION,
        kind="text_to_image",
        title="Diffusion",
        is_ready=False,
        why_not=WHY_NOT,
        needs="A later release of ORFEAS, and the weights of a diffusers model.",
        licence="That of the model the operator chooses",
        good_for="A picture of anything you can describe.",
        is_preview=False,
    ),
)
