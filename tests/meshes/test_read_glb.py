"""GLB files made by hand, as other programs and strangers make them."""

import json
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from orfeas.errors import InvalidMesh
from orfeas.meshes.glb_container import MAX_JSON_BYTES, join_chunks
from orfeas.meshes.limits import MAX_PARTS
from orfeas.meshes.parts import Part
from orfeas.meshes.read_glb import read_glb

SQUARE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=np.float32)
TWO = np.array([0, 1, 2, 0, 2, 3], dtype=np.uint16)
KINDS = {"f": 5126, "H": 5123, "I": 5125, "B": 5121, "b": 5120, "h": 5122}
WIDTHS = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}

Json = dict[str, Any]


class Glb:
    """A GLB file in the making; ``document`` may be changed at will before it is written."""

    def __init__(self) -> None:
        self.document: Json = {"asset": {"version": "2.0"}, "accessors": [], "bufferViews": [], "buffers": [{}]}
        self.buffer = b""

    def view(self, data: bytes) -> int:
        self.document["bufferViews"].append({"buffer": 0, "byteOffset": len(self.buffer), "byteLength": len(data)})
        self.buffer += data + bytes(-len(data) % 4)
        return len(self.document["bufferViews"]) - 1

    def array(self, values: NDArray[Any], **more: object) -> int:
        width = 1 if values.ndim == 1 else values.shape[1]
        self.document["accessors"].append(
            {
                "bufferView": self.view(values.tobytes()),
                "componentType": KINDS[values.dtype.char],
                "count": len(values),
                "type": WIDTHS[width],
                **more,
            }
        )
        return len(self.document["accessors"]) - 1

    def bytes(self) -> bytes:
        self.document["buffers"][0].setdefault("byteLength", len(self.buffer))
        return join_chunks(json.dumps(self.document).encode("ascii"), [self.buffer])

    def parts(self) -> list[Part]:
        return read_glb(self.bytes())


def square(**primitive: object) -> Glb:
    """A square of one metre in the plane z = 0, of two triangles."""
    glb = Glb()
    whole = {"attributes": {"POSITION": glb.array(SQUARE)}, "indices": glb.array(TWO), **primitive}
    glb.document |= {"meshes": [{"primitives": [whole]}], "nodes": [{"mesh": 0}], "scenes": [{"nodes": [0]}]}
    return glb


