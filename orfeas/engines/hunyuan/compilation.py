"""The denoiser through ``torch.compile``, for the operator who asks for it (``ORFEAS_COMPILE``)."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from orfeas.engines.hunyuan.denoiser import Denoiser
from orfeas.engines.hunyuan.experts import MixtureOfExperts
from orfeas.errors import EngineUnavailable


def compile_blocks(denoiser: Denoiser) -> None:
    """Let each block be compiled when it is first called; blocks of one kind share what is compiled.

    Mixtures of experts stay as they are: their grouped products are single calls already, and torch 2.13 cannot trace
    them in every type.
    """
    for block in denoiser.blocks:
        for module in block.modules():
            if isinstance(module, MixtureOfExperts):
                # torch.compiler is not typed; the method is replaced on this one module.
                module.forward = torch.compiler.disable(module.forward)  # type: ignore[method-assign, no-untyped-call]
        block.compile(dynamic=False)


@contextmanager
def compiler_explained() -> Iterator[None]:
    """Turns a compilation that fails within into a sentence for the operator.

    Raises:
        EngineUnavailable: torch could not compile; says why and what to do.
    """
    # The only name torch has for "it could not be compiled" is in a private module, which takes seconds to load.
    from torch._dynamo.exc import TorchDynamoException

    try:
        yield
    except TorchDynamoException as error:
        cause = " ".join(str(error).strip().splitlines()[:2]) or type(error).__name__
        raise EngineUnavailable(
            f"ORFEAS_COMPILE is set, and torch.compile does not work here ({cause[:200]}). Unset it, or install what "
            "it needs: a C++ compiler, and Triton for an NVIDIA GPU."
        ) from error
