"""Files are written whole or not at all."""

import secrets
from errno import EISDIR
from os import strerror
from pathlib import Path
from tempfile import TemporaryFile


def check_writable(path: Path) -> None:
    """Whether a file could be put at ``path``, by putting an empty one beside it for a moment; folders are made.

    Raises:
        OSError: it could not; says why.
    """
    if path.is_dir():
        raise IsADirectoryError(EISDIR, strerror(EISDIR), str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=path.parent):
        pass


def write_whole(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path``, so that a reader sees the old file, the new one, or none, and never a part.

    Folders on the way are made. A process that is killed while it writes may leave a ``.part`` file beside ``path``.

    Raises:
        OSError: the disk is full, or the folder cannot be written; then ``path`` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
