import struct

import numpy as np
import pytest
import trimesh

from orfeas.errors import InvalidMesh
from orfeas.meshes.read_ply import read_ply
from tests.meshes.solids import box, coloured_box

XYZ = "property float x\nproperty float y\nproperty float z\n"
LIST = "property list uchar int vertex_indices\n"
POINTS = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)]


def header(kind: str, vertex: str = XYZ, face: str = LIST, vertices: int = 4, faces: int = 1, more: str = "") -> bytes:
    text = f"ply\nformat {kind} 1.0\ncomment element face 99\nelement vertex {vertices}\n{vertex}"
    return (f"{text}element face {faces}\n{face}{more}end_header\n").encode()


TEXT_POINTS = b"0 0 0\n1 0 0\n1 1 0\n0 1 0\n"


@pytest.mark.parametrize(("order", "kind"), [("<", "binary_little_endian"), (">", "binary_big_endian")])
def test_both_byte_orders_are_read(order: str, kind: str) -> None:
    body = b"".join(struct.pack(f"{order}3f", *point) for point in POINTS)
    body += struct.pack(f"{order}B3i", 3, 0, 1, 2)
    part = read_ply(header(kind) + body)
    assert part.vertices.tolist() == [list(point) for point in POINTS]
    assert part.faces.tolist() == [[0, 1, 2]]


def test_text_is_read() -> None:
    part = read_ply(header("ascii", faces=2) + TEXT_POINTS + b"3 0 1 2\n3 0 2 3\n")
    assert part.vertices.tolist() == [list(point) for point in POINTS]
    assert part.faces.tolist() == [[0, 1, 2], [0, 2, 3]]


@pytest.mark.parametrize("kind", ["ascii", "binary_little_endian"])
def test_polygons_of_several_lengths_become_triangles(kind: str) -> None:
    polygons = [(0, 1, 2), (0, 1), (0, 1, 2, 3), (3, 2, 1)]
    if kind == "ascii":
        body = TEXT_POINTS + b"".join(
            b" ".join(str(n).encode() for n in (len(polygon), *polygon)) + b"\n" for polygon in polygons
        )
    else:
        body = np.array(POINTS, "<f4").tobytes()
        body += b"".join(struct.pack(f"<B{len(polygon)}i", len(polygon), *polygon) for polygon in polygons)
    part = read_ply(header(kind, faces=4) + body)
    assert sorted(part.faces.tolist()) == [[0, 1, 2], [0, 1, 2], [0, 2, 3], [3, 2, 1]]


def test_windows_line_ends_are_read() -> None:
    text = (header("ascii") + TEXT_POINTS + b"3 0 1 2\n").replace(b"\n", b"\r\n")
    assert read_ply(text).faces.tolist() == [[0, 1, 2]]


def test_further_properties_and_elements_are_passed_over() -> None:
    face = "property uchar flags\n" + LIST + "property list uchar float texcoord\n"
    more = "element edge 1\nproperty int a\nproperty int b\nelement strip 2\nproperty list int int numbers\n"
    body = TEXT_POINTS + b"7 3 0 1 2 6 0 0 1 0 1 1\n" + b"0 1\n" + b"2 5 5 0\n"
    assert read_ply(header("ascii", face=face, more=more) + body).faces.tolist() == [[0, 1, 2]]


def test_elements_before_the_vertices_are_passed_over() -> None:
    text = header("ascii").replace(b"element vertex", b"element first 2\nproperty list uchar int n\nelement vertex")
    assert read_ply(text + b"1 5\n3 1 2 3\n" + TEXT_POINTS + b"3 0 1 2\n").vertices[1].tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("kind", "numbers"), [("uchar", "255 0 128"), ("float", "1 0 0.5"), ("ushort", "65535 0 32768")]
)
def test_colours_are_read_in_every_range(kind: str, numbers: str) -> None:
    vertex = XYZ + "".join(f"property {kind} {name}\n" for name in ("red", "green", "blue"))
    body = "".join(f"{x} {y} {z} {numbers}\n" for x, y, z in POINTS) + "3 0 1 2\n"
    part = read_ply(header("ascii", vertex=vertex) + body.encode())
    assert part.colours is not None
    assert part.colours.tolist() == [[255, 0, 128, 255]] * 4


