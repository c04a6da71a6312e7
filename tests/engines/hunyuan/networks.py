"""Networks with the recipe's weights, made in memory."""

import torch

from orfeas.engines.hunyuan.config import DenoiserConfig
from orfeas.engines.hunyuan.denoiser import Denoiser
from orfeas.engines.hunyuan.experts import MixtureOfExperts
from tests.engines.hunyuan.recipe import recipe_weight


def make_denoiser(config: DenoiserConfig, dtype: torch.dtype = torch.float32) -> Denoiser:
    denoiser = Denoiser(config).to(dtype).eval().requires_grad_(False)
    for module in denoiser.modules():
        if isinstance(module, MixtureOfExperts):
            module.allocate(torch.device("cpu"), dtype)
    for name, parameter in denoiser.named_parameters():
        parameter.copy_(recipe_weight(name, parameter.shape))
    return denoiser
