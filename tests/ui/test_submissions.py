from pathlib import Path

import pytest

from orfeas.errors import InvalidImage, InvalidMesh
from orfeas.ui.submissions import image_path, mesh_path

NOT_UPLOADS = [
    None,
    "photo.png",
    5,
    [],
    {},
    {"path": None},
    {"path": 5},
    {"path": ""},
    {"url": "data:image/png;base64,"},
]


@pytest.mark.parametrize("value", NOT_UPLOADS)
def test_what_is_no_upload_is_no_picture(value: object) -> None:
    with pytest.raises(InvalidImage, match="There is no picture"):
        image_path(value)


@pytest.mark.parametrize("value", NOT_UPLOADS)
def test_what_is_no_upload_is_no_mesh(value: object) -> None:
    with pytest.raises(InvalidMesh, match="There is no mesh file"):
        mesh_path(value)


def test_an_upload_is_where_gradio_put_it() -> None:
    assert image_path({"path": "/tmp/gradio/a.png"}) == Path("/tmp/gradio/a.png")
