"""COLLADA files made by hand, and read by assimp beside ORFEAS."""

import io
from pathlib import Path

import assimp_py
import numpy as np
import pytest
from PIL import Image

from orfeas.errors import InvalidMesh
from orfeas.meshes.load import load_mesh
from orfeas.meshes.parts import Part
from orfeas.meshes.read_dae import read_dae
from orfeas.meshes.references import Upload

POINTS = "0 0 0  1 0 0  1 2 0  0 2 3"


def source(name: str, numbers: str, width: int) -> str:
    count = len(numbers.split())
    params = "".join(f'<param name="{letter}" type="float"/>' for letter in "XYZW"[:width])
    return (
        f'<source id="{name}"><float_array id="{name}-a" count="{count}">{numbers}</float_array><technique_common>'
        f'<accessor source="#{name}-a" count="{count // width}" stride="{width}">{params}</accessor></technique_common>'
        "</source>"
    )


def dae(
    primitive: str = '<polylist count="1"><input semantic="VERTEX" source="#v" offset="0"/>'
    "<vcount>4</vcount><p>0 1 2 3</p></polylist>",
    node: str = "",
    asset: str = '<unit meter="0.01"/><up_axis>Y_UP</up_axis>',
    more: str = "",
    sources: str = "",
    scene: str = "",
) -> bytes:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" '
        f'version="1.4.1"><asset>{asset}</asset>{more}<library_geometries><geometry id="g"><mesh>'
        f'{source("p", POINTS, 3)}{sources}<vertices id="v"><input semantic="POSITION" source="#p"/></vertices>'
        f"{primitive}"
        '</mesh></geometry></library_geometries><library_visual_scenes><visual_scene id="s"><node id="n">'
        f'{node}<instance_geometry url="#g"><bind_material><technique_common>'
        f'<instance_material symbol="m" target="#wood"/>'
        f"</technique_common></bind_material></instance_geometry></node>{scene}</visual_scene></library_visual_scenes>"
        '<scene><instance_visual_scene url="#s"/></scene></COLLADA>'
    ).encode()


WOOD = (
    '<library_images><image id="i"><init_from>{file}</init_from></image></library_images>'
    '<library_effects><effect id="e"><profile_COMMON><newparam sid="surface"><surface type="2D">'
    '<init_from>i</init_from></surface></newparam><newparam sid="sampler"><sampler2D><source>surface</source>'
    "</sampler2D></newparam>"
    '<technique sid="common"><phong><diffuse>{diffuse}</diffuse></phong></technique></profile_COMMON></effect>'
    '</library_effects><library_materials><material id="wood"><instance_effect url="#e"/></material>'
    "</library_materials>"
)
SAMPLED = '<texture texture="sampler" texcoord="UV"/>'
WITH_UV = (
    '<triangles count="1" material="m"><input semantic="VERTEX" source="#v" offset="0"/>'
    '<input semantic="TEXCOORD" source="#uv" offset="1" set="0"/><p>0 2 1 1 2 0</p></triangles>'
)
UV = source("uv", "0 0  1 0  0.25 0.75", 2)


def only(data: bytes, **files: bytes) -> Part:
    (part,) = read_dae(data, Upload({name.replace("_", "."): content for name, content in files.items()}))
    return part


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (2, 2), (9, 8, 7)).save(buffer, "PNG")
    return buffer.getvalue()


def test_polygons_are_cut_and_centimetres_become_millimetres() -> None:
    part = only(dae())
    assert part.vertices[part.faces].tolist() == [
        [[0, 0, 0], [10, 0, 0], [10, 20, 0]],
        [[0, 0, 0], [10, 20, 0], [0, 20, 30]],
    ]


@pytest.mark.parametrize(
    "primitive",
    [
        '<triangles count="2"><input semantic="VERTEX" source="#v" offset="0"/><p>0 1 2 0 2 3</p></triangles>',
        '<polygons count="2"><input semantic="VERTEX" source="#v" offset="0"/><p>0 1 2</p><p>0 2 3</p></polygons>',
        '<polylist count="2"><input semantic="VERTEX" source="#v" offset="1"/><input semantic="NORMAL" source="#p" '
        'offset="0"/><vcount>3 3</vcount><p>3 0 3 1 3 2 3 0 3 2 3 3</p></polylist>',
    ],
)
def test_every_way_to_write_faces_is_read(primitive: str) -> None:
    part, whole = only(dae(primitive)), only(dae())
    assert part.vertices[part.faces].tolist() == whole.vertices[whole.faces].tolist()


@pytest.mark.parametrize("axis", ["X_UP", "Y_UP", "Z_UP"])
@pytest.mark.parametrize(
    "node",
    [
        "",
        "<translate>1 2 3</translate><rotate>0 0 1 30</rotate><rotate>1 0 0 -50</rotate><scale>1 2 -3</scale>",
        "<matrix>0 -1 0 4  1 0 0 5  0 0 1 6  0 0 0 1</matrix><translate>1 0 0</translate>",
    ],
)
def test_assimp_puts_it_at_the_same_place(axis: str, node: str, tmp_path: Path) -> None:
    path = tmp_path / "model.dae"
    path.write_bytes(dae(node=node, asset=f'<unit meter="1"/><up_axis>{axis}</up_axis>'))
    steps = assimp_py.Process_PreTransformVertices | assimp_py.Process_Triangulate
    scene = assimp_py.import_file(str(path), steps)
    found = np.array(scene.meshes[0].vertices).reshape(-1, 3)
    mesh = load_mesh(path)
    order = np.lexsort(np.round(mesh.vertices).T)
    assert mesh.vertices[order] / 1000 == pytest.approx(found[np.lexsort(np.round(found * 1000).T)], abs=1e-5)


