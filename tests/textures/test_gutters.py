"""The gaps between islands."""

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt

from orfeas.textures.gutters import to_texture
from tests.meshes.solids import blob
from tests.textures.test_bake import laid_out


def test_texels_keep_their_values_and_gaps_take_the_nearest() -> None:
    texels = laid_out(blob(1500))[2]
    random = torch.Generator().manual_seed(0)
    values = torch.randint(0, 256, (len(texels.index), 4), generator=random)
    texture = to_texture(texels, values / 255)
    assert texture.shape == (256, 256, 4)
    flat = texture.reshape(-1, 4)
    assert np.array_equal(flat[texels.index], values.numpy())
    is_gap = np.ones((256, 256), dtype=np.bool_)
    is_gap.reshape(-1)[texels.index] = False
    distance = distance_transform_edt(is_gap)
    row, column = np.nonzero(is_gap & (distance < 1.5))
    assert len(row) > 100
    around = [
        texture[np.clip(row + y, 0, 255), np.clip(column + x, 0, 255)]
        for y in (-1, 0, 1)
        for x in (-1, 0, 1)
        if (y, x) != (0, 0)
    ]
    assert (np.stack(around) == texture[row, column]).all(axis=2).any(axis=0).all()


def test_no_gap_is_left_without_a_value() -> None:
    texels = laid_out(blob(1500))[2]
    assert (to_texture(texels, torch.ones(len(texels.index), 1)) == 255).all()
