"""Where Gradio serves files from."""

from pathlib import Path

from gradio.processing_utils import save_file_to_cache
from gradio.utils import get_upload_folder

from orfeas.files import write_whole


def cached(path: Path) -> str:
    """A copy of one of our files in Gradio's cache, the only place from which it serves what a job made."""
    return str(save_file_to_cache(path, get_upload_folder()))


def cached_as(path: Path, variant: str) -> str:
    """The same under an address of its own, for a viewer that only looks again at a new address."""
    original = Path(cached(path))
    copy = original.with_name(f"{original.stem}-{variant}{original.suffix}")
    write_whole(copy, original.read_bytes())
    return str(copy)
