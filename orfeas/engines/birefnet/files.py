"""Which file the published weights are, and where it lies; opens no session.

Chosen: BiRefNet lite (Zheng et al. 2024, "Bilateral Reference for High-Resolution Dichotomous Image Segmentation"), in
its most used ONNX export. Its licence, MIT, lets anyone use what it makes, where RMBG 2.0, of the same design, does not
for business. It was trained on fine structures (DIS5K) and gives a soft matte at 1024 pixels a side, where U²-Net and
IS-Net, the usual defaults, give coarser ones at 320 and 1024. The large BiRefNet is a little better (a mean error of
0.014 against 0.017 on DIS5K, by the card of another export) for 0.97 GB and several times the seconds on a processor.
ONNX holds no code, needs none of the model's remote Python, and its runtime has wheels for every system ORFEAS runs on.
"""

from pathlib import Path
from typing import BinaryIO

from orfeas.errors import EngineUnavailable
from orfeas.hub import WeightSet

REPO_ID = "onnx-community/BiRefNet_lite-ONNX"
MODEL = "onnx/model.onnx"
LICENCE = "MIT"
WEIGHTS = (WeightSet(repo_id=REPO_ID, files=(MODEL,), size_bytes=224_000_000, licence=LICENCE),)
FETCH_HINT = "run python -m orfeas fetch birefnet"
# Where the file may lie in the operator's folder.
PLACES = ("birefnet/model.onnx", f"BiRefNet_lite-ONNX/{MODEL}", f"{REPO_ID}/{MODEL}")

# Protocol buffers: how a field is written, and ONNX's number for the graph in a model.
VARINT, FIXED_64, LENGTH, FIXED_32 = 0, 1, 2, 5
GRAPH_FIELD = 7
# A varint of 64 bits takes no more bytes than this.
VARINT_BYTES = 10


def find_model(folder: Path | None) -> Path:
    """The model in the operator's folder, or else in the Hugging Face cache, whole as far as a glance can tell.

    Args:
        folder: holds ``birefnet/model.onnx``, or the repository under its own name; where it is given nothing else is
            looked at.

    Raises:
        EngineUnavailable: what is missing or damaged, and what to do.
    """
    model = _find_in_cache() if folder is None else _find_in_folder(folder)
    if not is_whole(model):
        raise damaged(model, "it is cut off, or no ONNX model")
    return model


def _find_in_folder(folder: Path) -> Path:
    model = next((folder / place for place in PLACES if (folder / place).is_file()), None)
    if model is None:
        raise EngineUnavailable(
            f"There is no {PLACES[0]} in {folder}; put {MODEL} of {REPO_ID} there, or unset ORFEAS_WEIGHTS.", "remover"
        )
    return model


def _find_in_cache() -> Path:
    from huggingface_hub import try_to_load_from_cache

    model = try_to_load_from_cache(REPO_ID, MODEL)
    if not isinstance(model, str):
        raise EngineUnavailable(f"The weights are not on this machine; {FETCH_HINT}.", "remover")
    return Path(model)


def damaged(model: Path, reason: str) -> EngineUnavailable:
    """The error for a file that cannot be used."""
    return EngineUnavailable(
        f"{model.name} in {model.parent} cannot be used: {reason}. Delete it and fetch it again.", "remover"
    )


def is_whole(model: Path) -> bool:
    """Whether a file's outermost fields are those of an ONNX model and end where it ends; reads a few bytes."""
    size, has_graph = model.stat().st_size, False
    try:
        with model.open("rb") as file:
            while file.tell() < size:
                field, kind = divmod(_varint(file), 8)
                if kind == VARINT:
                    _varint(file)
                elif kind == LENGTH:
                    file.seek(_varint(file), 1)
                elif kind in (FIXED_32, FIXED_64):
                    file.seek(4 if kind == FIXED_32 else 8, 1)
                else:
                    return False
                has_graph |= field == GRAPH_FIELD
            return has_graph and file.tell() == size
    except (OSError, ValueError, OverflowError):
        return False


def _varint(file: BinaryIO) -> int:
    value = 0
    for place in range(VARINT_BYTES):
        byte = file.read(1)
        if not byte:
            raise ValueError("the file ends within a number")
        value |= (byte[0] & 127) << 7 * place
        if byte[0] < 128:
            return value
    raise ValueError("a number does not end")
