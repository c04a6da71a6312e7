"""USD scenes as other programs write them, their places as USD itself has them; and hostile ones."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pxr import Usd, UsdGeom

from orfeas.errors import InvalidMesh
from orfeas.meshes.load import load_mesh
from orfeas.meshes.parts import Part
from orfeas.meshes.read_usdz import read_usda
from orfeas.meshes.references import Upload

POINTS = np.array([[0, 0, 0], [1, 0, 0], [1, 2, 0], [0, 2, 3.0]])
MESH = """
    int[] faceVertexCounts = [4]
    int[] faceVertexIndices = [0, 1, 2, 3]
    point3f[] points = [(0, 0, 0), (1, 0, 0), (1, 2, 0), (0, 2, 3)]
"""


def usda(mesh: str = MESH, place: str = "", layer: str = 'metersPerUnit = 1\nupAxis = "Y"', more: str = "") -> bytes:
    return (
        f'#usda 1.0\n(\n    "A scene" # by hand\n{layer}\n)\n\ndef Xform "root" (kind = "component")\n{{\n{place}\n'
        f'    def Mesh "mesh"\n    {{{mesh}    }}\n{more}}}\n'
    ).encode()


def only(data: bytes, **files: bytes) -> Part:
    (part,) = read_usda(data, Upload({name.replace("_", "."): content for name, content in files.items()}))
    return part


@pytest.mark.parametrize(
    "place",
    [
        "",
        "double3 xformOp:translate = (1, 2, 3)\nfloat3 xformOp:rotateXYZ = (10, 20, 30)\n"
        "float3 xformOp:scale = (1, 2, -1)\n"
        'uniform token[] xformOpOrder = ["xformOp:translate", "xformOp:rotateXYZ", "xformOp:scale"]',
        "matrix4d xformOp:transform = ( (0, 1, 0, 0), (-1, 0, 0, 0), (0, 0, 1, 0), (4, 5, 6, 1) )\n"
        'uniform token[] xformOpOrder = ["xformOp:transform"]',
        "quatf xformOp:orient = (0.5, 0.5, 0.5, 0.5)\nfloat xformOp:rotateZ:tilt = 40\n"
        "double3 xformOp:translate:pivot = (1, 1, 0)\n"
        'uniform token[] xformOpOrder = ["xformOp:orient", "xformOp:translate:pivot", "xformOp:rotateZ:tilt", '
        '"!invert!xformOp:translate:pivot"]',
        'float3 xformOp:rotateZXY = (10, 20, 30)\nuniform token[] xformOpOrder = ["xformOp:rotateZXY"]',
    ],
)
def test_usd_puts_it_at_the_same_place(place: str, tmp_path: Path) -> None:
    path = tmp_path / "model.usda"
    path.write_bytes(usda(place=place))
    stage = Usd.Stage.Open(str(path))
    prim = stage.GetPrimAtPath("/root/mesh")
    matrix = np.array(UsdGeom.Xformable(prim).ComputeLocalToWorldTransform(Usd.TimeCode.Default()))
    expected = (POINTS @ matrix[:3, :3] + matrix[3, :3]) * 1000
    assert only(path.read_bytes()).vertices == pytest.approx(expected[[0, 1, 2, 0, 2, 3]], abs=1e-3)


@pytest.mark.parametrize(
    ("layer", "corner"),
    [
        ("", [0, 20, 30]),
        ("metersPerUnit = 0.001", [0, 2, 3]),
        ('metersPerUnit = 0.001\nupAxis = "Z"', [0, 3, -2]),
    ],
)
def test_the_unit_and_the_axis_are_those_declared(layer: str, corner: list[float]) -> None:
    assert only(usda(layer=layer)).vertices[-1] == pytest.approx(corner)


def test_a_left_handed_mesh_is_turned() -> None:
    left = only(usda(MESH + '    uniform token orientation = "leftHanded"\n'))
    assert left.vertices.tolist() == only(usda()).vertices.reshape(2, 3, 3)[:, ::-1].reshape(-1, 3).tolist()


@pytest.mark.parametrize(
    "uv",
    [
        'texCoord2f[] primvars:st = [(0, 0), (1, 0), (1, 1), (0, 1)] (interpolation = "faceVarying")',
        'texCoord2f[] primvars:UVMap = [(0, 0), (1, 0), (1, 1), (0, 1)] (\n    interpolation = "vertex"\n)',
        'texCoord2f[] primvars:st = [(0, 1), (1, 1), (1, 0), (0, 0)] (interpolation = "faceVarying")\n'
        "int[] primvars:st:indices = [3, 2, 1, 0]",
    ],
)
def test_uvs_are_read_however_they_are_kept(uv: str) -> None:
    found = only(usda(MESH + uv + "\n")).uv
    assert found is not None
    assert found.tolist() == [[0, 0], [1, 0], [1, 1], [0, 0], [1, 1], [0, 1]]


MATERIAL = """
    def Material "red" {
        token outputs:surface.connect = </root/red/s.outputs:surface>
        def Shader "s" {
            uniform token info:id = "UsdPreviewSurface"
            color3f inputs:diffuseColor = (1, 0, 0)
            float inputs:roughness.connect = </root/red/t.outputs:r>
        }
        def Shader "t" {
            uniform token info:id = "UsdUVTexture"
            asset inputs:file = @%s@
        }
    }
