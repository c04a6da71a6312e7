"""3MF packages as slicers and other programs write them, and hostile ones."""

import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from orfeas.errors import InvalidMesh
from orfeas.meshes.load import load_mesh
from orfeas.meshes.parts import Part
from orfeas.meshes.read_3mf import read_3mf

CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
MESH = (
    "<mesh><vertices>{vertices}</vertices><triangles>"
    '<triangle v1="0" v2="1" v3="2"{look}/><triangle v1="0" v2="3" v3="1"/></triangles></mesh>'
)
VERTICES = (
    '<vertex x="0" y="0" z="0"/><vertex x="1" y="0" z="0"/><vertex x="0" y="2" z="0"/><vertex x="0" y="0" z="3"/>'
)


def model(
    resources: str = "",
    look: str = "",
    thing: str = "",
    item: str = "",
    unit: str = "millimeter",
    vertices: str = VERTICES,
    build: str | None = None,
) -> bytes:
    mesh = MESH.format(vertices=vertices, look=look)
    return (
        f'<?xml version="1.0"?><model unit="{unit}" xmlns="{CORE}" '
        'xmlns:m="http://schemas.microsoft.com/3dmanufacturing/material/2015/02" '
        'xmlns:p="http://schemas.microsoft.com/3dmanufacturing/production/2015/06">'
        f'<resources>{resources}<object id="9"{thing}>{mesh}</object></resources>'
        f"<build>{f'<item objectid={chr(34)}9{chr(34)}{item}/>' if build is None else build}</build></model>"
    ).encode()


def parts(data: bytes, **files: bytes) -> list[Part]:
    return read_3mf({"3D/3dmodel.model": data, **{f"3D/{n.replace('_', '.')}": c for n, c in files.items()}})


def triangles(data: bytes) -> list[list[list[float]]]:
    return [corners for part in parts(data) for corners in part.vertices[part.faces].tolist()]


def test_z_is_up() -> None:
    assert triangles(model()) == [[[0, 0, 0], [1, 0, 0], [0, 0, -2]], [[0, 0, 0], [0, 3, 0], [1, 0, 0]]]


@pytest.mark.parametrize(
    ("unit", "millimetres"), [("micron", 0.001), ("centimeter", 10), ("inch", 25.4), ("meter", 1000)]
)
def test_the_unit_is_the_one_declared(unit: str, millimetres: float) -> None:
    assert triangles(model(unit=unit))[1][1] == pytest.approx([0, 3 * millimetres, 0])


def test_an_item_is_where_its_transform_puts_it() -> None:
    found = triangles(model(item=' transform="0 1 0 -1 0 0 0 0 1 10 20 30"'))
    # Rows times the matrix, before Z up becomes Y up: (1, 0, 0) goes to (10, 21, 30).
    assert found[0][1] == [10, 30, -21]


def test_components_and_parts_in_files_of_their_own_are_read() -> None:
    assembly = (
        '<object id="1"><components><component objectid="9" transform="1 0 0 0 1 0 0 0 1 5 0 0"/>'
        '<component objectid="9" p:path="/3D/other.model"/></components></object>'
    )
    data = model(resources=assembly, build='<item objectid="1" transform="1 0 0 0 1 0 0 0 1 0 0 7"/>')
    first, second = parts(data, other_model=model(unit="millimeter"))
    assert (first.vertices[0].tolist(), second.vertices[0].tolist()) == ([5, 7, 0], [0, 7, 0])


def test_colours_of_corners_and_of_the_whole_are_read() -> None:
    colours = '<m:colorgroup id="2"><m:color color="#FF0000"/><m:color color="#00FF0080"/></m:colorgroup>'
    data = model(colours, look=' pid="2" p1="0" p2="1" p3="0"', thing=' pid="3" pindex="1"')
    base = '<basematerials id="3"><base name="a"/><base name="b" displaycolor="#0000FF"/></basematerials>'
    found = parts(data.replace(b"<resources>", f"<resources>{base}".encode()))
    by_colour = {tuple(map(tuple, part.colours.tolist())) for part in found if part.colours is not None}
    red, green, blue = (255, 0, 0, 255), (0, 255, 0, 128), (0, 0, 255, 255)
    assert by_colour == {(red, green, red), (blue, blue, blue)}


@pytest.mark.parametrize(
    ("look", "thing", "expected"),
    [
        (' p1="1"', ' pid="2" pindex="0"', {"green", "red"}),
        (' p1="1" p2="0" p3="1"', ' pid="2" pindex="0"', {"mixed", "red"}),
        (' pid="2"', ' pid="3" pindex="1"', {"green", "blue"}),
        (' p1="1"', "", {None}),
    ],
)
def test_a_triangle_takes_from_its_object_what_it_does_not_say(
    look: str, thing: str, expected: set[str | None]
) -> None:
    colours = '<m:colorgroup id="2"><m:color color="#FF0000"/><m:color color="#00FF00"/></m:colorgroup>'
    colours += '<m:colorgroup id="3"><m:color color="#000000"/><m:color color="#0000FF"/></m:colorgroup>'
    red, green, blue = (255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 255, 255)
    names: dict[object, str | None] = {
        (red,) * 3: "red",
        (green,) * 3: "green",
        (blue,) * 3: "blue",
        (green, red, green): "mixed",
        None: None,
    }
    found: set[str | None] = set()
    for part in parts(model(colours, look=look, thing=thing)):
        for face in part.faces:
            found.add(names[None if part.colours is None else tuple(map(tuple, part.colours[face].tolist()))])
    assert found == expected


