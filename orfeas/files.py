"""Files are written whole or not at all."""

import secrets
from pathlib import Path


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
