from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from orfeas.errors import InvalidMesh
from orfeas.meshes.parts import Part
from orfeas.meshes.read_obj import read_mtl, read_obj
from orfeas.meshes.references import Upload

CORNERS = b"v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n"
TEXELS = b"vt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"


def only(data: bytes, **files: bytes) -> Part:
    (part,) = read_obj(data, Upload({name.replace("_", "."): content for name, content in files.items()}))
    return part


def places(part: Part) -> list[list[list[float]]]:
    found: list[list[list[float]]] = part.vertices[part.faces].tolist()
    return found


TWO_TRIANGLES = [[[0, 0, 0], [1, 0, 0], [1, 1, 0]], [[0, 0, 0], [1, 1, 0], [0, 1, 0]]]


@pytest.mark.parametrize(
    "faces",
    [
        b"f 1 2 3\nf 1 3 4",
        b"f 1 2 3 4",
        b"f -4 -3 -2 -1",
        b"f 1/1 2/2 3/3 4/4",
        b"f 1//1 2//1 3//1 4//1",
        b"f 1/1/1 2/2/1 3/3/1 4/4/1",
        b"f 1/1/1 2//1 3/3 4",
        b"f 1/ 2/ 3/ 4/",
        b"f 1// 2// 3// 4//",
        b"f -4/-4/-1 -3/-3/-1 -2/-2/-1 -1/-1/-1",
        b"f 1 2 \\\n3 4",
        b"\tf\t1 2\t3 4   \r",
    ],
)
def test_faces_are_read_in_every_way_they_are_written(faces: bytes) -> None:
    assert places(only(CORNERS + TEXELS + b"vn 0 0 1\n" + faces + b"\n")) == TWO_TRIANGLES


def test_uvs_go_with_their_corners() -> None:
    part = only(CORNERS + TEXELS + b"f 1/4 2/3 3/2\nf 1/1 3/2 4/3\n")
    assert part.uv is not None
    assert part.uv[part.faces].tolist() == [[[0, 1], [1, 1], [1, 0]], [[0, 0], [1, 0], [1, 1]]]
    # The first corner has two UVs, the third has one.
    assert len(part.vertices) == 5


def test_a_file_in_which_some_corners_have_no_uv_has_none() -> None:
    assert only(CORNERS + TEXELS + b"f 1/1 2/2 3/3\nf 1 3 4\n").uv is None


def test_relative_numbers_count_back_from_where_they_stand() -> None:
    later = b"v 5 5 5\nv 6 5 5\nv 6 6 5\nf -3 -2 -1\n"
    part = only(CORNERS + b"f -4 -3 -2\n" + later)
    assert places(part) == [TWO_TRIANGLES[0], [[5, 5, 5], [6, 5, 5], [6, 6, 5]]]


def test_colours_after_the_place_are_read() -> None:
    part = only(b"v 0 0 0 1 0 0\nv 1 0 0 0 1 0\nv 0 1 0 0 0 0.5\nf 1 2 3\n")
    assert part.colours is not None
    assert part.colours.tolist() == [[255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 128, 255]]


def test_lines_of_several_lengths_are_read() -> None:
    part = only(b"v 0 0 0 1\nv 1 0 0\nv 0 1 0 0 1 1\nf 1 2 3\n")
    assert part.colours is None
    assert part.vertices.tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]


def test_long_files_are_read_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orfeas.meshes.read_obj.BATCH", 2)
    text = CORNERS + TEXELS + b"v 9 9 9 1 1 1\n" + b"f 1/1 2/2 3/3\n" * 5 + b"f 1/1 2/2 3/3 4/4 5/1\n"
    part = only(text)
    assert len(part.faces) == 8
    assert part.vertices[:3].tolist() == TWO_TRIANGLES[0]


def test_each_material_is_a_part() -> None:
    mtl = b"newmtl red\nKd 1 0 0\nnewmtl blue\nKd 0 0 1\n"
    text = b"mtllib a.mtl\n" + CORNERS + b"usemtl red\nf 1 2 3\nusemtl blue\nf 1 3 4\nusemtl red\nf 2 3 4\n"
    red, blue = read_obj(text, Upload({"a.mtl": mtl}))
    assert (len(red.faces), len(blue.faces)) == (2, 1)
    assert red.material is not None and blue.material is not None
    assert red.material.baseColorFactor.tolist() == [255, 0, 0, 255]
    assert blue.material.baseColorFactor.tolist() == [0, 0, 255, 255]


def test_a_diffuse_colour_is_taken_from_srgb() -> None:
    material = read_mtl(b"newmtl a\nKd 0.5 0.5 0.5\n", Upload())[b"a"]
    # Linear 0.214 of 255.
    assert material.baseColorFactor.tolist() == [55, 55, 55, 255]


def texture() -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (2, 2), (9, 8, 7)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "name", [b"Wood.PNG", b"C:\\textures\\wood.png", b"maps/../wood.png", b"  wood.png ", b"-bm 0.5 wood.png"]
)
def test_a_picture_is_found_by_its_name_alone(name: bytes) -> None:
    material = read_mtl(b"newmtl a\nKd 0.4 0.4 0.4\nmap_Kd " + name + b"\n", Upload({"wood.png": texture()}))[b"a"]
    assert material.baseColorTexture.getpixel((0, 0)) == (9, 8, 7)
    # The grey that some programs write beside a texture means nothing.
    assert material.baseColorFactor.tolist() == [255, 255, 255, 255]