"""


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (2, 2), (9, 8, 7)).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_material_with_a_picture_of_one_channel_is_read() -> None:
    data = usda(MESH + "rel material:binding = </root/red>\n", more=MATERIAL % "r.png")
    material = only(data, r_png=png()).material
    assert material is not None
    assert material.baseColorFactor.tolist() == [255, 0, 0, 255]
    assert material.metallicRoughnessTexture.getpixel((0, 0)) == (255, 9, 255)
    assert (material.metallicFactor, material.roughnessFactor) == (0.0, 1.0)


def test_a_channel_is_multiplied_by_its_own_scale() -> None:
    look = MATERIAL.replace("outputs:r>", "outputs:g>\n float inputs:occlusion.connect = </root/red/t.outputs:b>\n")
    look = look.replace("asset inputs", "float4 inputs:scale = (0.1, 0.25, nan, 7)\n asset inputs")
    material = only(usda(MESH + "rel material:binding = </root/red>\n", more=look % "r.png"), r_png=png()).material
    assert material is not None
    assert material.roughnessFactor == 0.25
    assert material.metallicRoughnessTexture.getpixel((0, 0))[1] == 8
    assert material.occlusionTexture.getpixel((0, 0)) == 7


def test_faces_of_another_material_are_a_part_of_their_own() -> None:
    faces = MESH.replace("[4]", "[3, 3]").replace("[0, 1, 2, 3]", "[0, 1, 2, 0, 2, 3]")
    subset = 'def GeomSubset "some" {\n int[] indices = [1]\n rel material:binding = </root/red>\n}\n'
    plain, red = read_usda(usda(faces + subset, more=MATERIAL % "r.png"), Upload())
    assert (len(plain.faces), len(red.faces)) == (1, 1)
    assert (plain.material is None, red.material is None) == (True, False)


def test_what_is_invisible_is_passed_over() -> None:
    assert read_usda(usda(MESH + '    token visibility = "invisible"\n'), Upload()) == []


@pytest.mark.parametrize("file", ["http://127.0.0.1/a.png", "file:///etc/passwd", "../../a.png", "/etc/passwd"])
def test_a_picture_outside_of_the_upload_is_refused(file: str) -> None:
    data = usda(MESH + "rel material:binding = </root/red>\n", more=MATERIAL % file)
    with pytest.raises(InvalidMesh, match=r"outside of what was uploaded|by an address"):
        read_usda(data, Upload())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"#usda 1.0\n(", "damaged"),
        (b"#usda 1.0\n\xff", "damaged"),
        (b'#usda 1.0\ndef Mesh "m"\n{', "damaged"),
        (b"#usda 1.0\n$", "damaged"),
        (usda()[:-3], "damaged"),
        (b"PXR-USDC\0\0\0", "binary form"),
        (usda(layer="subLayers = [@/etc/passwd@]"), "put together with subLayers"),
        (
            usda(more='def "a" (prepend references = @http://127.0.0.1/x.usda@</a>) {}\n'),
            "put together with references",
        ),
        (usda(more='def "a" (payload = @../x.usda@) {}\n'), "put together with payload"),
        (usda(more='def "a" (add variantSets = "look") {}\n'), "put together with variantSets"),
        (usda(more='variantSet "look" = { "a" {} }\n'), "put together with variantSets"),
        (usda(layer="metersPerUnit = -1"), "damaged"),
        (usda(layer='upAxis = "W"'), "damaged"),
        (usda(MESH.replace("1, 2, 3]", "1, 2, 4]")), "do not exist"),
        (usda(MESH.replace("1, 2, 3]", "1, 2, -1]")), "do not exist"),
        (usda(MESH.replace("[4]", "[5]")), "damaged"),
        (usda(MESH.replace("[4]", "[nan]")), "damaged"),
        (usda(MESH.replace("[4]", f"[4, {', '.join(['4503599627370496'] * 4096)}]")), "damaged"),
        (usda(MESH.replace("[4]", "[5]"), place="uniform token[] xformOpOrder = [[1, 2], [3, 4]]"), "damaged"),
        (usda(MESH.replace("(0, 2, 3)", "(0, 2)")), "damaged"),
        (usda(MESH.replace("[4]", "[four]")), "damaged"),
        (usda(MESH.replace("[4]", "[5]") + "token visibility = [1, 2]\n"), "damaged"),
        (usda(place='uniform token[] xformOpOrder = ["xformOp:translate"]'), "cannot be read"),
        (b"#usda 1.0\n" + b'def "a" {' * 100, "too many parts"),
        (b"#usda 1.0\n(a = " + b"[" * 100, "too many parts"),
    ],
)
def test_a_hostile_file_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(InvalidMesh, match=message):
        read_usda(data, Upload())


def test_a_package_with_a_binary_scene_is_refused_by_its_kind(tmp_path: Path) -> None:
    stage = tmp_path / "model.usdc"
    Usd.Stage.CreateNew(str(stage)).Save()
    with zipfile.ZipFile(tmp_path / "model.usdz", "w") as archive:
        archive.write(stage, "model.usdc")
    for path in (stage, tmp_path / "model.usdz"):
        with pytest.raises(InvalidMesh, match="binary form"):
            load_mesh(path)


@pytest.mark.parametrize("bad", ["nan", "inf", "1e999"])
def test_a_point_that_is_not_finite_is_refused(bad: str, tmp_path: Path) -> None:
    path = tmp_path / "model.usda"
    path.write_bytes(usda(MESH.replace("(0, 2, 3)", f"(0, {bad}, 3)")))
    with pytest.raises(InvalidMesh, match="not finite"):
        load_mesh(path)
