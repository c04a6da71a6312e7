"""What a file is, judged by its content and never by its name, and whether all of it is there."""

import zlib
from enum import StrEnum

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_START_OF_SCAN = b"\xff\xda"
JPEG_END = b"\xff\xd9"
GIF_FRAME, GIF_EXTENSION = 0x2C, 0x21
SNIFF_BYTES = 1024


class FileKind(StrEnum):
    """The kinds of picture that are read; the value is Pillow's name for the parser."""

    PNG = "PNG"
    JPEG = "JPEG"
    WEBP = "WEBP"
    GIF = "GIF"
    BMP = "BMP"
    TIFF = "TIFF"


# Kinds of file people send by mistake, by how they begin.
OTHER_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"#!", "a script"),
    (b"8BPS", "a Photoshop file"),
    (b"glTF", "a 3D model"),
    (b"\x00\x00\x01\x00", "an icon file"),
    (b"\x1f\x8b", "a compressed archive"),
)
ISO_MEDIA: tuple[tuple[bytes, str], ...] = (
    (b"heic", "a HEIC photo"),
    (b"heix", "a HEIC photo"),
    (b"mif1", "a HEIF photo"),
    (b"avif", "an AVIF picture"),
)


def kind_of(data: bytes) -> FileKind | None:
    """The kind of picture that ``data`` begins as, or None."""
    if data.startswith(PNG_SIGNATURE):
        return FileKind.PNG
    if data.startswith(b"\xff\xd8\xff"):
        return FileKind.JPEG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return FileKind.WEBP
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return FileKind.GIF
    if data[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
        return FileKind.TIFF
    return FileKind.BMP if data.startswith(b"BM") else None


def describe_other(data: bytes) -> str:
    """What a file that is no picture of ours seems to be, for a sentence: "an SVG drawing"."""
    if data[4:8] == b"ftyp":
        return next((name for brand, name in ISO_MEDIA if data[8:12] == brand), "a video")
    for start, name in OTHER_KINDS:
        if data.startswith(start):
            return name
    text = data[:SNIFF_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in text:
        return "an SVG drawing"
    if b"<html" in text or b"<!doctype html" in text:
        return "a web page"
    if text.startswith(b"<"):
        return "a markup document"
    is_text = b"\x00" not in text and all(byte >= 32 or byte in b"\t\r\n\f" for byte in text)
    return "a text file" if is_text else "a file of an unknown kind"


def is_complete(data: bytes, kind: FileKind) -> bool:
    """Whether the file reaches its own end, as far as can be told without decoding; ``kind`` is its :func:`kind_of`."""
    match kind:
        case FileKind.PNG:
            return _png_is_complete(data)
        case FileKind.JPEG:
            # Inside a scan 0xFF is always escaped, so the last scan's end comes after its start.
            return data.rfind(JPEG_END) > data.rfind(JPEG_START_OF_SCAN)
        case FileKind.WEBP:
            return int.from_bytes(data[4:8], "little") + 8 <= len(data)
        case FileKind.GIF:
            return _gif_has_first_frame(data)
        case FileKind.TIFF | FileKind.BMP:
            # These have no end of their own: whether the rows are all there, the decoder finds out.
            return True


def _png_is_complete(data: bytes) -> bool:
    at = len(PNG_SIGNATURE)
    view = memoryview(data)
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if zlib.crc32(view[at + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            return False
        if data[at + 4 : at + 8] == b"IEND":
            return True
        at = end + 4
    return False


def _gif_has_first_frame(data: bytes) -> bool:
    flags = data[10] if len(data) > 13 else 0
    at = 13 + (3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0)
    while at + 10 < len(data) and data[at] in (GIF_FRAME, GIF_EXTENSION):
        is_frame = data[at] == GIF_FRAME
        if is_frame:
            flags = data[at + 9]
            at += 11 + (3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0)
        else:
            at += 2
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
        if is_frame:
            return at <= len(data)
    return False