def test_alpha_is_read() -> None:
    vertex = XYZ + "".join(f"property uchar {name}\n" for name in ("red", "green", "blue", "alpha"))
    body = "".join(f"{x} {y} {z} 1 2 3 4\n" for x, y, z in POINTS) + "3 0 1 2\n"
    part = read_ply(header("ascii", vertex=vertex) + body.encode())
    assert part.colours is not None
    assert part.colours.tolist() == [[1, 2, 3, 4]] * 4


@pytest.mark.parametrize("encoding", ["ascii", "binary"])
def test_what_trimesh_writes_is_read(encoding: str) -> None:
    mesh = coloured_box()
    data = trimesh.exchange.ply.export_ply(mesh, encoding=encoding)
    part = read_ply(data if isinstance(data, bytes) else data.encode())
    assert part.vertices == pytest.approx(np.asarray(mesh.vertices))
    assert np.array_equal(part.faces, mesh.faces)
    assert np.array_equal(part.colours, mesh.visual.vertex_colors)  # type: ignore[arg-type,union-attr]  # it has colours


def test_points_without_faces_are_a_model_without_faces() -> None:
    part = read_ply(header("ascii", faces=0) + TEXT_POINTS)
    assert (len(part.vertices), len(part.faces)) == (4, 0)


BINARY = np.array(POINTS, "<f4").tobytes()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"ply\n", "cut short"),
        (b"ply\nend_header\n", "header is damaged"),
        (b"ply\nformat latin 1.0\nend_header\n", "header is damaged"),
        (b"ply\nformat ascii 1.0\nelement face\nend_header\n", "header is damaged"),
        (b"ply\nformat ascii 1.0\nelement face 1\nend_header\n", "header is damaged"),
        (b"ply\nformat ascii 1.0\nelement face many\nend_header\n", "something other than a number"),
        (b"ply\nformat ascii 1.0\nproperty float x\nend_header\n", "header is damaged"),
        (header("ascii", vertex=XYZ + "property quad w\n"), "header is damaged"),
        (header("ascii", vertex=XYZ + "property float x\n"), "header is damaged"),
        (header("ascii", vertex="".join(f"property char p{n}\n" for n in range(257))), "header is damaged"),
        (header("ascii", vertices=-1), "header is damaged"),
        (header("ascii", vertices=30_000_001), "30,000,001 vertices"),
        (header("ascii", faces=10_000_001), "10,000,001 faces"),
        (header("ascii", faces=10**40), "something other than a number"),
        (header("ascii", vertex="property float x\nproperty float y\n") + b"0 0\n" * 4 + b"3 0 1 2\n", "no place"),
        (header("ascii", face="property uchar flags\n") + TEXT_POINTS + b"1\n", "faces have no corners"),
        (header("ascii"), "cut short"),
        (header("ascii") + b"0 0 zero\n", "something other than a number"),
        (header("ascii") + TEXT_POINTS, "cut short"),
        (header("ascii") + TEXT_POINTS + b"3 0 1\n", "cut short"),
        (header("ascii") + TEXT_POINTS + b"-3 0 1 2\n", "impossible length"),
        (header("ascii") + TEXT_POINTS + b"nan 0 1 2\n", "cut short"),
        (header("ascii") + TEXT_POINTS + b"1e300 0 1 2\n", "impossible length"),
        (header("ascii") + TEXT_POINTS + b"3 0 1 nan\n", "something other than a number"),
        (header("ascii") + TEXT_POINTS + b"3 0 1 1e300\n", "something other than a number"),
        (header("binary_little_endian") + BINARY[:-1], "cut short"),
        (header("binary_little_endian") + BINARY, "cut short"),
        (header("binary_little_endian") + BINARY + b"\3\0\0", "cut short"),
        (header("binary_little_endian", faces=2) + BINARY + struct.pack("<B3iB", 3, 0, 1, 2, 3), "cut short"),
        (
            header("binary_little_endian", face=LIST.replace("uchar", "int")) + BINARY + b"\xff" * 16,
            "impossible length",
        ),
    ],
)
def test_a_damaged_file_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(InvalidMesh, match=message):
        read_ply(data)


def test_a_cube_has_twelve_faces() -> None:
    mesh = box()
    data = trimesh.exchange.ply.export_ply(mesh)
    assert isinstance(data, bytes)
    assert np.array_equal(read_ply(data).faces, mesh.faces)