def png(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def textured(**info: object) -> Glb:
    glb = square(material=0)
    glb.document["meshes"][0]["primitives"][0]["attributes"]["TEXCOORD_0"] = glb.array(SQUARE[:, :2].copy())
    glb.document["images"] = [{"bufferView": glb.view(png(Image.new("RGB", (4, 4), (10, 20, 30)))), "mimeType": "x"}]
    glb.document["textures"] = [{"source": 0}]
    glb.document["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0, **info}}}]
    return glb


def test_metres_become_millimetres() -> None:
    (part,) = square().parts()
    assert np.array_equal(part.vertices, SQUARE * 1000.0)
    assert part.faces.tolist() == [[0, 1, 2], [0, 2, 3]]


def test_a_node_scales_then_turns_then_moves() -> None:
    glb = square()
    half = np.sqrt(0.5)
    # A quarter turn about Z takes X to Y.
    glb.document["nodes"][0] |= {"scale": [2, 1, 1], "rotation": [0, 0, half, half], "translation": [0, 0, 5]}
    assert glb.parts()[0].vertices[1] == pytest.approx([0, 2000, 5000])


def test_a_matrix_is_read_column_by_column() -> None:
    glb = square()
    glb.document["nodes"][0]["matrix"] = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 7, 8, 9, 1]
    assert glb.parts()[0].vertices[0] == pytest.approx([7000, 8000, 9000])


def test_children_move_with_their_parents() -> None:
    glb = square()
    glb.document["nodes"] = [{"children": [1], "scale": [3, 3, 3]}, {"mesh": 0, "translation": [1, 0, 0]}]
    assert glb.parts()[0].vertices[0] == pytest.approx([3000, 0, 0])


def test_a_mirror_image_is_wound_the_other_way_round() -> None:
    glb = square()
    glb.document["nodes"][0]["scale"] = [-1, 1, 1]
    (part,) = glb.parts()
    a, b, c = part.vertices[part.faces[0]]
    assert np.cross(b - a, c - a)[2] > 0


def test_a_mesh_shown_twice_is_there_twice() -> None:
    glb = square()
    glb.document["nodes"] = [{"mesh": 0}, {"mesh": 0, "translation": [0, 0, 1]}]
    glb.document["scenes"] = [{"nodes": [0, 1]}]
    assert [part.vertices[0, 2] for part in glb.parts()] == [0.0, 1000.0]


def test_nodes_outside_the_scene_are_not_there() -> None:
    glb = square()
    glb.document["nodes"].append({"mesh": 0})
    glb.document |= {"scene": 1, "scenes": [{"nodes": [0, 1]}, {"nodes": [1]}]}
    assert len(glb.parts()) == 1


def test_without_a_scene_every_root_is_there() -> None:
    glb = square()
    del glb.document["scenes"]
    glb.document["nodes"] = [{"children": [1]}, {"mesh": 0}, {"mesh": 0}]
    assert len(glb.parts()) == 2


@pytest.mark.parametrize(
    ("mode", "indices", "faces"),
    [
        (5, [0, 1, 3, 2], [[0, 1, 3], [3, 1, 2]]),
        (6, [0, 1, 2, 3], [[0, 1, 2], [0, 2, 3]]),
        (4, [0, 1, 2, 3], [[0, 1, 2]]),
        (5, [0, 1], []),
    ],
)
def test_strips_and_fans_become_triangles(mode: int, indices: list[int], faces: list[list[int]]) -> None:
    glb = square(mode=mode)
    glb.document["meshes"][0]["primitives"][0]["indices"] = glb.array(np.array(indices, dtype=np.uint8))
    found = [sorted(np.roll(face, -int(face.argmin())).tolist() for face in part.faces) for part in glb.parts()]
    assert found == [sorted(np.roll(face, -int(np.argmin(face))).tolist() for face in faces)]


def test_lines_and_points_are_passed_over() -> None:
    glb = square()
    glb.document["meshes"][0]["primitives"] += [{"attributes": {"POSITION": 0}, "mode": mode} for mode in (0, 1, 3)]
    assert len(glb.parts()) == 1


def test_without_indices_every_three_points_are_a_triangle() -> None:
    glb = square()
    primitive = glb.document["meshes"][0]["primitives"][0]
    del primitive["indices"]
    primitive["attributes"]["POSITION"] = glb.array(SQUARE[[0, 1, 2, 0, 2, 3]])
    assert glb.parts()[0].faces.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_numbers_may_lie_apart() -> None:
    glb = square()
    apart = np.zeros((4, 5), dtype=np.float32)
    apart[:, 1:4] = SQUARE
    view = glb.view(apart.tobytes())
    glb.document["bufferViews"][view]["byteStride"] = 20
    glb.document["accessors"][0] |= {"bufferView": view, "byteOffset": 4}
    assert np.array_equal(glb.parts()[0].vertices, SQUARE * 1000.0)


def test_quantised_points_are_read() -> None:
    glb = square()
    glb.document["extensionsRequired"] = ["KHR_mesh_quantization"]
    position = glb.array((SQUARE * 32767).astype(np.int16), normalized=True)
    glb.document["meshes"][0]["primitives"][0]["attributes"]["POSITION"] = position
    assert glb.parts()[0].vertices == pytest.approx(SQUARE * 1000.0)


def test_vertex_colours_are_taken_from_linear_light() -> None:
    glb = square()
    light = np.tile(np.array([0.0, 0.5, 1.0], dtype=np.float32), (4, 1))
    glb.document["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"] = glb.array(light)
    colours = glb.parts()[0].colours
    assert colours is not None
    assert colours.tolist() == [[0, 188, 255, 255]] * 4


def test_uvs_count_from_below() -> None:
    uv = textured().parts()[0].uv
    assert uv is not None
    assert uv.tolist() == [[0, 1], [1, 1], [1, 0], [0, 0]]


def test_a_texture_may_be_turned_and_shifted() -> None:
    glb = textured(extensions={"KHR_texture_transform": {"offset": [0.5, 0], "scale": [2, 1], "rotation": np.pi / 2}})
    glb.document["extensionsRequired"] = ["KHR_texture_transform"]
    uv = glb.parts()[0].uv
    assert uv is not None
    # The specification's matrices: (1, 0) is scaled to (2, 0), turned to (0, −2), and shifted to (0.5, −2).
    assert uv[1] == pytest.approx([0.5, 1.0 - -2.0])


def test_a_texture_may_use_the_second_uvs() -> None:
    glb = textured(texCoord=1)
    attributes = glb.document["meshes"][0]["primitives"][0]["attributes"]
    attributes["TEXCOORD_1"] = glb.array(SQUARE[:, :2] * np.float32(0.5))
    uv = glb.parts()[0].uv
    assert uv is not None
    assert uv[2].tolist() == [0.5, 0.5]


def test_the_material_has_gltfs_own_defaults() -> None:
    material = textured().parts()[0].material
    assert material is not None
    assert (material.metallicFactor, material.roughnessFactor) == (1.0, 1.0)
    assert material.baseColorTexture.getpixel((0, 0)) == (10, 20, 30)


def test_webp_textures_are_read() -> None:
    glb = textured()
    buffer = BytesIO()
    Image.new("RGB", (4, 4), (200, 100, 50)).save(buffer, "WEBP", lossless=True)
    glb.document["images"].append({"bufferView": glb.view(buffer.getvalue())})
    glb.document["textures"] = [{"extensions": {"EXT_texture_webp": {"source": 1}}}]
    material = glb.parts()[0].material
    assert material is not None
    assert material.baseColorTexture.getpixel((0, 0)) == (200, 100, 50)


def test_parts_share_their_material() -> None:
    glb = textured()
    glb.document["meshes"][0]["primitives"] *= 2
    first, second = glb.parts()
    assert first.material is second.material


def changed(path: str, value: object) -> Glb:
    """A textured square with one value of its document changed."""
    glb = textured()
    *steps, last = path.split(".")
    place: Any = glb.document
    for step in steps:
        place = place[int(step)] if step.isdigit() else place[step]
    place[int(last) if last.isdigit() else last] = value
    return glb


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("buffers.0.uri", "file:///etc/passwd", "by an address"),
        ("buffers.0.uri", "http://127.0.0.1/", "by an address"),
        ("images.0", {"uri": "../../secret.png"}, "outside of what was uploaded"),
        ("extensionsRequired", ["KHR_texture_basisu"], "uses KHR_texture_basisu"),
        ("extensionsRequired", ["EXT_meshopt_compression"], "uses EXT_meshopt_compression"),
        ("textures.0", {"extensions": {"KHR_texture_basisu": {"source": 0}}}, "texture of a kind"),
        ("accessors.0.sparse", {"count": 1}, "sparse"),
        ("accessors.0.bufferView", None, "sparse"),
        ("accessors.0.count", 5, "cut short"),
        ("accessors.0.count", 10**7, "cut short"),
        ("accessors.0.count", 10**9, "damaged at accessors.0.count"),
        ("accessors.0.count", 0, "damaged at accessors.0.count"),
        ("accessors.0.count", -4, "damaged at accessors.0.count"),
        ("accessors.1.count", 30_000_000, "cut short"),
        ("accessors.1.count", 30_000_003, "damaged at accessors.1.count"),
        ("accessors.0.byteOffset", 4, "cut short"),
        ("accessors.0.byteOffset", -4, "damaged"),
        ("accessors.0.componentType", 5124, "damaged at accessors.0.componentType"),
        ("accessors.0.type", "VEC4", "VEC4 where VEC3 belongs"),
        ("accessors.0.type", "MAT4", "MAT4 where VEC3 belongs"),
        ("accessors.0.bufferView", 99, "not there"),
        ("bufferViews.0.buffer", 1, "not there"),
        ("bufferViews.0.byteLength", 10**9, "cut short"),
        ("bufferViews.0.byteOffset", 10**9, "cut short"),
        ("bufferViews.0.byteStride", 0, "damaged"),
        ("meshes.0.primitives.0.attributes", {}, "without points"),
        ("meshes.0.primitives.0.attributes.POSITION", 99, "not there"),
        ("meshes.0.primitives.0.attributes.TEXCOORD_0", 1, "SCALAR where VEC2 belongs"),
        ("meshes.0.primitives.0.indices", 0, "VEC3 where SCALAR belongs"),
        ("meshes.0.primitives.0.material", 1, "not there"),
        ("meshes.0.primitives.0.mode", 7, "damaged"),
        ("materials.0.pbrMetallicRoughness.baseColorTexture.index", 1, "not there"),
        ("textures.0.source", 1, "not there"),
        ("images.0.bufferView", 0, "texture of the model cannot be read"),
        ("nodes.0.mesh", 1, "not there"),
        ("nodes.0.children", [0], "two places"),
        ("nodes.0.matrix", [1.0] * 15, "damaged at nodes.0.matrix"),
        ("nodes.0.scale", "big", "damaged at nodes.0.scale"),
        ("scenes.0.nodes", [0, 0], "two places"),
        ("scenes.0.nodes", [5], "not there"),
        ("scene", 3, "not there"),
        ("nodes", [{}] * 200_001, "damaged at nodes"),
    ],
)
def test_a_damaged_file_is_refused_in_one_sentence(path: str, value: object, message: str) -> None:
    with pytest.raises(InvalidMesh, match=message) as caught:
        changed(path, value).parts()
    assert "\n" not in str(caught.value)
    assert "/" not in str(caught.value)