def test_a_mirrored_part_is_wound_the_other_way() -> None:
    part, mirrored = only(dae()), only(dae(node="<scale>-1 1 1</scale>"))
    assert mirrored.faces.tolist() == part.faces[:, ::-1].tolist()


def test_a_texture_is_found_in_the_upload() -> None:
    data = dae(WITH_UV, more=WOOD.format(file="maps/my%20wood.png", diffuse=SAMPLED), sources=UV)
    (part,) = read_dae(data, Upload({"maps/my wood.png": png()}))
    assert part.material is not None and part.uv is not None
    assert part.material.baseColorTexture.getpixel((0, 0)) == (9, 8, 7)
    assert part.uv[part.faces].tolist() == [[[0.25, 0.75], [1, 0], [0, 0]]]


def test_a_diffuse_colour_is_taken_from_srgb() -> None:
    diffuse = "<color>0.5 0.5 0.5 1</color>"
    material = only(dae(WITH_UV, more=WOOD.format(file="no.png", diffuse=diffuse), sources=UV)).material
    assert material is not None
    assert material.baseColorFactor.tolist() == [55, 55, 55, 255]


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("http://127.0.0.1/a.png", "by an address, and nothing is fetched"),
        ("file:///etc/passwd", "by an address, and nothing is fetched"),
        ("../../a.png", "outside of what was uploaded"),
        ("/etc/passwd", "outside of what was uploaded"),
    ],
)
def test_a_picture_outside_of_the_upload_is_refused(file: str, why: str) -> None:
    with pytest.raises(InvalidMesh, match=why):
        only(dae(WITH_UV, more=WOOD.format(file=file, diffuse=SAMPLED), sources=UV))


def test_colours_on_corners_are_read() -> None:
    primitive = WITH_UV.replace("TEXCOORD", "COLOR").replace("#uv", "#c")
    part = only(dae(primitive, sources=source("c", "1 0 0 1  0 1 0 1  0 0 1 0.2", 4)))
    assert part.colours is not None
    assert part.colours[part.faces].tolist() == [[[0, 0, 255, 51], [0, 255, 0, 255], [255, 0, 0, 255]]]


LAUGHS = b'<?xml version="1.0"?><!DOCTYPE COLLADA [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><COLLADA>&b;</COLLADA>'
FETCHES = b'<?xml version="1.0"?><!DOCTYPE COLLADA SYSTEM "http://127.0.0.1/x.dtd"><COLLADA/>'
READS = b'<!DOCTYPE COLLADA [<!ENTITY a SYSTEM "file:///etc/passwd">]><COLLADA>&a;</COLLADA>'


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (LAUGHS, "declares a document type"),
        (FETCHES, "declares a document type"),
        (READS, "declares a document type"),
        (b"<COLLADA>", "cut short or damaged"),
        (b"<COLLADA/>", "no scene"),
        (b"<COLLADA>" * 200, "too many parts"),
        (dae().replace(b"#v", b"http://127.0.0.1/x.dae#v"), "refers to other files"),
        (dae().replace(b'"#g"', b'"#no"'), "a part of itself that is not there"),
        (dae().replace(b"0 1 2 3</p>", b"0 1 2 4</p>"), "do not exist"),
        (dae().replace(b"0 1 2 3</p>", b"0 1 2 -1</p>"), "do not exist"),
        (dae().replace(b"0 1 2 3</p>", b"0 1 2</p>"), "damaged"),
        (dae().replace(b"<vcount>4", b"<vcount>-4"), "damaged"),
        (dae().replace(b"<vcount>4", b"<vcount>" + b"4611686018427387904 " * 4), "damaged"),
        (dae().replace(b"<vcount>4", b"<vcount>5"), "damaged"),
        (dae().replace(b"<vcount>4", b"<vcount>four"), "other than a number"),
        (dae().replace(b'stride="3"', b'stride="0"'), "damaged"),
        (dae().replace(b'count="4" stride', b'count="5" stride'), "damaged"),
        (dae().replace(b'meter="0.01"', b'meter="-1"'), "damaged"),
        (dae().replace(b"Y_UP", b"W_UP"), "damaged"),
        (dae(node="<lookat>0 0 1 0 0 0 0 1 0</lookat>"), "by lookat"),
        (dae(node='<instance_node url="#n"/>'), "contains itself"),
    ],
)
def test_a_hostile_file_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(InvalidMesh, match=message):
        read_dae(data, Upload())


def test_nodes_that_double_are_refused_before_they_are_many() -> None:
    double = "".join(
        f'<node id="n{n}"><instance_node url="#n{n + 1}"/><instance_node url="#n{n + 1}"/></node>' for n in range(40)
    )
    with pytest.raises(InvalidMesh, match="over 20,000 parts"):
        read_dae(dae(scene=double + '<node id="n40"/>'), Upload())


@pytest.mark.parametrize("bad", ["nan", "inf", "1e999"])
def test_a_point_that_is_not_finite_is_refused(bad: str, tmp_path: Path) -> None:
    path = tmp_path / "model.dae"
    path.write_bytes(dae().replace(b"1 2 0", f"1 {bad} 0".encode()))
    with pytest.raises(InvalidMesh, match="not finite"):
        load_mesh(path)
