"""The models that ORFEAS knows: a default one, and a small one.

Sources: the model cards and file lists on the Hugging Face Hub, as mirrored in public indexes, and the pipelines' code
in diffusers 0.42.1. FLUX.2 klein 4B: Apache-2.0, four steps, distilled, so that guidance is ignored and there is no
negative prompt; its transformer is 7.75 GB, its Qwen3 encoder 8.05 GB and its autoencoder 0.17 GB, all safetensors in
bfloat16. LCM Dreamshaper v7: MIT, 4 to 8 steps, made for 768 pixels; its U-Net is 3.44 GB of float32, safetensors. Not
checked, for want of the repositories themselves: that all of its other parts are safetensors (the fetch refuses pickles
and says so), their exact sizes, and how much either takes on a device.
"""

from dataclasses import dataclass

GB = 1e9


@dataclass(frozen=True)
class KnownModel:
    """A published pipeline with values that suit it.

    Attributes:
        repo_id: on the Hugging Face Hub.
        title: as people read it.
        licence: its weights' terms.
        size_bytes: of what is fetched, about.
        device_bytes: the least memory of a device that it is chosen for.
        num_inference_steps: as its authors recommend.
        guidance_scale: as its authors recommend; None where it has none.
        size_px: side of the picture that it was made for.
    """

    repo_id: str
    title: str
    licence: str
    size_bytes: int
    device_bytes: int
    num_inference_steps: int
    guidance_scale: float | None
    size_px: int


# What is sold as 12 GB has 11.6 to 12.9e9 bytes, and as 6 GB 5.9 to 6.4e9.
DEFAULT = KnownModel(
    repo_id="black-forest-labs/FLUX.2-klein-4B",
    title="FLUX.2 klein 4B",
    licence="Apache-2.0",
    size_bytes=15_980_000_000,
    device_bytes=11_000_000_000,
    num_inference_steps=4,
    guidance_scale=None,
    size_px=1024,
)
SMALL = KnownModel(
    repo_id="SimianLuo/LCM_Dreamshaper_v7",
    title="LCM Dreamshaper v7",
    licence="MIT",
    size_bytes=5_490_000_000,
    device_bytes=5_500_000_000,
    num_inference_steps=6,
    guidance_scale=8.0,
    size_px=768,
)
# The better first.
KNOWN = (DEFAULT, SMALL)


def known_model(repo_id: str) -> KnownModel | None:
    """The model of that name, in any letter case."""
    return next((model for model in KNOWN if model.repo_id.lower() == repo_id.lower()), None)


def choose_known(device_kind: str, device_bytes: int) -> KnownModel:
    """The best model for a device with so much memory: on a processor, where every step is long, the small one."""
    if device_kind == "cpu":
        return SMALL
    return next((model for model in KNOWN if model.device_bytes <= device_bytes), SMALL)
