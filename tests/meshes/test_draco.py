"""Geometry packed by Draco, into a GLB and back, and damaged."""

import io
import json
import struct
from pathlib import Path

import DracoPy
import numpy as np
import pytest
import trimesh

from orfeas.errors import InvalidMesh, InvalidOption
from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.draco import EXTENSION, pack, unpack
from orfeas.meshes.export import export
from orfeas.meshes.load import load_mesh
from orfeas.meshes.placement import place
from orfeas.meshes.provenance import read_provenance
from orfeas.meshes.srgb import to_srgb
from orfeas.meshes.stats import measure
from orfeas.options import Compression, OutputFormat
from tests.meshes.solids import PROVENANCE, blob, box, coloured_box, textured_ball
from tests.meshes.test_read_glb import SQUARE, TWO, square

BALL = place(textured_ball(), 100)


def packed(mesh: trimesh.Trimesh) -> bytes:
    return export(mesh, OutputFormat.GLB, PROVENANCE, compression=Compression.DRACO)


def bitstream() -> bytes:
    normals = np.tile([0.0, 1.0, 0.0], (len(BALL.vertices), 1))
    return pack(BALL.vertices.astype(np.float32), normals, None, np.asarray(BALL.faces)).data


@pytest.mark.parametrize("mesh", [textured_ball(40), blob(), box()], ids=["textured", "blob", "box"])
def test_a_packed_model_comes_back_closed_and_nearly_the_same(mesh: trimesh.Trimesh, tmp_path: Path) -> None:
    mesh = place(mesh, 100)
    path = tmp_path / "model.glb"
    path.write_bytes(packed(mesh))
    before, after = measure(mesh), measure(load_mesh(path))
    assert (after.vertices, after.faces, after.euler_number) == (before.vertices, before.faces, before.euler_number)
    assert after.is_watertight and after.is_winding_consistent
    assert (after.has_uv, after.has_texture) == (before.has_uv, before.has_texture)
    assert after.volume_mm3 == pytest.approx(before.volume_mm3, rel=1e-4)
    assert after.size_mm == pytest.approx(before.size_mm, abs=1e-3)
    assert read_provenance(path) == PROVENANCE


def test_it_is_much_smaller_and_the_same_every_time() -> None:
    mesh = place(blob(8000), 100)
    assert len(packed(mesh)) < 0.2 * len(export(mesh, OutputFormat.GLB, PROVENANCE))
    assert packed(mesh) == packed(mesh)


def test_trimesh_reads_it_with_its_texture() -> None:
    scene = trimesh.load(io.BytesIO(packed(BALL)), file_type="glb")
    assert isinstance(scene, trimesh.Scene)
    (found,) = scene.geometry.values()
    assert isinstance(found, trimesh.Trimesh)
    assert found.extents == pytest.approx(BALL.extents / 1000, abs=1e-6)
    assert appearance_of(found).texture is not None


def test_uvs_stay_at_their_corners(tmp_path: Path) -> None:
    path = tmp_path / "model.glb"
    path.write_bytes(packed(BALL))
    again = load_mesh(path)
    uv, uv_again = appearance_of(BALL).uv, appearance_of(again).uv
    assert uv is not None and uv_again is not None
    corners = np.hstack([again.vertices, 100 * uv_again])
    expected = np.hstack([BALL.vertices, 100 * uv])
    nearest = np.abs(corners[:, None] - expected[None]).max(axis=2).min(axis=1)
    assert nearest.max() < 0.01


def test_colours_on_vertices_and_other_formats_are_refused() -> None:
    with pytest.raises(InvalidOption, match="colours on its vertices"):
        packed(coloured_box())
    with pytest.raises(InvalidOption, match="Only a GLB"):
        export(box(), OutputFormat.STL, None, compression=Compression.DRACO)


def test_counts_that_would_fill_the_memory_are_seen_before_anything_is_decoded() -> None:
    data = bytearray(bitstream())
    data[12:12] = b"\xff\xff\xff\xff\x07"  # two thousand million vertices
    with pytest.raises(InvalidMesh, match="vertices; at most"):
        unpack(bytes(data))


