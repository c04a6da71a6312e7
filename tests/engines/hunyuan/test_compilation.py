"""The compiled denoiser against the eager one; needs the C++ compiler that CI machines have."""

from collections.abc import Iterator

import pytest
import torch
from torch._inductor import config as inductor_config

from orfeas.engines.hunyuan.compilation import compile_blocks, compiler_explained
from orfeas.engines.hunyuan.config import DenoiserConfig, SchedulerConfig
from orfeas.engines.hunyuan.sampler import Guidance, draw_noise, make_schedule, sample
from orfeas.errors import EngineUnavailable
from orfeas.progress import Progress, Stage
from tests.engines.hunyuan.networks import make_denoiser

CONFIG = DenoiserConfig(
    in_channels=4, hidden_size=32, context_dim=24, depth=3, num_heads=2, num_moe_layers=1, num_experts=3
)
TOKENS = torch.randn(1, 7, 24, generator=torch.Generator().manual_seed(1))


@pytest.fixture(autouse=True)
def nothing_compiled() -> Iterator[None]:
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def latents(is_compiled: bool) -> torch.Tensor:
    denoiser = make_denoiser(CONFIG)
    if is_compiled:
        compile_blocks(denoiser)
    progress = Progress()
    with progress.stage(Stage.SHAPE), torch.inference_mode(), compiler_explained():
        schedule = make_schedule(3, SchedulerConfig())
        return sample(denoiser, TOKENS, draw_noise(3, 6, 4), schedule, Guidance(5.0), progress).latents


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, while it traces
def test_the_compiled_denoiser_gives_what_the_eager_one_gives() -> None:
    assert torch.allclose(latents(is_compiled=True), latents(is_compiled=False), atol=1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_machine_that_cannot_compile_is_told_what_to_do() -> None:
    broken = inductor_config.patch({"cpp.cxx": ("no-such-compiler",), "force_disable_caches": True})
    with broken, pytest.raises(EngineUnavailable, match="Unset it, or install"):
        latents(is_compiled=True)
