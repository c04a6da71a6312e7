import io
import os
import struct
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from orfeas.errors import InvalidImage
from orfeas.images.validation import MAX_BYTES, check_image, load_image
from orfeas.records import ImageInfo
from tests.images.drawings import chair, drawn, on_background

FORMATS = ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"]


def saved(path: Path, image: Image.Image, kind: str = "PNG", **options: object) -> Path:
    image.save(path, kind, **options)
    return path


@pytest.fixture
def opaque() -> Image.Image:
    return on_background(drawn(chair, 96)).convert("RGB").crop((0, 0, 80, 96))


@pytest.mark.parametrize("kind", FORMATS)
def test_every_kind_is_measured_and_read(tmp_path: Path, opaque: Image.Image, kind: str) -> None:
    path = saved(tmp_path / "picture", opaque, kind)
    info = check_image(path)
    assert (info.width, info.height, info.format, info.bytes) == (80, 96, kind, path.stat().st_size)
    assert not info.has_alpha
    assert not info.orientation_applied
    loaded = load_image(path)
    assert (loaded.mode, loaded.size) == ("RGBA", (80, 96))
    difference = np.abs(np.asarray(loaded)[..., :3].astype(int) - np.asarray(opaque))
    assert np.median(difference) <= 2
    assert (np.asarray(loaded)[..., 3] == 255).all()


def test_the_record_says_what_the_file_is(tmp_path: Path) -> None:
    path = saved(tmp_path / "chair.png", drawn(chair, 96))
    assert check_image(path) == ImageInfo(
        width=96,
        height=96,
        format="PNG",
        mode="RGBA",
        has_alpha=True,
        bytes=path.stat().st_size,
        orientation_applied=False,
    )


def test_the_name_says_nothing(tmp_path: Path, opaque: Image.Image) -> None:
    assert check_image(saved(tmp_path / "picture.exe", opaque, "JPEG")).format == "JPEG"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_exif_says(tmp_path: Path, opaque: Image.Image, kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "turned", opaque, kind, exif=exif)
    info, loaded = check_image(path), load_image(path)
    expected = (96, 80) if orientation >= 5 else (80, 96)
    assert (info.width, info.height) == loaded.size == expected
    assert info.orientation_applied == (orientation != 1)


def test_a_turned_picture_shows_its_pixels_upright(tmp_path: Path, opaque: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = opaque.transpose(Image.Transpose.ROTATE_90)
    loaded = load_image(saved(tmp_path / "lying.png", lying, exif=exif))
    assert (np.asarray(loaded)[..., :3] == np.asarray(opaque)).all()


def test_exif_after_the_pixels_counts_too(tmp_path: Path, opaque: Image.Image) -> None:
    data = saved(tmp_path / "plain.png", opaque).read_bytes()
    exif = b"II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00"
    path = tmp_path / "late.png"
    path.write_bytes(data[:-12] + chunk(b"eXIf", exif) + data[-12:])
    assert check_image(path).orientation_applied
    assert load_image(path).size == (96, 80)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_exif_that_makes_no_sense_is_ignored(tmp_path: Path, opaque: Image.Image) -> None:
    path = saved(tmp_path / "odd.jpg", opaque, "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")
    assert not check_image(path).orientation_applied
    exif = Image.Exif()
    exif[0x0112] = 99
    assert load_image(saved(path, opaque, "JPEG", exif=exif)).size == (80, 96)


def test_of_an_animation_the_first_frame_is_taken(tmp_path: Path, opaque: Image.Image) -> None:
    black = Image.new("RGB", opaque.size)
    for kind in ("GIF", "WEBP", "PNG"):
        path = saved(tmp_path / "moving", opaque, kind, save_all=True, append_images=[black, black])
        assert np.asarray(load_image(path))[..., :3].mean() > 100


def test_the_previews_a_camera_appends_are_left_out(tmp_path: Path, opaque: Image.Image) -> None:
    path = saved(tmp_path / "camera.jpg", opaque, "MPO", save_all=True, append_images=[opaque.resize((40, 48))])
    assert check_image(path).format == "JPEG"
    assert load_image(path).size == (80, 96)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_truncated_file_is_refused(tmp_path: Path, opaque: Image.Image, kind: str, share: float) -> None:
    path = saved(tmp_path / "cut", opaque, kind)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(InvalidImage, match=r"incomplete|damaged"):
        load_image(path)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data", "ignore:Truncated File Read")
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate"])
@pytest.mark.parametrize("share", [0.3, 0.95])
def test_a_truncated_tiff_is_refused(tmp_path: Path, opaque: Image.Image, compression: str, share: float) -> None:
    path = saved(tmp_path / "cut", opaque, "TIFF", compression=compression)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(InvalidImage, match=r"incomplete|damaged"):
        load_image(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_truncated_file_is_found_without_decoding_it(tmp_path: Path, opaque: Image.Image, kind: str) -> None:
    path = saved(tmp_path / "cut", opaque, kind)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InvalidImage, match="incomplete"):
        check_image(path)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds no pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("width", "height", "words"),
    [
        (7680, 4320, "7680 × 4320 pixels (33.2 megapixels)"),
        (5000, 1, "5000 × 1"),
        (1, 5000, "1 × 5000"),
        (31, 100, "31 × 100"),
        (4097, 100, "4097 × 100"),
    ],
)
def test_a_size_out_of_bounds_is_refused_with_its_numbers(tmp_path: Path, width: int, height: int, words: str) -> None:
    path = tmp_path / "size.png"
    path.write_bytes(png_header(width, height))
    for use in (check_image, load_image):
        with pytest.raises(InvalidImage, match="pixels") as refusal:
            use(path)
        assert words in str(refusal.value)