def test_a_picture_named_twice_is_one() -> None:
    mtl = b"newmtl a\nmap_Kd wood.png\nnewmtl b\nmap_Kd wood.png\n"
    found = read_mtl(mtl, Upload({"wood.png": texture()}))
    assert found[b"a"].baseColorTexture is found[b"b"].baseColorTexture


def test_files_that_are_not_handed_in_are_not_looked_for() -> None:
    part = only(b"mtllib secret.mtl\nusemtl a\n" + CORNERS + b"f 1 2 3\n")
    assert part.material is None
    assert read_mtl(b"map_Kd before.png\nnewmtl a\nmap_Kd secret.png\n", Upload())[b"a"].baseColorTexture is None


@pytest.mark.parametrize(
    "name", [b"/etc/passwd", b"../secret.mtl", b"http://127.0.0.1/a.mtl", b"\\\\server\\share\\a.mtl"]
)
def test_a_file_outside_of_the_upload_is_refused(name: bytes) -> None:
    with pytest.raises(InvalidMesh, match=r"outside of what was uploaded|by an address"):
        only(b"mtllib " + name + b"\nusemtl a\n" + CORNERS + b"f 1 2 3\n")
    with pytest.raises(InvalidMesh, match=r"outside of what was uploaded|by an address"):
        read_mtl(b"newmtl a\nmap_Kd " + name + b"\n", Upload())


def test_a_damaged_picture_is_refused() -> None:
    with pytest.raises(InvalidMesh, match="texture"):
        read_mtl(b"newmtl a\nmap_Kd wood.png\n", Upload({"wood.png": texture()[:40]}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CORNERS + b"f 1 2 5\n", "do not exist"),
        (CORNERS + b"f 0 1 2\n", "do not exist"),
        (CORNERS + b"f -9 1 2\n", "do not exist"),
        (CORNERS + TEXELS + b"f 1/5 2/1 3/1\n", "do not exist"),
        (CORNERS + b"f 1 2 99999999999999999999\n", "something other than a number"),
        (CORNERS + b"f 1 2 " + b"9" * 5000 + b"\n", "something other than a number"),
        (CORNERS + b"f a b c\n", "something other than a number"),
        (CORNERS + b"f 1/x 2/x 3/x\n", "something other than a number"),
        (b"v 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "too few numbers"),
        (b"v a b c\nf 1 1 1\n", "something other than a number"),
        (b"v 0 0 0x1\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "something other than a number"),
        (b"mtllib a.mtl\n" + CORNERS + b"f 1 2 3\n", "something other than a number"),
    ],
)
def test_a_damaged_file_is_refused(text: bytes, message: str) -> None:
    with pytest.raises(InvalidMesh, match=message):
        read_obj(text, Upload({"a.mtl": b"newmtl a\nKd red green blue\n"}))


def test_a_face_of_two_corners_is_none() -> None:
    assert [len(part.faces) for part in read_obj(CORNERS + b"f 1 2\nf\n", Upload())] == [0]


def test_too_many_materials_are_refused() -> None:
    with pytest.raises(InvalidMesh, match="over 20,000 parts"):
        read_obj(CORNERS + b"".join(b"usemtl %d\nf 1 2 3\n" % number for number in range(20_001)), Upload())


def test_too_many_faces_are_refused_before_they_are_read() -> None:
    with pytest.raises(InvalidMesh, match="10,000,001 faces"):
        read_obj(CORNERS + b"\nf 1" * 10_000_001, Upload())


def test_a_polygon_of_too_many_corners_is_refused() -> None:
    with pytest.raises(InvalidMesh, match="faces"):
        read_obj(CORNERS + b"f" + b" 1" * 10_000_002, Upload())


def test_a_file_of_empty_lines_is_refused_before_they_are_read() -> None:
    with pytest.raises(InvalidMesh, match="say nothing about a model"):
        read_obj(CORNERS + b"f 1 2 3\n" + b"\n" * 2_000_000, Upload())


def test_numbers_that_are_not_finite_are_found_later() -> None:
    part = only(b"v nan 0 0\nv 1 inf 0\nv 0 1 0\nf 1 2 3\n")
    assert np.isnan(part.vertices[0, 0])


def test_a_single_physical_map_leaves_the_other_to_its_factor() -> None:
    material = read_mtl(b"newmtl a\nPr 0.25\nPm 1\nmap_Pm wood.png\n", Upload({"wood.png": texture()}))[b"a"]
    packed = np.asarray(material.metallicRoughnessTexture)
    assert (packed[..., :2] == 255).all()
    assert (material.metallicFactor, material.roughnessFactor) == (1.0, 0.25)


def test_a_physical_map_without_a_factor_is_taken_as_it_is() -> None:
    materials = read_mtl(
        b"newmtl a\nmap_Pm wood.png\nnewmtl b\nmap_Pr wood.png\nnewmtl c\n", Upload({"wood.png": texture()})
    )
    factors = {name: (found.metallicFactor, found.roughnessFactor) for name, found in materials.items()}
    assert factors == {b"a": (1.0, 0.9), b"b": (0.0, 1.0), b"c": (0.0, 0.9)}


def test_numbers_of_materials_stay_between_nothing_and_all() -> None:
    material = read_mtl(b"newmtl a\nPr nan\nPm inf\nKd nan -1 7\n", Upload())[b"a"]
    assert (material.metallicFactor, material.roughnessFactor) == (1.0, 0.0)
    assert material.baseColorFactor.tolist() == [0, 0, 255, 255]
