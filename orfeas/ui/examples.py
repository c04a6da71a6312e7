"""The pictures the page offers to start from, and the model it shows before anything was made."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "assets" / "examples"
PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
MODEL_NAME = "model.glb"


@dataclass(frozen=True)
class Example:
    """A picture anyone can start from; ``name`` says what is on it."""

    path: Path
    name: str


def find_examples(folder: Path = FOLDER) -> Sequence[Example]:
    """The pictures in the folder, by name; a file ``red-chair.jpg`` is called "red chair"."""
    pictures = sorted(path for path in folder.glob("*") if path.suffix.lower() in PICTURE_SUFFIXES)
    return tuple(
        Example(path, path.stem.lstrip("0123456789-_").replace("-", " ").replace("_", " ")) for path in pictures
    )


def find_example_model(folder: Path = FOLDER) -> Path | None:
    """The model the page opens with, if one lies there."""
    path = folder / MODEL_NAME
    return path if path.exists() else None
