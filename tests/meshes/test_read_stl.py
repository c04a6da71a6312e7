import numpy as np
import pytest

from orfeas.errors import InvalidMesh
from orfeas.meshes.read_stl import is_binary_stl, is_text_stl, read_stl
from tests.meshes.solids import blob

TEXT = b"""solid a part
  facet normal 0 0 1
    outer loop
      vertex 0 0 0
      vertex 1 0 0
      vertex 0 1.5e0 +.5
    endloop
  endfacet
endsolid a part
"""


def binary(mesh_count: int = 1, stated: int | None = None) -> bytes:
    triangle = np.array([0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0.5], "<f4").tobytes() + b"\0\0"
    count = mesh_count if stated is None else stated
    return b"solid but binary".ljust(80) + count.to_bytes(4, "little") + triangle * mesh_count


def test_z_is_up() -> None:
    part = read_stl(binary())
    assert part.vertices.tolist() == [[0, 0, 0], [1, 0, 0], [0, 0.5, -1]]
    assert part.faces.tolist() == [[0, 1, 2]]


def test_text_is_read() -> None:
    assert read_stl(TEXT).vertices.tolist() == [[0, 0, 0], [1, 0, 0], [0, 0.5, -1.5]]
    assert read_stl(TEXT.upper()).faces.tolist() == [[0, 1, 2]]


def test_a_binary_file_may_begin_like_text() -> None:
    assert is_binary_stl(binary())
    assert not is_binary_stl(TEXT)
    assert is_text_stl(TEXT)
    assert not is_text_stl(binary())


def test_bytes_after_the_last_triangle_are_passed_over() -> None:
    assert len(read_stl(binary(2) + b"more").faces) == 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cut short"),
        (b"\0" * 83, "cut short"),
        (binary()[:-1], "cut short"),
        (binary(1, stated=2), "cut short"),
        (binary(1, stated=2**32 - 1), "cut short, or no STL"),
        (TEXT.replace(b"      vertex 1 0 0\n", b""), "cut short"),
        (TEXT.replace(b"1.5e0", b"one"), "something other than a number"),
    ],
)
def test_a_damaged_file_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(InvalidMesh, match=message):
        read_stl(data)


def test_what_trimesh_writes_is_read() -> None:
    mesh = blob(200)
    x, y, z = np.asarray(mesh.triangles, np.float32).reshape(-1, 3).T
    for kind in ("stl", "stl_ascii"):
        data = mesh.export(file_type=kind)
        part = read_stl(data if isinstance(data, bytes) else data.encode())  # type: ignore[union-attr]  # text
        assert part.vertices == pytest.approx(np.column_stack([x, z, -y]), abs=1e-6)
