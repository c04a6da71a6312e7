import io

import pytest

from orfeas.images.file_kind import FileKind, describe_other, is_complete, kind_of
from tests.images.drawings import disc, drawn, on_background

FORMATS = list(FileKind)


def encoded(kind: FileKind, size_px: int = 64) -> bytes:
    buffer = io.BytesIO()
    on_background(drawn(disc, size_px)).convert("RGB").save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", FORMATS)
def test_a_kind_is_known_by_its_first_bytes(kind: FileKind) -> None:
    assert kind_of(encoded(kind)) == kind


@pytest.mark.parametrize("kind", FORMATS)
def test_a_whole_file_is_complete(kind: FileKind) -> None:
    data = encoded(kind)
    assert is_complete(data, kind)


@pytest.mark.parametrize("kind", [FileKind.PNG, FileKind.JPEG, FileKind.WEBP, FileKind.GIF])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_file_cut_short_is_not_complete(kind: FileKind, share: float) -> None:
    data = encoded(kind)
    assert not is_complete(data[: int(share * len(data))], kind)


def test_a_png_with_a_flipped_bit_is_not_complete() -> None:
    data = bytearray(encoded(FileKind.PNG))
    data[len(data) // 2] ^= 4
    assert not is_complete(bytes(data), FileKind.PNG)


def test_a_jpeg_is_not_complete_by_the_end_of_its_preview() -> None:
    whole = encoded(FileKind.JPEG)
    preview = b"\xff\xe1\x00\x10Exif" + encoded(FileKind.JPEG, 32)
    data = whole[:2] + preview + whole[2:]
    assert is_complete(data, FileKind.JPEG)
    assert not is_complete(data[:-40], FileKind.JPEG)


def test_a_gif_is_complete_with_its_first_frame() -> None:
    frames = [drawn(disc, 64).rotate(angle).convert("P") for angle in (0, 40, 80)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], comment=b"three frames")
    data = buffer.getvalue()
    assert is_complete(data[:-20], FileKind.GIF)
    assert not is_complete(data[:120], FileKind.GIF)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b"\n<!DOCTYPE html><title>x</title>", "a web page"),
        (b"<rss/>", "a markup document"),
        (b"MZ\x90\x00", "a Windows program"),
        (b"\x7fELF\x02\x01", "a program"),
        (b"#!/bin/sh\n", "a script"),
        (b"%PDF-1.7", "a PDF document"),
        (b"PK\x03\x04", "a ZIP archive or an office document"),
        (b"\x00\x00\x00\x18ftypheic", "a HEIC photo"),
        (b"\x00\x00\x00\x18ftypisom", "a video"),
        (b"hello", "a text file"),
        (b"\x01\x02\x00\x99", "a file of an unknown kind"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, name: str) -> None:
    assert kind_of(data) is None
    assert describe_other(data) == name
