"""A release small enough for any test: the golden set's networks, made to give a closed blob that the latents bend."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

from tests.engines.hunyuan.recipe import recipe_parts, write_release

GOLDEN = Path(__file__).parents[2] / "golden" / "shape"
# How much of the attention's output is left: enough for latents to show, too little to tear the blob.
BEND = 0.05


def write_tiny_release(folder: Path, suffix: str = ".ckpt") -> Path:
    """Write it in the published folder layout, as ``ORFEAS_WEIGHTS`` takes it; returns the checkpoint."""
    config, parts = _config_and_parts()
    return write_release(folder, config, parts, suffix)


@cache
def _config_and_parts() -> tuple[object, Mapping[str, Mapping[str, Tensor]]]:
    manifest = json.loads((GOLDEN / "manifest.json").read_text(encoding="utf-8"))
    stored = load_file(GOLDEN / "io.safetensors")
    parts = recipe_parts(manifest["keys"])
    vae, prefix = parts["vae"], "smooth.override."
    smooth = next(case for case in manifest["cases"] if case["name"] == "smooth")["params"]
    for name in smooth["overrides_zero"]:
        vae[name] *= BEND if ".attn." in name else 0
    for name in smooth["overrides_stored"]:
        vae[name.removeprefix(prefix)] = stored[name]
    return manifest["config"], parts
