"""Pictures as WebP, one or many that follow each other.

Frames are encoded one by one and then put into one file, so that several are encoded side by side, and a stop takes
effect between them. The container is described in Google's "WebP Container Specification" (RFC 9649).
"""

import struct
from collections.abc import Iterator, Sequence
from io import BytesIO

from PIL import Image

QUALITY = 85
# 0 to 6; higher is smaller by a few per cent, and several times slower.
METHOD = 1
_HAS_ALPHA, _IS_ANIMATION = 0x10, 0x02
# A frame replaces what was there before, rather than being laid over it.
_REPLACES = 0x02


def encode(image: Image.Image) -> bytes:
    """A WebP file of one picture."""
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=QUALITY, method=METHOD)
    return buffer.getvalue()


def animate(files: Sequence[bytes], durations_ms: Sequence[int], size_px: int) -> bytes:
    """One WebP file that shows pictures in turn, for ever.

    Args:
        files: WebP files of one picture each, as :func:`encode` writes them.
        durations_ms: how long each is shown.
        size_px: their side.
    """
    # Sides are stored as one less.
    side = (size_px - 1).to_bytes(3, "little")
    header = bytes([_HAS_ALPHA | _IS_ANIMATION, 0, 0, 0]) + side + side
    # The background's colour, which viewers leave out, and how often: 0 is for ever.
    body = [_chunk(b"VP8X", header), _chunk(b"ANIM", bytes(4) + struct.pack("<H", 0))]
    for file, duration_ms in zip(files, durations_ms, strict=True):
        place = bytes(6) + side + side + duration_ms.to_bytes(3, "little") + bytes([_REPLACES])
        picture = b"".join(_chunk(name, data) for name, data in _chunks(file) if name in (b"ALPH", b"VP8 ", b"VP8L"))
        body.append(_chunk(b"ANMF", place + picture))
    content = b"WEBP" + b"".join(body)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def _chunks(file: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 12  # after RIFF, the size and WEBP
    while place < len(file):
        name, size = file[place : place + 4], struct.unpack_from("<I", file, place + 4)[0]
        yield name, file[place + 8 : place + 8 + size]
        place += 8 + size + size % 2