@pytest.mark.parametrize(
    "data", [b"", b"DRACO", b"DRACO\2\2" + bytes(100), b"DRACO\2\2\1\1\0\0\0\xff\xff\xff\xff\xff\xff"]
)
def test_what_is_no_bitstream_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidMesh, match="damaged"):
        unpack(data)


@pytest.mark.parametrize("version", [b"\1\3", b"\2\0", b"\2\1", b"\2\3", b"\3\2"])
def test_a_version_whose_counts_stand_elsewhere_is_refused(version: bytes) -> None:
    data = bytearray(bitstream())
    data[5:7] = version
    with pytest.raises(InvalidMesh, match=r"of another version than 2\.2"):
        unpack(bytes(data))


def test_a_bitstream_cut_anywhere_is_refused() -> None:
    data = bitstream()
    for length in np.linspace(0, len(data) - 1, 60).astype(int):
        with pytest.raises(InvalidMesh):
            unpack(data[:length])


def test_damage_is_survived_or_refused() -> None:
    whole = bitstream()
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        data = bytearray(whole)
        for at in random.integers(0, len(data), 3):
            data[at] = random.integers(256)
        try:
            unpack(bytes(data))
        except InvalidMesh:
            refused += 1
    assert 100 < refused < 300


def test_a_few_bytes_that_claim_millions_of_faces_are_refused() -> None:
    data = bytearray(bitstream())
    data[12:14] = b"\x80\x80\x80\x04"  # eight million vertices
    with pytest.raises(InvalidMesh, match="damaged"):
        unpack(bytes(data))


@pytest.mark.parametrize("width", [3, 4])
def test_colours_that_others_packed_on_vertices_are_read(width: int) -> None:
    rgba = np.array([[255, 0, 0, 255], [0, 255, 0, 128], [0, 0, 188, 255], [255, 255, 255, 0]], np.uint8)
    rgba[:, 3] = np.where(width == 4, rgba[:, 3], 255)
    glb = square(extensions={EXTENSION: {"bufferView": 2, "attributes": {"POSITION": 1, "COLOR_0": 0}}})
    colours = np.ascontiguousarray(rgba[:, :width])
    assert glb.view(DracoPy.encode(SQUARE, TWO.reshape(2, 3).astype(np.uint32), colors=colours)) == 2
    attributes = glb.document["meshes"][0]["primitives"][0]["attributes"]
    attributes["COLOR_0"] = glb.array(colours, normalized=True)
    (part,) = glb.parts()
    assert part.colours is not None
    # Linear light, as everywhere in glTF (conventions §6).
    light = np.column_stack([to_srgb(rgba[:, :3] / 255.0), rgba[:, 3] / 255.0])
    expected = dict(zip(map(tuple, SQUARE * 1000.0), (light * 255.0).round().astype(int).tolist(), strict=True))
    found = dict(zip(map(tuple, part.vertices), part.colours.tolist(), strict=True))
    assert found == expected


def test_a_bitstream_with_other_attributes_than_the_file_says_is_refused() -> None:
    glb = square(extensions={EXTENSION: {"bufferView": 2, "attributes": {"POSITION": 1, "COLOR_0": 0}}})
    glb.view(DracoPy.encode(SQUARE, TWO.reshape(2, 3).astype(np.uint32), colors=np.zeros((4, 3), np.uint8)))
    attributes = glb.document["meshes"][0]["primitives"][0]["attributes"]
    attributes["COLOR_0"] = glb.array(np.zeros((4, 4), np.uint8), normalized=True)
    with pytest.raises(InvalidMesh, match="not what the file says"):
        glb.parts()


def test_counts_that_differ_from_the_bitstream_are_refused(tmp_path: Path) -> None:
    data = packed(BALL)
    length = struct.unpack_from("<I", data, 12)[0]
    document = json.loads(data[20 : 20 + length])
    document["accessors"][-1]["count"] -= 3
    text = json.dumps(document, separators=(",", ":")).encode().ljust(length)
    path = tmp_path / "model.glb"
    path.write_bytes(data[:20] + text + data[20 + length :])
    with pytest.raises(InvalidMesh, match="not what the file says"):
        load_mesh(path)
