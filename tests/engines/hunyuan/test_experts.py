import pytest
import torch
from torch import Tensor

from orfeas.engines.hunyuan.config import DenoiserConfig
from orfeas.engines.hunyuan.experts import MixtureOfExperts
from tests.engines.hunyuan.recipe import recipe_weight

CPU = torch.device("cpu")


def make_mixture(count: int, top_k: int, dtype: torch.dtype = torch.float32) -> MixtureOfExperts:
    mixture = MixtureOfExperts(DenoiserConfig(hidden_size=32, num_experts=count, moe_top_k=top_k))
    mixture = mixture.to(dtype).requires_grad_(False)
    mixture.allocate(CPU, dtype)
    for name, parameter in mixture.named_parameters():
        parameter.copy_(recipe_weight(name, parameter.shape))
    return mixture


def one_by_one(mixture: MixtureOfExperts, x: Tensor) -> Tensor:
    """Specification §4.5, a token at a time."""
    tokens = x.flatten(0, 1)
    share = torch.softmax(tokens @ mixture.gate.weight.T, dim=-1)
    rows = []
    for token, weights in zip(tokens, share, strict=True):
        chosen = weights.argsort(descending=True)[: mixture.top_k].tolist()
        routed = torch.stack([weights[e] * mixture.experts[e](token) for e in chosen]).sum(0)
        rows.append(routed + mixture.shared_experts(token))
    return torch.stack(rows).view_as(x)


@pytest.mark.parametrize(("count", "top_k"), [(4, 2), (8, 2), (3, 3), (5, 1), (1, 1)])
def test_sorted_tokens_give_what_one_token_at_a_time_gives(count: int, top_k: int) -> None:
    mixture = make_mixture(count, top_k)
    x = torch.randn(2, 9, 32, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(mixture(x), one_by_one(mixture, x), atol=1e-5)


def test_an_expert_may_get_no_token() -> None:
    mixture = make_mixture(8, 2)
    x = torch.randn(1, 1, 32, generator=torch.Generator().manual_seed(0)).expand(1, 6, 32).contiguous()
    assert torch.allclose(mixture(x), one_by_one(mixture, x), atol=1e-5)


def test_the_same_tokens_give_the_same_bits() -> None:
    mixture = make_mixture(4, 2, torch.bfloat16)
    x = torch.randn(2, 50, 32, generator=torch.Generator().manual_seed(0)).bfloat16()
    assert torch.equal(mixture(x), mixture(x))


def test_the_named_parameters_are_the_stacks() -> None:
    mixture = make_mixture(4, 2)
    x = torch.randn(1, 5, 32, generator=torch.Generator().manual_seed(0))
    before = mixture(x)
    for expert in mixture.experts:
        for parameter in expert.parameters():
            parameter.zero_()
    assert torch.equal(mixture(x), mixture.shared_experts(x))
    assert not torch.equal(before, mixture(x))


def test_released_experts_hold_nothing() -> None:
    mixture = make_mixture(4, 2)
    mixture.release()
    assert all(parameter.is_meta for parameter in mixture.experts.parameters())
