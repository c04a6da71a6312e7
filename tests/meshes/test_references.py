import pytest

from orfeas.errors import InvalidMesh
from orfeas.meshes.references import Upload

FILES = {"source/model.obj": b"model", "source/a.mtl": b"near", "textures/Wood.png": b"wood", "a.mtl": b"far"}
UPLOAD = Upload.around("source/model.obj", FILES)


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("a.mtl", b"near"),
        ("./A.MTL", b"near"),
        ("../a.mtl", b"far"),
        ("../textures/wood.png", b"wood"),
        ("..\\textures\\wood.png", b"wood"),
        ("wood.png", b"wood"),
        ("C:\\pictures\\wood.png", b"wood"),
        ("/home/someone/Wood.png", b"wood"),
        ("stone.png", None),
        ("", None),
    ],
)
def test_a_file_is_found_by_its_path_or_by_its_name(reference: str, found: bytes | None) -> None:
    assert UPLOAD.find(reference) == found


@pytest.mark.parametrize(
    "reference",
    [
        "../../a.mtl",
        "x/../../../a.mtl",
        "..\\..\\a.mtl",
        "/etc/passwd",
        "C:\\secret.png",
        "\\\\server\\share\\b.png",
        "//server/b.png",
        "http://127.0.0.1/a.mtl",
        "HTTPS://example.org/wood.png",
        "file:///etc/passwd",
        "data:text/plain,hello",
    ],
)
def test_what_lies_outside_of_the_upload_is_refused(reference: str) -> None:
    with pytest.raises(InvalidMesh, match="outside of what was uploaded") as caught:
        UPLOAD.find(reference)
    assert "/" not in str(caught.value)
    assert "\\" not in str(caught.value)


def test_an_encoded_path_is_decoded_where_it_is_a_uri() -> None:
    upload = Upload({"my wood.png": b"wood"})
    assert upload.find("my%20wood.png", is_uri=True) == b"wood"
    assert upload.find("my%20wood.png") is None
    with pytest.raises(InvalidMesh, match="outside"):
        upload.find("%2e%2e/my wood.png", is_uri=True)