@pytest.mark.parametrize(("width", "height"), [(12_000, 10_000), (60_000, 60_000)])
def test_a_decompression_bomb_is_refused_from_its_header(tmp_path: Path, width: int, height: int) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(width, height))
    with pytest.raises(InvalidImage, match="megapixels"):
        check_image(path)


def test_a_large_bomb_is_refused_with_its_numbers_where_warnings_are_only_shown(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(12_000, 10_000))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(InvalidImage, match="12000 × 10000"):
            check_image(path)


def test_four_thousand_pixels_a_side_are_accepted(tmp_path: Path) -> None:
    large = Image.new("L", (4096, 4096), 255)
    large.paste(0, (1000, 1000, 3000, 3000))
    path = saved(tmp_path / "large.png", large)
    assert check_image(path).width == 4096
    assert load_image(path).size == (4096, 4096)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.png", tmp_path):
        with pytest.raises(InvalidImage, match="no such file"):
            check_image(path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_a_pipe_and_a_device_are_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    for path in (tmp_path / "pipe.png", Path("/dev/zero")):
        with pytest.raises(InvalidImage, match="no such file"):
            check_image(path)


def test_a_header_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.bmp"
    path.write_bytes(b"BM" + bytes(100))
    with pytest.raises(InvalidImage, match="damaged"):
        check_image(path)


def test_exif_that_cannot_be_parsed_leaves_the_picture_as_it_lies(tmp_path: Path, opaque: Image.Image) -> None:
    path = saved(tmp_path / "odd.png", opaque, "PNG", exif=b"Exif\x00\x00XX*\x00\x08\x00\x00\x00")
    assert not check_image(path).orientation_applied
    assert load_image(path).size == (80, 96)


def test_a_file_over_the_limit_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1_000_000)
    with pytest.raises(InvalidImage, match=r"51\.0 MB; the most is 50 MB"):
        check_image(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' width='99' height='99'/>", "an SVG drawing"),
        (b"<html><img src=x onerror=alert(1)></html>", "a web page"),
        (b"MZ" + bytes(200), "a Windows program"),
        (b"\x7fELF" + bytes(200), "a program"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "a PostScript document"),
        (b"\x89PNG\r\n\x1a\n", "incomplete"),
        (b"GIF89a" + bytes(3), "incomplete"),
        (b"\xff\xd8\xff", "incomplete"),
        (b"BM" + bytes(60), "damaged"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_sentence(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(data)
    for use in (check_image, load_image):
        with pytest.raises(InvalidImage, match=words) as refusal:
            use(path)
        assert str(tmp_path) not in str(refusal.value)


def test_pixels_that_do_not_decode_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "hollow.png"
    path.write_bytes(png_header(64, 64))
    assert check_image(path).width == 64
    with pytest.raises(InvalidImage, match="damaged"):
        load_image(path)


def test_a_picture_that_is_clear_all_over_is_refused(tmp_path: Path) -> None:
    clear = drawn(chair, 64)
    clear.putalpha(Image.new("L", clear.size, 100))
    with pytest.raises(InvalidImage, match="transparent all over"):
        load_image(saved(tmp_path / "clear.png", clear))


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "CMYK", "1"])
def test_a_picture_of_one_colour_is_refused(tmp_path: Path, mode: str) -> None:
    with pytest.raises(InvalidImage, match="one single colour"):
        load_image(saved(tmp_path / "flat.tif", Image.new(mode, (64, 64), 1), "TIFF"))


def test_a_black_shape_on_a_clear_ground_is_not_one_colour(tmp_path: Path) -> None:
    shape = Image.new("RGBA", (64, 64))
    shape.paste((0, 0, 0, 255), (10, 10, 50, 50))
    assert np.asarray(load_image(saved(tmp_path / "shape.png", shape)))[..., 3].max() == 255


def test_checking_a_megapixel_does_not_decode_it(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (1024, 1024, 3), dtype=np.uint8)
    path = saved(tmp_path / "noise.png", Image.fromarray(noise), compress_level=1)

    def seconds(use: object) -> float:
        start = time.process_time()
        assert callable(use)
        use(path)
        return time.process_time() - start

    assert min(seconds(check_image) for _ in range(5)) < min(seconds(load_image) for _ in range(3)) / 2


def test_memory_holds_no_file_open(tmp_path: Path, opaque: Image.Image) -> None:
    path = saved(tmp_path / "picture.png", opaque)
    image = load_image(path)
    path.unlink()
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    assert len(buffer.getvalue()) > 100
