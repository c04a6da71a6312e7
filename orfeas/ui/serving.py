"""Where Gradio serves files from."""

from pathlib import Path

from gradio.processing_utils import save_file_to_cache
from gradio.utils import get_upload_folder


def cached(path: Path) -> str:
    """A copy of one of our files in Gradio's cache, the only place from which it serves what a job made."""
    return str(save_file_to_cache(path, get_upload_folder()))