def test_a_part_with_too_few_uvs_is_refused() -> None:
    glb = textured()
    glb.document["meshes"][0]["primitives"][0]["attributes"]["TEXCOORD_0"] = glb.array(SQUARE[:3, :2].copy())
    with pytest.raises(InvalidMesh, match="more points"):
        glb.parts()


def test_numbers_beyond_all_bounds_are_refused() -> None:
    data = square().bytes().replace(b'{"mesh": 0}', b'{"mesh":0, "scale": [1e999, 1, 1]}')
    with pytest.raises(InvalidMesh, match="damaged"):
        read_glb(data)


@pytest.mark.parametrize("text", [b"", b"null", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000])
def test_a_document_that_is_none_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidMesh):
        read_glb(join_chunks(text, []))


def test_faces_are_counted_before_they_are_read() -> None:
    glb = square()
    glb.document["accessors"][1]["count"] = 3_000_000
    glb.document["meshes"][0]["primitives"] *= 11
    glb.buffer += bytes(6_000_000)
    glb.document["bufferViews"][1]["byteLength"] = 6_000_000
    with pytest.raises(InvalidMesh, match="11,000,000 faces"):
        glb.parts()


def test_vertices_are_counted_once_for_each_use() -> None:
    glb = square()
    glb.document["accessors"][0]["count"] = 10_000_000
    glb.document["bufferViews"][0] |= {"byteLength": 10_000_011, "byteStride": 1}
    glb.buffer = bytes(10_000_100)
    glb.document["bufferViews"][1]["byteOffset"] = 0
    glb.document["nodes"] = [{"mesh": 0} for _ in range(4)]
    glb.document["scenes"] = [{"nodes": [0, 1, 2, 3]}]
    glb.document["meshes"][0]["primitives"][0]["mode"] = 4
    with pytest.raises(InvalidMesh, match="40,000,000 vertices"):
        glb.parts()


