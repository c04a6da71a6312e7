"""Feed-forward parts: the plain one, and the mixture of experts (specification §4.3 and §4.5)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from orfeas.engines.hunyuan.config import DenoiserConfig

# Specification §4.3: the inner width, whatever ``mlp_ratio`` says.
EXPANSION = 4


class FeedForward(nn.Module):
    """Two maps with a GELU between, under the names of the plain blocks."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(size, EXPANSION * size)
        self.fc2 = nn.Linear(EXPANSION * size, size)

    def forward(self, x: Tensor) -> Tensor:
        """``[..., C]`` to ``[..., C]``."""
        out: Tensor = self.fc2(functional.gelu(self.fc1(x)))
        return out


class GeluProjection(nn.Module):
    """A map and a GELU."""

    def __init__(self, size: int, inner_size: int) -> None:
        super().__init__()
        self.proj = nn.Linear(size, inner_size)

    def forward(self, x: Tensor) -> Tensor:
        """``[..., C]`` to ``[..., inner]``."""
        return functional.gelu(self.proj(x))


class Expert(nn.Module):
    """The same as :class:`FeedForward`, under the names that the checkpoint gives experts."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            GeluProjection(size, EXPANSION * size), nn.Identity(), nn.Linear(EXPANSION * size, size)
        )

    def forward(self, x: Tensor) -> Tensor:
        """``[..., C]`` to ``[..., C]``."""
        out: Tensor = self.net(x)
        return out


class MixtureOfExperts(nn.Module):
    """Each token through the ``top_k`` likeliest experts and a shared one; tokens are sorted by expert.

    The experts' weights lie stacked, one expert after the other, so that each half is one grouped product and the
    device never has to tell the host how many tokens an expert got. The parameters named in the checkpoint are views
    of the stacks: call :meth:`allocate` before loading them.
    """

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__()
        self.size, self.count, self.top_k = config.hidden_size, config.num_experts, config.moe_top_k
        self.gate = nn.Linear(self.size, self.count, bias=False)
        self.experts = nn.ModuleList(Expert(self.size) for _ in range(self.count))
        self.shared_experts = Expert(self.size)
        self._stacks: tuple[Tensor, Tensor, Tensor, Tensor] | None = None

    def allocate(self, device: torch.device, dtype: torch.dtype) -> None:
        """Make room for the experts' weights, and let the parameters be views of it."""
        inner = EXPANSION * self.size
        shapes = ((inner, self.size), (inner,), (self.size, inner), (self.size,))
        stacks = [torch.empty(self.count, *shape, device=device, dtype=dtype) for shape in shapes]
        for number, expert in enumerate(self.experts):
            for name, stack in zip(_EXPERT_KEYS, stacks, strict=True):
                owner, _, leaf = name.rpartition(".")
                setattr(expert.get_submodule(owner), leaf, nn.Parameter(stack[number], requires_grad=False))
        up, up_bias, down, down_bias = stacks
        self._stacks = (up, up_bias, down, down_bias)

    def release(self) -> None:
        """Give the experts' room back; :meth:`allocate` makes it again."""
        self._stacks = None
        self.experts.to("meta")

    def choose(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Weights ``[T, top_k]``, not renormalised, and experts ``[T, top_k]``, the likeliest first.

        In float32 whatever the weights: rounding a close choice sends a token to another expert.
        """
        share = functional.linear(tokens.to(torch.float32), self.gate.weight.to(torch.float32)).softmax(dim=-1)
        weight, index = share.topk(self.top_k, dim=-1)
        return weight, index

    def forward(self, x: Tensor) -> Tensor:
        """``[B, n, C]`` to ``[B, n, C]``."""
        assert self._stacks is not None, "allocate() first"
        up, up_bias, down, down_bias = self._stacks
        tokens = x.flatten(0, -2)
        weight, index = self.choose(tokens)
        # 1. Every (token, expert) pair, sorted by expert; where each expert's run ends.
        chosen, order = index.flatten().sort(stable=True)
        ends = (index.flatten()[:, None] == torch.arange(self.count, device=x.device)).sum(0).cumsum(0)
        ends = ends.to(torch.int32)
        # 2. Both halves of all experts at once.
        h = functional.grouped_mm(tokens[order // self.top_k], up.transpose(1, 2), offs=ends)
        h = functional.gelu(h.add_(up_bias[chosen]))
        h = functional.grouped_mm(h, down.transpose(1, 2), offs=ends).add_(down_bias[chosen])
        # 3. Back in the tokens' order, weighted; a gather, since adding by index has no fixed order on a GPU.
        h = h[order.argsort()].view(len(tokens), self.top_k, -1)
        routed = torch.einsum("tkc,tk->tc", h, weight.to(h.dtype))
        out: Tensor = routed.view_as(x) + self.shared_experts(x)
        return out


# In the order of the stacks.
_EXPERT_KEYS = ("net.0.proj.weight", "net.0.proj.bias", "net.2.weight", "net.2.bias")
