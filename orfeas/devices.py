"""What this machine computes on. The only module that asks torch about hardware; torch loads on the first call."""


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
