import numpy as np
import torch
from PIL import Image
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil

from orfeas.engines.hunyuan.conditioner import DEVIATION, MEAN
from orfeas.engines.hunyuan.paint.pictures import prepare_dino, prepare_reference, to_pictures, to_unit
from tests.paint_set import image_u8


def test_a_reference_keeps_its_proportions_in_the_middle_of_white() -> None:
    picture = Image.new("RGBA", (40, 20), (200, 30, 30, 255))
    square = np.asarray(prepare_reference(picture, 80))
    assert square.shape == (80, 80, 3)
    assert (square[:18] == 255).all()
    assert (square[62:] == 255).all()
    assert (square[23:57] == (200, 30, 30)).all()


def test_colours_of_clear_pixels_do_not_bleed_into_the_edge() -> None:
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[:, :, 1] = 255
    pixels[8:24, 8:24] = (200, 0, 0, 255)
    square = np.asarray(prepare_reference(Image.fromarray(pixels), 16)).astype(int)
    assert (square[:, :, 1] - square[:, :, 2] == 0).all()


def test_a_square_of_the_right_size_stays_as_it_is() -> None:
    pixels = image_u8("reference", 64)
    assert np.array_equal(np.asarray(prepare_reference(Image.fromarray(pixels), 64)), pixels)


def test_maps_are_resized_and_laid_on_white() -> None:
    clear = np.full((32, 32, 4), (10, 20, 30, 0), np.uint8)
    values = to_unit([clear, image_u8("map", 32)[:, :, :3], Image.fromarray(image_u8("map", 16))], 16)
    assert values.shape == (3, 3, 16, 16)
    assert (values[0] == 1).all()
    assert np.array_equal(np.asarray(to_pictures(values[2:])[0]), image_u8("map", 16))


def test_the_encoder_sees_what_its_own_preparation_gives() -> None:
    picture = Image.fromarray(image_u8("dino", 512))
    processor = BitImageProcessorPil(
        size={"shortest_edge": 256}, crop_size={"height": 224, "width": 224}, image_mean=MEAN, image_std=DEVIATION
    )
    theirs = torch.from_numpy(np.asarray(processor(picture)["pixel_values"]))
    assert torch.allclose(prepare_dino(picture), theirs.view(1, 3, 224, 224), atol=1e-5)