def test_a_scene_of_too_many_parts_is_refused() -> None:
    glb = square()
    glb.document["meshes"][0]["primitives"] *= MAX_PARTS // 4 + 1
    glb.document["nodes"] = [{"mesh": 0} for _ in range(4)]
    glb.document["scenes"] = [{"nodes": [0, 1, 2, 3]}]
    with pytest.raises(InvalidMesh, match="parts"):
        glb.parts()


@pytest.mark.parametrize("length", [0, 3, 11, 12, 19, 25, 200, -1])
def test_a_file_cut_anywhere_is_refused(length: int) -> None:
    with pytest.raises(InvalidMesh, match=r"cut short|begin with its description"):
        read_glb(square().bytes()[:length])


def test_version_one_is_refused() -> None:
    data = bytearray(square().bytes())
    data[4] = 1
    with pytest.raises(InvalidMesh, match="version 1"):
        read_glb(bytes(data))


def test_a_description_that_is_too_large_is_refused() -> None:
    with pytest.raises(InvalidMesh, match="description is too large"):
        read_glb(join_chunks(b" " * (MAX_JSON_BYTES + 4), []))


def test_a_file_without_a_buffer_has_nothing_to_read() -> None:
    data = square().bytes()
    length = int.from_bytes(data[12:16], "little")
    with pytest.raises(InvalidMesh, match="cut short"):
        read_glb(data[: 20 + length])
