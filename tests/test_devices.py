from types import SimpleNamespace

import pytest
import torch

from orfeas.devices import (
    choose_device,
    choose_dtype,
    choose_published_dtype,
    find_devices,
    free_bytes,
    is_out_of_memory,
    release_memory,
    require_device,
    total_bytes,
)
from orfeas.errors import EngineUnavailable
from orfeas.settings import Settings

CPU = torch.device("cpu")


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


def test_the_processor_is_always_among_the_devices() -> None:
    assert find_devices()[-1] == f"cpu, {torch.get_num_threads()} threads"


@pytest.mark.usefixtures("no_gpu")
def test_auto_takes_the_processor_where_there_is_no_gpu() -> None:
    assert choose_device("auto") == CPU


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("choice", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused(choice: str) -> None:
    with pytest.raises(EngineUnavailable, match=f"ORFEAS_DEVICE is {choice}"):
        choose_device(choice)  # type: ignore[arg-type]  # one of the choices, which a parameter cannot say


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("choice", ["cuda", "mps"])
def test_a_device_that_the_operator_named_is_required(monkeypatch: pytest.MonkeyPatch, choice: str) -> None:
    with pytest.raises(EngineUnavailable, match=f"ORFEAS_DEVICE is {choice}"):
        require_device(Settings.model_validate({"device": choice}))
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    require_device(Settings.model_validate({"device": choice}))


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("choice", ["auto", "cpu"])
def test_a_gpu_that_nobody_named_is_not_missed(choice: str) -> None:
    require_device(Settings.model_validate({"device": choice}))
    assert choose_device(choice) == CPU  # type: ignore[arg-type]  # as above


def test_auto_takes_a_gpu_before_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("cuda")


def test_the_processor_computes_in_float32_while_it_fits() -> None:
    free = free_bytes(CPU)
    assert choose_dtype(CPU, free // 100) is torch.float32
    assert choose_dtype(CPU, free) is torch.bfloat16


def test_a_gpu_computes_in_half_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    assert choose_dtype(torch.device("cuda"), 1) is torch.bfloat16
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    assert choose_dtype(torch.device("cuda"), 1) is torch.float16
    assert choose_dtype(torch.device("mps"), 1) is torch.float16


def test_a_network_published_in_float16_keeps_it_on_a_gpu() -> None:
    assert choose_published_dtype(torch.device("cuda"), 1) is torch.float16
    assert choose_published_dtype(torch.device("mps"), 1) is torch.float16
    assert choose_published_dtype(CPU, 1) is torch.float32


def test_free_memory_of_a_gpu_counts_what_torch_holds_in_reserve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1000, 8000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 700)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 400)
    assert free_bytes(torch.device("cuda")) == 1300


def test_free_memory_of_an_apple_gpu_is_what_is_recommended_less_what_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 1000)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 300)
    assert free_bytes(torch.device("mps")) == 700


def test_all_memory_of_a_device_is_at_least_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    assert total_bytes(CPU) >= free_bytes(CPU) > 0
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 1000)
    assert total_bytes(torch.device("mps")) == 1000
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(total_memory=2000))
    assert total_bytes(torch.device("cuda")) == 2000


def test_memory_is_given_back_on_every_kind_of_device(monkeypatch: pytest.MonkeyPatch) -> None:
    given_back: list[str] = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: given_back.append("cuda"))
    monkeypatch.setattr(torch.mps, "empty_cache", lambda: given_back.append("mps"))
    for kind in ("cpu", "cuda", "mps"):
        release_memory(torch.device(kind))
    assert given_back == ["cuda", "mps"]


def test_a_real_failure_to_allocate_is_recognised() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**55, dtype=torch.int8)
    assert is_out_of_memory(caught.value)


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"), True),
        (MemoryError(), True),
        (RuntimeError("inconsistent tensor size"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_memory_is_told_from_other_failures(error: Exception, is_memory: bool) -> None:
    assert is_out_of_memory(error) is is_memory
