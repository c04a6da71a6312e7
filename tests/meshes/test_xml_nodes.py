"""XML of strangers, with any number and any attribute in it changed."""

import re
from collections.abc import Callable

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from orfeas.errors import InvalidMesh
from orfeas.meshes.parts import join
from orfeas.meshes.read_3mf import read_3mf
from orfeas.meshes.read_dae import read_dae
from orfeas.meshes.references import Upload
from orfeas.meshes.xml_nodes import parse_whole, parse_xml
from tests.meshes.test_read_3mf import textured
from tests.meshes.test_read_dae import SAMPLED, UV, WITH_UV, WOOD, dae, png

# The value of an attribute, or a number in a text.
_VALUE = re.compile(rb'(?<==")[^"]*(?=")|(?<=[> ])-?\d+(?:\.\d+)?(?=[< ])')
HUGE = ("9" * 30, "9" * 5000, "#" + "F" * 400, "4611686018427387904 " * 4, "1e999")
HOSTILE = (*HUGE, "", "-1", "9", "1.5", "nan", "²", "1_0", "x", "#", "#-FFFFFF", "#v", "#g", "#n", "//[", "%00")
VALUES = st.one_of(
    st.sampled_from(HOSTILE),
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(str),
    st.text(st.characters(codec="utf-8", exclude_characters='<>&"', exclude_categories=["Cc", "Cs"]), max_size=12),
)
COLOURED = (
    '<m:colorgroup id="3"><m:color color="#FF0000"/><m:color color="#00FF0080"/></m:colorgroup>'
    '<basematerials id="4"><base name="a" displaycolor="#0000FF"/></basematerials><m:tex2coord u="1" v="0.5"/>'
)


def read_package(data: bytes) -> trimesh.Trimesh:
    return join(read_3mf({"3D/3dmodel.model": data, "3D/Textures/t.png": png()}))


def read_scene(data: bytes) -> trimesh.Trimesh:
    return join(read_dae(data, Upload({"wood.png": png()})))


FILES: dict[str, tuple[bytes, Callable[[bytes], trimesh.Trimesh]]] = {
    "3mf": (
        textured()
        .replace(b"<object id", COLOURED.encode() + b'<object pid="3" pindex="1" id')
        .replace(b"<item", b'<item transform="1 0 0 0 1 0 0 0 1 0 0 0"'),
        read_package,
    ),
    "dae": (
        dae(
            WITH_UV + '<polylist count="1"><input semantic="VERTEX" source="#v" offset="0"/><vcount>4</vcount>'
            "<p>0 1 2 3</p></polylist>",
            node="<rotate>0 0 1 30</rotate><scale>1 2 3</scale>",
            more=WOOD.format(file="wood.png", diffuse=f"<color>0.5 0.5 0.5 1</color>{SAMPLED}"),
            sources=UV,
        ),
        read_scene,
    ),
}


def changed(data: bytes, which: float, value: str) -> bytes:
    places = list(_VALUE.finditer(data))
    chosen = places[int(which * len(places))]
    return data[: chosen.start()] + value.encode() + data[chosen.end() :]


def survives(data: bytes, read: Callable[[bytes], trimesh.Trimesh]) -> bool:
    """Whether it is a model with faces, or refused."""
    try:
        with np.errstate(all="ignore"):  # as load_mesh has it
            return len(read(data).faces) > 0
    except InvalidMesh:
        return True


@pytest.mark.parametrize("kind", FILES)
def test_the_files_are_whole_before_they_are_changed(kind: str) -> None:
    data, read = FILES[kind]
    assert len(read(data).faces) >= 2


@pytest.mark.parametrize("kind", FILES)
def test_a_hostile_value_anywhere_is_survived_or_refused(kind: str) -> None:
    data, read = FILES[kind]
    count = len(_VALUE.findall(data))
    assert count > 50
    for at in range(count):
        for value in HOSTILE:
            assert survives(changed(data, (at + 0.5) / count, value), read)


@pytest.mark.parametrize("kind", FILES)
@settings(max_examples=100, deadline=None)
@given(changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), VALUES), min_size=1, max_size=4))
def test_any_values_are_survived_or_refused(kind: str, changes: list[tuple[float, str]]) -> None:
    data, read = FILES[kind]
    for which, value in changes:
        data = changed(data, which, value)
    assert survives(data, read)


def test_rows_of_one_document_are_not_those_of_another() -> None:
    rows = {"row": lambda attributes: (float(attributes["x"]),)}
    first, second = (parse_xml(f'<a><row x="{n}"> </row></a>'.encode(), "XML", rows) for n in (1, 2))
    assert [node.rows("row", 1).tolist() for node in (first, second)] == [[[1.0]], [[2.0]]]


@pytest.mark.parametrize("text", ["", "-1", "1.5", "1_0", "²", "1234567890", "x"])
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidMesh, match="damaged"):
        parse_whole(text, "DAE")
