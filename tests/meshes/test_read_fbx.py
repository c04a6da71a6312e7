"""FBX files from elsewhere: axes, units and places as ufbx has them; and hostile ones."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from orfeas.errors import InvalidMesh
from orfeas.meshes import fbx_nodes
from orfeas.meshes.fbx_nodes import MAGIC, FbxNode, Value, read_nodes, write_nodes
from orfeas.meshes.parts import Part
from orfeas.meshes.read_fbx import read_fbx
from tests.meshes.ufbx_reader import read_by_ufbx

POINTS = np.array([[0, 0, 0], [1, 0, 0], [1, 2, 0], [0, 2, 3.0]])
SQUARE = np.array([0, 1, 2, ~3], dtype=np.int32)
Row = tuple[Value, ...]


def properties(*rows: Row) -> FbxNode:
    return FbxNode("Properties70", (), [FbxNode("P", row) for row in rows])


def triple(name: str, *values: float) -> Row:
    return (name, "Vector3D", "Vector", "", *map(float, values))


def setting(name: str, value: int) -> Row:
    return (name, "int", "Integer", "", value)


def fbx(
    *places: Row,
    child: tuple[Row, ...] = (),
    axes: tuple[Row, ...] = (),
    corners: Value = SQUARE,
    layers: tuple[FbxNode, ...] = (),
    links: tuple[tuple[int, int], ...] = ((10, 0), (11, 10), (20, 11)),
) -> bytes:
    """A square on a model, on another model."""
    geometry = FbxNode(
        "Geometry",
        [np.int64(20), "g\0\x01Geometry", "Mesh"],
        [FbxNode("Vertices", [POINTS.ravel()]), FbxNode("PolygonVertexIndex", [corners]), *layers],
    )
    upper = FbxNode("Model", [np.int64(10), "a\0\x01Model", "Null"], [properties(*places)])
    lower = FbxNode("Model", [np.int64(11), "b\0\x01Model", "Mesh"], [properties(*child)])
    return write_nodes(
        [
            FbxNode("FBXHeaderExtension", (), [FbxNode("FBXVersion", [7400])]),
            FbxNode("GlobalSettings", (), [properties(*axes)]),
            FbxNode("Objects", (), [geometry, upper, lower]),
            FbxNode("Connections", (), [FbxNode("C", ["OO", np.int64(a), np.int64(b)]) for a, b in links]),
        ]
    )


def only(data: bytes) -> Part:
    (part,) = read_fbx(data)
    return part


Z_UP = (setting("UpAxis", 2), setting("FrontAxis", 1), setting("FrontAxisSign", -1), setting("CoordAxis", 0))
METRES: Row = ("UnitScaleFactor", "double", "Number", "", 100.0)


@pytest.mark.parametrize("axes", [(), (*Z_UP, METRES)], ids=["centimetres, Y up", "metres, Z up"])
@pytest.mark.parametrize(
    ("places", "child"),
    [
        ((), ()),
        ((triple("Lcl Translation", 1, 2, 3), triple("Lcl Rotation", 10, 20, 30)), (triple("Lcl Scaling", 1, 2, 3),)),
        ((triple("Lcl Rotation", 10, 20, 30), setting("RotationOrder", 4)), (triple("PreRotation", -90, 5, 0),)),
        (
            (triple("RotationPivot", 1, 0, 2), triple("RotationOffset", 0, 1, 0), triple("Lcl Rotation", 45, 0, 9)),
            (triple("ScalingPivot", 1, 1, 1), triple("ScalingOffset", 3, 0, 0), triple("Lcl Scaling", 2, 2, -1)),
        ),
        (
            (triple("PostRotation", 0, 30, 60), triple("Lcl Rotation", 1, 2, 3)),
            (
                triple("GeometricTranslation", 0, 5, 0),
                triple("GeometricRotation", 0, 0, 90),
                triple("GeometricScaling", 1, 2, 1),
            ),
        ),
    ],
)
def test_ufbx_puts_it_at_the_same_place(
    places: tuple[Row, ...], child: tuple[Row, ...], axes: tuple[Row, ...], tmp_path: Path
) -> None:
    path = tmp_path / "model.fbx"
    path.write_bytes(fbx(*places, child=child, axes=axes))
    columns = read_by_ufbx(path).to_world
    expected = POINTS @ columns[:3] + columns[3]
    if axes:
        expected = expected[:, [0, 2, 1]] * (1, 1, -1) * 100
    found = only(path.read_bytes())
    assert found.vertices == pytest.approx(expected[[0, 1, 2, 0, 2, 3]] * 10, abs=1e-9)


def layer(kind: str, name: str, values: Value, mapping: str, index: Value | None = None) -> FbxNode:
    return FbxNode(
        f"LayerElement{kind}",
        [0],
        [
            FbxNode("MappingInformationType", [mapping]),
            FbxNode("ReferenceInformationType", ["Direct" if index is None else "IndexToDirect"]),
            FbxNode(name, [values]),
            *([] if index is None else [FbxNode(f"{kind}Index", [index])]),
        ],
    )


FOUR = np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]])


@pytest.mark.parametrize(
    "uv",
    [
        layer("UV", "UV", FOUR.ravel(), "ByPolygonVertex"),
        layer("UV", "UV", FOUR.ravel(), "ByVertice"),
        layer("UV", "UV", FOUR[::-1].ravel(), "ByPolygonVertex", np.array([3, 2, 1, 0], dtype=np.int32)),
    ],
)
def test_uvs_are_read_however_they_are_kept(uv: FbxNode) -> None:
    found = only(fbx(layers=(uv,))).uv
    assert found is not None
    assert found.tolist() == FOUR[[0, 1, 2, 0, 2, 3]].tolist()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (MAGIC, "cut short"),
        (MAGIC + struct.pack("<I", 6100), "version 6100"),
        (MAGIC + struct.pack("<I", 7400) + b"\xff" * 40, "cut short"),
        (fbx(corners=np.array([0, 1, ~4], dtype=np.int32)), "do not exist"),
        (
            fbx(layers=(layer("UV", "UV", FOUR.ravel(), "ByPolygonVertex", np.array([0, 1, 2, 4], np.int32)),)),
            "damaged",
        ),
        (fbx(layers=(layer("UV", "UV", FOUR.ravel(), "ByPolygonVertex", np.array([0], np.int32)),)), "damaged"),
        (fbx(axes=(setting("UpAxis", 2),)), "damaged"),
        (fbx(axes=(("UnitScaleFactor", "double", "Number", "", -1.0),)), "damaged"),
        (fbx(triple("Lcl Scaling", 1, float("nan"), 1)), "damaged"),
        (fbx(setting("RotationOrder", 6)), "cannot be read"),
        (fbx(links=((10, 0), (11, 10), (10, 11))), "contains itself"),
    ],
)
def test_a_hostile_file_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(InvalidMesh, match=message):
        read_fbx(data)


def test_models_that_double_are_refused_before_they_are_many() -> None:
    links = tuple((10 + n % 2, 10 + (n + 1) % 2) for n in range(64))
    with pytest.raises(InvalidMesh, match=r"over 20,000 parts|contains itself"):
        read_fbx(fbx(links=((10, 0), *links)))


def deflated(count: int, content: bytes, kind: bytes = b"d") -> bytes:
    """A file with one array that says it has so many numbers."""
    data = zlib.compress(content)
    values = kind + struct.pack("<III", count, 1, len(data)) + data
    start = len(MAGIC) + 4
    head = struct.pack("<IIIB", start + 13 + 1 + len(values), 1, len(values), 1)
    return MAGIC + struct.pack("<I", 7400) + head + b"A" + values + bytes(13)


def test_an_array_that_unpacks_to_what_it_says_is_read() -> None:
    array = read_nodes(deflated(3, np.arange(3.0).tobytes())).children[0].array()
    assert array is not None
    assert array.tolist() == [0, 1, 2]


@pytest.mark.parametrize("count", [2, 4, 2**20])
def test_an_array_that_lies_about_its_length_is_refused(count: int) -> None:
    with pytest.raises(InvalidMesh, match="cut short"):
        read_nodes(deflated(count, np.arange(3.0).tobytes()))


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(InvalidMesh, match="too much once unpacked"):
        read_nodes(deflated(2**31, bytes(1000)))


def test_nodes_in_nodes_without_end_are_refused() -> None:
    node = FbxNode("A")
    for _ in range(fbx_nodes.MAX_DEPTH + 2):
        node = FbxNode("A", (), [node])
    with pytest.raises(InvalidMesh, match="nested too deeply"):
        read_nodes(write_nodes([node]))


def test_wide_files_are_read() -> None:
    values = b"I" + struct.pack("<i", 7)
    start = len(MAGIC) + 4
    head = struct.pack("<QQQB", start + 25 + 1 + len(values), 1, len(values), 1)
    data = MAGIC + struct.pack("<I", 7500) + head + b"A" + values + bytes(25)
    assert read_nodes(data).children[0].integer() == 7
