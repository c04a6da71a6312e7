from dataclasses import replace

import pytest

from orfeas.engines.refusals import refuse_sampling
from orfeas.errors import InvalidOption
from orfeas.options import ShapeOptions, TextureOptions


@pytest.mark.parametrize("options", [ShapeOptions(), TextureOptions()])
def test_what_was_left_alone_passes(options: ShapeOptions | TextureOptions) -> None:
    refuse_sampling(options, "inflate")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_inference_steps", 9),
        ("guidance_scale", 0.0),
        ("guidance_start", 0.5),
        ("guidance_end", 0.5),
        ("cache_threshold", 0.1),
    ],
)
def test_what_was_set_is_refused_by_its_name(name: str, value: float) -> None:
    with pytest.raises(InvalidOption, match=f"^{name} cannot be set: the engine inflate") as refusal:
        refuse_sampling(replace(ShapeOptions(), **{name: value}), "inflate")  # type: ignore[arg-type]  # a field
    assert refusal.value.option == name
