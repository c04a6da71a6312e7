import numpy as np
import pytest
import trimesh

from orfeas.errors import InvalidMesh
from orfeas.meshes.read_off import is_off, read_off
from tests.meshes.solids import blob

SQUARE = b"0 0 0\n1 0 0\n1 1 0\n0 1 0\n"


def places(data: bytes) -> list[list[list[float]]]:
    part = read_off(data)
    found: list[list[list[float]]] = part.vertices[part.faces].tolist()
    return found


TWO_TRIANGLES = [[[0, 0, 0], [1, 0, 0], [1, 1, 0]], [[0, 0, 0], [1, 1, 0], [0, 1, 0]]]


@pytest.mark.parametrize(
    "data",
    [
        b"OFF\n4 1 0\n" + SQUARE + b"4 0 1 2 3\n",
        b"OFF 4 2 0\n" + SQUARE + b"3 0 1 2\n3 0 2 3\n",
        b"OFF # by hand\n\n# counts\n4 2\n" + SQUARE + b"\n3 0 1 2 255 0 0\n3 0 2 3 0.5 0.5 0.5 1\n",
        b"NOFF\n4 1 0\n" + SQUARE.replace(b"\n", b" 0 0 1\n") + b"4 0 1 2 3\n",
        b"OFF\r\n4 1 0\r\n" + SQUARE.replace(b"\n", b"\r\n") + b"4 0 1 2 3",
    ],
)
def test_every_plain_form_is_read(data: bytes) -> None:
    assert is_off(data)
    assert places(data) == TWO_TRIANGLES


@pytest.mark.parametrize(
    ("row", "colour"), [(b" 255 0 51\n", [255, 0, 51, 255]), (b" 1 0 0.2 0.4\n", [255, 0, 51, 102])]
)
def test_colours_on_vertices_are_read(row: bytes, colour: list[int]) -> None:
    part = read_off(b"COFF\n4 1 0\n" + SQUARE.replace(b"\n", row) + b"4 0 1 2 3\n")
    assert part.colours is not None
    assert part.colours.tolist() == [colour] * 4


def test_what_trimesh_writes_is_read() -> None:
    mesh = blob()
    part = read_off(trimesh.exchange.off.export_off(mesh, digits=10).encode())
    assert np.array_equal(part.faces, mesh.faces)
    assert part.vertices == pytest.approx(mesh.vertices, abs=1e-9)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"OFF\n", "cut short"),
        (b"OFF\n4\n", "cut short"),
        (b"OFF\n-1 1 0\n", "cut short"),
        (b"OFF\n5 1 0\n" + SQUARE, "cut short"),
        (b"OFF\n4 1 0\n" + SQUARE + b"4 0 1 2\n", "cut short"),
        (b"OFF\n4 1 0\n" + SQUARE + b"-4 0 1 2\n", "cut short"),
        (b"OFF\n4 1 0\n" + SQUARE.replace(b"1 1 0", b"1 1") + b"4 0 1 2 3\n", "too few numbers"),
        (b"OFF\n4 1 0\n" + SQUARE.replace(b"1 0 0\n1 1 0", b"1 0\n0 1 1 0") + b"4 0 1 2 3\n", "too few numbers"),
        (b"OFF\n4 1 0\n" + SQUARE + b"4 0 1 two 3\n", "other than a number"),
        (b"OFF\n99999999999999999999 1 0\n", "other than a number"),
        (b"OFF\n8 99999999 0\n", "99,999,999 faces"),
        (b"OFF\n99999999 1 0\n", "99,999,999 vertices"),
        (b"OFF BINARY\n\0\0\0\4", "of a form that cannot be read"),
        (b"STOFF\n4 1 0\n", "of a form that cannot be read"),
        (b"4OFF\n4 1 0\n", "of a form that cannot be read"),
    ],
)
def test_a_damaged_file_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(InvalidMesh, match=message):
        read_off(data)
