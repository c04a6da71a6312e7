import pytest

from orfeas.text_to_image.diffusion.models import DEFAULT, KNOWN, SMALL, KnownModel, choose_known, known_model


@pytest.mark.parametrize(
    ("kind", "device_bytes", "model"),
    [
        ("cuda", 24_000_000_000, DEFAULT),
        ("cuda", 12_600_000_000, DEFAULT),
        ("cuda", 8_300_000_000, SMALL),
        ("cuda", 6_200_000_000, SMALL),
        ("cuda", 2_000_000_000, SMALL),
        ("mps", 12_000_000_000, DEFAULT),
        ("cpu", 64_000_000_000, SMALL),
    ],
)
def test_the_model_is_chosen_by_the_memory_of_the_device(kind: str, device_bytes: int, model: KnownModel) -> None:
    assert choose_known(kind, device_bytes) is model


def test_a_model_is_known_by_its_repository_in_any_letter_case() -> None:
    assert [known_model(model.repo_id.upper()) for model in KNOWN] == list(KNOWN)
    assert known_model("someone/else") is None


def test_ours_are_permissively_licensed_and_take_few_steps() -> None:
    assert {model.licence for model in KNOWN} <= {"Apache-2.0", "MIT"}
    assert max(model.num_inference_steps for model in KNOWN) <= 8
