"""Zip files whose bytes depend on their content alone: no dates, no owners, the same on every system."""

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO

# The earliest date a zip can hold: the same model makes the same bytes on any day.
NO_DATE = (1980, 1, 1, 0, 0, 0)
DEFLATE_LEVEL = 2

_LOCAL_HEADER_BYTES = 30
# Filling is an extra field of a kind that no one else uses; an empty one takes these bytes.
_FILLING = b"\x86\x19"
_FILLING_HEADER_BYTES = 4


@dataclass(frozen=True)
class Entry:
    """A file for a zip; pictures are packed already, and are stored as they are."""

    name: str
    data: bytes
    is_deflated: bool = True


def write_zip(entries: Iterable[Entry], alignment: int = 1) -> bytes:
    """The bytes of a zip with ``entries`` in their order, the data of each at a multiple of ``alignment`` bytes."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for entry in entries:
            info = zipfile.ZipInfo(entry.name, NO_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED if entry.is_deflated else zipfile.ZIP_STORED
            info.create_system = 3  # Unix, whatever system this is
            info.external_attr = 0o100644 << 16
            start = buffer.tell() + _LOCAL_HEADER_BYTES + len(entry.name.encode("ascii"))
            if start % alignment:
                filling = -(start + _FILLING_HEADER_BYTES) % alignment
                info.extra = _FILLING + filling.to_bytes(2, "little") + bytes(filling)
            archive.writestr(info, entry.data, compresslevel=DEFLATE_LEVEL)
    return buffer.getvalue()
