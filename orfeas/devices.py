"""What this machine computes on. The only module that asks torch about hardware; torch loads on the first call."""

import gc
from typing import TYPE_CHECKING, Literal

import psutil

from orfeas.errors import EngineUnavailable
from orfeas.settings import Settings

if TYPE_CHECKING:
    import torch

DeviceChoice = Literal["auto", "cuda", "mps", "cpu"]


def find_devices() -> tuple[str, ...]:
    """The devices torch can use here, the fastest first, each in words with its memory."""
    import torch

    found = []
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        found.append(f"cuda:{index}, {properties.name}, {properties.total_memory / 1e9:.1f} GB")
    if torch.backends.mps.is_available():
        found.append("mps, Apple GPU, memory shared with the processor")
    found.append(f"cpu, {torch.get_num_threads()} threads")
    return tuple(found)


def choose_device(choice: DeviceChoice) -> "torch.device":
    """The device asked for; for ``auto`` the fastest.

    Raises:
        EngineUnavailable: this machine has no such device.
    """
    import torch

    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if choice == "auto":
        return torch.device(next(kind for kind, is_here in here.items() if is_here))
    if not here[choice]:
        raise EngineUnavailable(
            f"ORFEAS_DEVICE is {choice}, and torch finds none here; set it to auto, or mend torch or the driver."
        )
    return torch.device(choice)


def require_device(settings: Settings) -> None:
    """Look for the device that the operator named, if any. Loads torch only where it is a GPU.

    Raises:
        EngineUnavailable: this machine has no such device.
    """
    # On ZeroGPU the process itself has none.
    if settings.device in ("cuda", "mps") and not settings.is_zero_gpu:
        choose_device(settings.device)


def choose_for_learned(choice: DeviceChoice) -> "torch.device":
    """The device for a learned engine: as asked, but for ``auto`` never the processor, which would take very long.

    Raises:
        EngineUnavailable: this machine has no such device.
    """
    device = choose_device(choice)
    if choice == "auto" and device.type == "cpu":
        raise EngineUnavailable(
            "No GPU was found; set ORFEAS_DEVICE=cpu to let it run on the processor, which takes very long."
        )
    return device


def choose_dtype(device: "torch.device", values: int) -> "torch.dtype":
    """The type in which a network of so many values runs best on a device.

    Half precision on a GPU, bfloat16 where it computes in it; on the processor float32, or bfloat16 where float32 would
    not fit the memory that is free.
    """
    import torch

    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "mps":
        return torch.float16
    return torch.float32 if values * torch.float32.itemsize < free_bytes(device) else torch.bfloat16


def choose_published_dtype(device: "torch.device", values: int) -> "torch.dtype":
    """As :func:`choose_dtype`, for a network published in float16, which loses precision in bfloat16 on a GPU."""
    import torch

    return torch.float16 if device.type in ("cuda", "mps") else choose_dtype(device, values)


def free_bytes(device: "torch.device") -> int:
    """Memory that work on the device may still take."""
    import torch

    if device.type == "cuda":
        reserved = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0] + reserved)
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return int(psutil.virtual_memory().available)


def total_bytes(device: "torch.device") -> int:
    """Memory that a device has, however much of it is free."""
    import torch

    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory())
    return int(psutil.virtual_memory().total)


def release_memory(device: "torch.device") -> None:
    """Give back what nothing refers to any more."""
    import torch

    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the machine's or a device's memory ran out; of torch's only CUDA's has a class."""
    text = str(error)
    is_torchs = isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)
    return is_torchs or isinstance(error, MemoryError)
