import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from orfeas.engines.hunyuan.config import DenoiserConfig
from tests.engines.hunyuan.networks import make_denoiser

BASE = DenoiserConfig(
    in_channels=4, hidden_size=32, context_dim=24, depth=5, num_heads=2, num_moe_layers=2, num_experts=3
)
CONFIGS = [
    BASE,
    replace(BASE, depth=6, num_heads=4),
    replace(BASE, depth=2, num_moe_layers=0),
    replace(BASE, depth=1, num_moe_layers=3, moe_top_k=3),
    replace(BASE, qkv_bias=True, qk_norm_type="layer"),
    replace(BASE, qk_norm=False, moe_top_k=1),
]
RANDOM = torch.Generator().manual_seed(4)
X, TOKENS = torch.randn(2, 6, 4, generator=RANDOM), torch.randn(2, 5, 24, generator=RANDOM)
TIMES = torch.tensor([0.2, 0.7])


class ByTheBook:
    """Specification §4, token by token and head by head, from the checkpoint's tensors alone."""

    def __init__(self, config: DenoiserConfig, weights: dict[str, Tensor]) -> None:
        self.config, self.weights = config, weights

    def linear(self, name: str, x: Tensor) -> Tensor:
        return functional.linear(x, self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias"))

    def norm(self, name: str, x: Tensor) -> Tensor:
        return functional.layer_norm(
            x, x.shape[-1:], self.weights[f"{name}.weight"], self.weights[f"{name}.bias"], 1e-6
        )

    def head_norm(self, name: str, a: Tensor) -> Tensor:
        if not self.config.qk_norm:
            return a
        if self.config.qk_norm_type != "rms":
            return self.norm(name, a)
        return a * self.weights[f"{name}.weight"] / (a.pow(2).mean(-1, keepdim=True) + 1e-6).sqrt()

    def attention(self, name: str, x: Tensor, context: Tensor | None) -> Tensor:
        d, heads = self.config.head_size, []
        q_hat = self.linear(f"{name}.to_q", x)
        source = x if context is None else context
        kv = [self.linear(f"{name}.to_k", source), self.linear(f"{name}.to_v", source)]
        u = torch.cat([q_hat, *kv] if context is None else kv, dim=-1)
        parts = 3 if context is None else 2
        for h in range(self.config.num_heads):
            run = [u[:, parts * d * h + p * d : parts * d * h + (p + 1) * d] for p in range(parts)]
            q = run[0] if context is None else q_hat[:, h * d : (h + 1) * d]
            k, v = run[-2:]
            q, k = self.head_norm(f"{name}.q_norm", q), self.head_norm(f"{name}.k_norm", k)
            heads.append(torch.softmax(q @ k.T / math.sqrt(d), dim=-1) @ v)
        return self.linear(f"{name}.out_proj", torch.cat(heads, dim=-1))

    def feed_forward(self, name: str, x: Tensor, first: str, second: str) -> Tensor:
        return self.linear(f"{name}.{second}", functional.gelu(self.linear(f"{name}.{first}", x)))

    def experts(self, name: str, x: Tensor) -> Tensor:
        rows = []
        for token in x:
            share = torch.softmax(self.linear(f"{name}.gate", token), dim=-1)
            out = self.feed_forward(f"{name}.shared_experts", token, "net.0.proj", "net.2")
            for e in share.argsort(descending=True)[: self.config.moe_top_k].tolist():
                out = out + share[e] * self.feed_forward(f"{name}.experts.{e}", token, "net.0.proj", "net.2")
            rows.append(out)
        return torch.stack(rows)

    def velocity(self, x: Tensor, t: float, context: Tensor) -> Tensor:
        size, depth = self.config.hidden_size, self.config.depth
        half = size // 2
        angles = [t * math.exp(-math.log(10000) * j / half) for j in range(half)]
        phi = torch.tensor([math.sin(a) for a in angles] + [math.cos(a) for a in angles])
        tau = self.linear("t_embedder.mlp.2", functional.gelu(self.linear("t_embedder.mlp.0", phi)))
        x = torch.cat([tau[None], self.linear("x_embedder", x)])
        stored: list[Tensor] = []
        for i in range(depth):
            b = f"blocks.{i}"
            if i > depth // 2:
                x = self.norm(f"{b}.skip_norm", self.linear(f"{b}.skip_linear", torch.cat([stored.pop(), x], dim=-1)))
            x = x + self.attention(f"{b}.attn1", self.norm(f"{b}.norm1", x), None)
            x = x + self.attention(f"{b}.attn2", self.norm(f"{b}.norm2", x), context)
            h = self.norm(f"{b}.norm3", x)
            is_mixed = depth - i <= self.config.num_moe_layers
            x = x + (self.experts(f"{b}.moe", h) if is_mixed else self.feed_forward(f"{b}.mlp", h, "fc1", "fc2"))
            if i < depth // 2:
                stored.append(x)
        return self.linear("final_layer.linear", self.norm("final_layer.norm_final", x)[1:])


@pytest.mark.parametrize("config", CONFIGS)
def test_the_velocity_is_the_one_of_the_specification(config: DenoiserConfig) -> None:
    denoiser = make_denoiser(config)
    book = ByTheBook(config, dict(denoiser.state_dict()))
    want = [book.velocity(x, float(t), tokens) for x, t, tokens in zip(X, TIMES, TOKENS, strict=True)]
    got = denoiser(X, TIMES, denoiser.make_context(TOKENS, is_unconditional=False))
    assert torch.allclose(got, torch.stack(want), atol=2e-5)


@pytest.mark.parametrize("config", CONFIGS)
def test_a_guided_pair_is_the_one_of_the_specification(config: DenoiserConfig) -> None:
    denoiser = make_denoiser(config)
    book = ByTheBook(config, dict(denoiser.state_dict()))
    rows = [*TOKENS, *torch.zeros_like(TOKENS)]
    want = [book.velocity(x, float(t), c) for x, t, c in zip([*X, *X], [*TIMES, *TIMES], rows, strict=True)]
    got = denoiser(X, TIMES, denoiser.make_context(TOKENS, is_unconditional=True))
    assert torch.allclose(got, torch.stack(want), atol=2e-5)


def test_the_number_of_latents_is_free() -> None:
    denoiser = make_denoiser(BASE)
    context = denoiser.make_context(TOKENS, is_unconditional=True)
    assert denoiser(X[:, :3], TIMES, context).shape == (4, 3, 4)