def textured(path: str = "/3D/Textures/t.png") -> bytes:
    resources = (
        f'<m:texture2d id="1" path="{path}" contenttype="image/png"/><m:texture2dgroup id="2" texid="1">'
        '<m:tex2coord u="0" v="0"/><m:tex2coord u="1" v="0"/><m:tex2coord u="0.25" v="0.75"/></m:texture2dgroup>'
    )
    return model(resources, look=' pid="2" p1="0" p2="1" p3="2"')


def test_a_texture_is_read_with_its_uvs() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (2, 2), (9, 8, 7)).save(buffer, "PNG")
    plain, part = read_3mf({"3D/3dmodel.model": textured(), "3D/Textures/T.png": buffer.getvalue()})
    assert plain.material is None
    assert part.uv is not None and part.material is not None
    assert part.uv.tolist() == [[0, 0], [1, 0], [0.25, 0.75]]
    assert part.material.baseColorTexture.getpixel((0, 0)) == (9, 8, 7)


def test_the_package_says_which_model_it_begins_with() -> None:
    links = b'<Relationships><Relationship Target="/x/a.model" Type="http://x/3dmodel"/></Relationships>'
    other = model(vertices=VERTICES.replace('z="3"', 'z="4"'))
    (part,) = read_3mf({"3D/3dmodel.model": model(), "x/a.model": other, "_rels/.rels": links})
    assert part.vertices[4].tolist() == [0, 4, 0]


BAD_COLOURS = ["#" + "F" * 400, "#-FFFFFF", "#-FFFFF", "#FFFFFFFFF", "#FFF", "#F_F_F_", "# FFFFF", "#", "red", ""]


def coloured(colour: str) -> bytes:
    return model(f'<m:colorgroup id="2"><m:color color="{colour}"/></m:colorgroup>', thing=' pid="2" pindex="0"')


def test_text_in_a_row_belongs_to_nothing() -> None:
    assert triangles(model().replace(b'z="3"/>', b'z="3"> a </vertex>')) == triangles(model())


@pytest.mark.parametrize("path", ["http://127.0.0.1/t.png", "/../../etc/passwd", "/3D/no.png", ""])
def test_a_texture_that_is_not_in_the_package_is_refused(path: str) -> None:
    with pytest.raises(
        InvalidMesh, match=r"outside of its zip|outside of what was uploaded|by an address|texture that is not there"
    ):
        parts(textured(path))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<model>", "cut short or damaged"),
        (b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><model>&a;</model>', "declares a document type"),
        (model(unit="parsec"), "in parsec, a unit"),
        (model(build='<item objectid="8"/>'), "not there"),
        (model(build='<item objectid="9" p:path="/3D/no.model"/>'), "not there"),
        (model(item=' transform="1 0 0"'), "damaged"),
        (model(item=' transform="nan 0 0 0 1 0 0 0 1 0 0 0"'), "damaged"),
        (model(thing=' pid="7"'), "a look that is not there"),
        (model(look=' pid="2" p1="0"'), "a look that is not there"),
        (textured().replace(b'p3="2"', b'p3="3"'), "not there"),
        (model().replace(b'v3="2"', b'v3="4"'), "do not exist"),
        (model().replace(b'v3="2"', b'v3="-1"'), "do not exist"),
        (model().replace(b'v3="2"', b'v3="nan"'), "other than a number"),
        (model().replace(b'v3="2"', b""), "damaged"),
        (b"<vertex/>", "damaged"),
        (b'<vertex x="0" y="0" z="0"/>', "damaged"),
        (model().replace(b'z="3"/>', b'z="3"><a/></vertex>'), "damaged"),
        (model().replace(b'z="3"/>', b'z="3"><vertex x="0" y="0" z="0"/></vertex>'), "damaged"),
        *((coloured(colour), "damaged") for colour in BAD_COLOURS),
        (model().replace(b'x="1"', b'x="one"'), "damaged"),
        (
            model(
                '<object id="1"><components><component objectid="1"/></components></object>',
                build='<item objectid="1"/>',
            ),
            "contains itself",
        ),
    ],
)
def test_a_hostile_file_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(InvalidMesh, match=message):
        parts(data)


def test_components_that_double_are_refused_before_they_are_many() -> None:
    double = "".join(
        f'<object id="{n}"><components>{2 * f"<component objectid={chr(34)}{n + 1}{chr(34)}/>"}</components></object>'
        for n in range(10, 50)
    )
    with pytest.raises(InvalidMesh, match="over 20,000 parts"):
        parts(model(double + '<object id="50"/>', build='<item objectid="10"/>'))


@pytest.mark.parametrize("bad", ["nan", "inf", "1e999"])
def test_a_point_that_is_not_finite_is_refused(bad: str, tmp_path: Path) -> None:
    path = tmp_path / "model.3mf"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("3D/3dmodel.model", model().replace(b'x="1"', f'x="{bad}"'.encode()))
    with pytest.raises(InvalidMesh, match="not finite"):
        load_mesh(path)


def test_too_many_triangles_are_refused_while_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orfeas.meshes.xml_nodes.MAX_VERTICES", 3)
    with pytest.raises(InvalidMesh, match="over 3 vertices"):
        parts(model())
