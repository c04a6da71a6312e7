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
    ("reference", "name"),
    [
        ("../../a.mtl", "a.mtl"),
        ("x/../../../a.mtl", "a.mtl"),
        ("..\\..\\a.mtl", "a.mtl"),
        ("/etc/passwd", "passwd"),
        ("C:\\secret.png", "secret.png"),
        ("\\\\server\\share\\b.png", "b.png"),
        ("//server/b.png", "b.png"),
    ],
)
def test_what_lies_outside_of_the_upload_is_refused(reference: str, name: str) -> None:
    with pytest.raises(InvalidMesh) as caught:
        UPLOAD.find(reference)
    assert str(caught.value) == f"The model refers to a file “{name}” outside of its zip; put the file into it."
    with pytest.raises(InvalidMesh) as caught:
        Upload().find(reference)
    told = f"The model refers to a file “{name}” outside of what was uploaded; put both into one zip."
    assert str(caught.value) == told


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("http://127.0.0.1/a.mtl", "a.mtl"),
        ("http://127.0.0.1/", "127.0.0.1"),
        ("HTTPS://example.org/wood.png", "wood.png"),
        ("file:///etc/passwd", "passwd"),
        ("data:text/plain,hello", "plain,hello"),
    ],
)
@pytest.mark.parametrize("upload", [UPLOAD, Upload()], ids=["in a zip", "alone"])
def test_an_address_is_refused_as_such(reference: str, name: str, upload: Upload) -> None:
    with pytest.raises(InvalidMesh) as caught:
        upload.find(reference)
    assert str(caught.value) == (
        f"The model refers to “{name}” by an address, and nothing is fetched; put the file into one zip with the model,"
        " and name it there."
    )


def test_an_encoded_path_is_decoded_where_it_is_a_uri() -> None:
    upload = Upload({"my wood.png": b"wood"})
    assert upload.find("my%20wood.png", is_uri=True) == b"wood"
    assert upload.find("my%20wood.png") is None
    with pytest.raises(InvalidMesh, match="outside"):
        upload.find("%2e%2e/my wood.png", is_uri=True)
