"""Uploads of every kind, the hostile ones too."""

import base64
import contextlib
import io
import json
import os
import re
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import trimesh
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from orfeas.errors import InvalidMesh
from orfeas.meshes import fbx_nodes
from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.export import export
from orfeas.meshes.load import MAX_FILE_BYTES, load_mesh
from orfeas.meshes.placement import place
from orfeas.meshes.provenance import read_provenance
from orfeas.meshes.stats import measure
from orfeas.options import OutputFormat
from tests.meshes.solids import PROVENANCE, box, coloured_box, gradient, textured_ball

FORMATS = list(OutputFormat)
FBX_FOOTER_BYTES = 190


def made(output_format: OutputFormat) -> bytes:
    mesh = coloured_box() if output_format is OutputFormat.PLY else textured_ball(6, gradient(16))
    return export(place(mesh, 100), output_format, PROVENANCE)


SMALL = {output_format: made(output_format) for output_format in FORMATS}


def put(folder: Path, data: bytes, name: str = "upload") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), data)
    return buffer.getvalue()


OBJ = zipfile.ZipFile(io.BytesIO(SMALL[OutputFormat.OBJ])).read("model.obj")


@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize("name", ["upload", "upload.glb", "upload.stl", "upload.OBJ", "upload.html"])
def test_what_a_file_is_its_content_says(output_format: OutputFormat, name: str, tmp_path: Path) -> None:
    expected = measure(load_mesh(put(tmp_path, SMALL[output_format])))
    assert measure(load_mesh(put(tmp_path, SMALL[output_format], name))) == expected


@pytest.mark.parametrize("output_format", FORMATS)
def test_reading_and_writing_again_changes_nothing(output_format: OutputFormat, tmp_path: Path) -> None:
    once = load_mesh(put(tmp_path, SMALL[output_format]))
    twice = load_mesh(put(tmp_path, export(once, output_format, PROVENANCE)))
    assert np.array_equal(once.faces, twice.faces)
    assert np.array_equal(once.vertices, twice.vertices)


def test_an_obj_by_itself_is_read_with_its_uvs(tmp_path: Path) -> None:
    report = measure(load_mesh(put(tmp_path, OBJ, "model.obj")))
    assert report.is_watertight
    assert (report.has_uv, report.has_texture, report.materials) == (True, False, 0)


def test_an_obj_with_a_long_preface_is_known_by_its_name(tmp_path: Path) -> None:
    data = b"# preface\n" * 10_000 + OBJ
    assert measure(load_mesh(put(tmp_path, data, "model.obj"))).faces == 60
    with pytest.raises(InvalidMesh, match="not a model that can be read"):
        load_mesh(put(tmp_path, data, "model.txt"))


def test_a_zip_from_elsewhere_is_read(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    gradient(8).save(buffer, "PNG")
    data = zipped(
        chair__Chair_OBJ=b"mtllib Chair.mtl\nusemtl wood\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nf 1/1 2/1 3/1\n",
        chair__Chair_mtl=b"newmtl wood\nmap_Kd maps/Wood.png\n",
        chair__maps__Wood_png=buffer.getvalue(),
        chair__readme_txt=b"hello",
    )
    look = appearance_of(load_mesh(put(tmp_path, data)))
    assert look.texture is not None
    assert look.texture.size == (8, 8)


def test_what_a_mac_adds_to_a_zip_is_passed_over(tmp_path: Path) -> None:
    buffer = io.BytesIO(SMALL[OutputFormat.OBJ])
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("__MACOSX/._model.obj", b"\0\5\x16\7")
    assert measure(load_mesh(put(tmp_path, buffer.getvalue()))).is_watertight


def gltf_files() -> dict[str, bytes]:
    """A ball as trimesh writes it in several files."""
    mesh = textured_ball(6, gradient(16))
    files = mesh.export(file_type="gltf")
    assert isinstance(files, dict)
    return {f"ball/{name}": data for name, data in files.items()}


def zip_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_a_gltf_in_a_zip_is_read_with_its_buffers_and_pictures(tmp_path: Path) -> None:
    report = measure(load_mesh(put(tmp_path, zip_of(gltf_files()))))
    assert (report.faces, report.has_texture, report.is_watertight) == (60, True, True)
    assert max(report.size_mm) == pytest.approx(2000)


def test_a_gltf_with_everything_in_it_is_read_by_itself(tmp_path: Path) -> None:
    files = gltf_files()
    model = next(name for name in files if name.endswith(".gltf"))
    text = files[model].decode()
    for name, data in files.items():
        uri = f"data:application/octet-stream;base64,{base64.b64encode(data).decode()}"
        text = text.replace(f'"{name.removeprefix("ball/")}"', f'"{uri}"')
    assert measure(load_mesh(put(tmp_path, text.encode()))).has_texture


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("../../secret.bin", "“secret.bin” outside of its zip"),
        ("/etc/passwd", "“passwd” outside of its zip"),
        ("http://127.0.0.1/a.bin", "“a.bin” by an address"),
        ("file:///etc/passwd", "“passwd” by an address"),
    ],
)
def test_a_gltf_that_refers_outside_of_its_zip_is_refused(uri: str, message: str, tmp_path: Path) -> None:
    files = gltf_files()
    model = next(name for name in files if name.endswith(".gltf"))
    document = json.loads(files[model])
    for buffer in document["buffers"]:
        buffer["uri"] = uri
    data = zip_of({**files, model: json.dumps(document).encode()})
    with pytest.raises(InvalidMesh, match=re.escape(message)):
        load_mesh(put(tmp_path, data))


def test_a_gltf_without_its_buffers_is_refused(tmp_path: Path) -> None:
    files = {name: data for name, data in gltf_files().items() if name.endswith(".gltf")}
    with pytest.raises(InvalidMesh, match="put them into one zip"):
        load_mesh(put(tmp_path, zip_of(files)))


@pytest.mark.parametrize("kind", ["glb", "stl", "ply", "fbx"])
def test_a_model_of_any_kind_may_be_in_a_zip(kind: str, tmp_path: Path) -> None:
    data = zip_of({f"a/model.{kind}": SMALL[OutputFormat(kind)], "a/readme.txt": b"hello"})
    assert measure(load_mesh(put(tmp_path, data))).is_watertight


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (b"", "a.glb", "The file is empty."),
        (b"\0" * 1000, "a.bin", "not a model that can be read"),
        (b"\0" * 50, "a.stl", "cut short"),
        (bytes(range(256)) * 40, "a.stl", "cut short, or no STL"),
        (b"# nothing\r\n\r\no nothing\n", "a.obj", "no faces"),
        (bytes(range(256)) * 40, "a.obj", "not a model that can be read"),
        (b"<!doctype html><html><body>v 1 2 3</body></html>", "a.obj", "not a model that can be read"),
        (b"%PDF-1.7\n", "a.glb", "not a model that can be read"),
        (b"MZ\x90\0" + b"\0" * 500, "a.ply", "not a model that can be read"),
        (b'{"asset": {"version": "2.0"}}', "a.gltf", "no faces"),
        (b"; FBX 7.4.0 project file\n", "a.fbx", "of the text form"),
        (b"glTF", "a.glb", "The GLB file is cut short."),
        (b"ply\nformat ascii 1.0\n", "a.ply", "The PLY file is cut short."),
        (b"# nothing\nv 0 0 0\nv 1 0 0\nv 0 1 0\n", "a.obj", "The model has no faces."),
        (b"v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "a.obj", "not finite"),
        (b"v 1e400 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "a.obj", "not finite"),
        (b"v 1e30 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "a.obj", "thousand kilometres"),
        (b"v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 nan\nf 1/1 2/1 3/1\n", "a.obj", "not finite"),
        (b"v 0 0 0\nf 1 2 3\n", "a.obj", "do not exist"),
        (b"PK\3\4 and no more", "a.zip", "The zip file is cut short."),
        (zipped(readme_txt=b"hello"), "a.zip", "0 models in it"),
        (zipped(a_obj=OBJ, b_obj=OBJ), "a.zip", "2 models in it"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(data: bytes, name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidMesh, match=message) as caught:
        load_mesh(put(tmp_path, data, name))
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_a_pipe_and_a_device_are_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.glb")
    for path in (tmp_path / "pipe.glb", Path("/dev/zero")):
        with pytest.raises(InvalidMesh, match=r"^The file cannot be opened\.$"):
            load_mesh(path)


def test_a_file_that_is_not_there_is_refused_without_its_path(tmp_path: Path) -> None:
    with pytest.raises(InvalidMesh, match=r"^The file cannot be opened\.$"):
        load_mesh(tmp_path / "secret")
    with pytest.raises(InvalidMesh, match=r"^The file cannot be opened\.$"):
        load_mesh(tmp_path)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.stl"
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(InvalidMesh, match="larger than 512 MB"):
        load_mesh(path)


def test_a_texture_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(buffer, "PNG")
    data = zipped(
        a_obj=b"mtllib a.mtl\nusemtl a\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nf 1/1 2/1 3/1\n",
        a_mtl=b"newmtl a\nmap_Kd a.png\n",
        a_png=buffer.getvalue(),
    )
    assert len(data) < 100_000
    with pytest.raises(InvalidMesh, match=r"over 64 million pixels|cannot be read"):
        load_mesh(put(tmp_path, data))


def test_textures_that_unpack_to_too_much_together_are_refused(tmp_path: Path) -> None:
    pictures = {}
    for number, name in enumerate("abc"):
        buffer = io.BytesIO()
        picture = Image.new("1", (8192, 8192))
        picture.putpixel((number, 0), 1)
        picture.save(buffer, "PNG", compress_level=1)
        pictures[f"{name}_png"] = buffer.getvalue()
    data = zipped(
        a_obj=b"mtllib a.mtl\nusemtl a\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nf 1/1 2/1 3/1\n",
        a_mtl="".join(f"newmtl {name}\nmap_Kd {name}.png\n" for name in "abc").encode(),
        **pictures,
    )
    with pytest.raises(InvalidMesh, match="128 million pixels together"):
        load_mesh(put(tmp_path, data))


def test_metres_and_up_agree_between_formats(tmp_path: Path) -> None:
    mesh = place(trimesh.creation.box(extents=[1, 2, 3]), 60)
    for output_format in FORMATS:
        found = load_mesh(put(tmp_path, export(mesh, output_format, None)))
        assert found.bounds == pytest.approx(mesh.bounds, abs=1e-5)


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_file_cut_anywhere_is_refused(output_format: OutputFormat, tmp_path: Path) -> None:
    data = SMALL[output_format]
    # An FBX ends with a mark of its writer's, which says nothing about the model.
    whole = len(data) - (FBX_FOOTER_BYTES if output_format is OutputFormat.FBX else 1)
    for length in np.linspace(1, whole, 40).astype(int):
        with pytest.raises(InvalidMesh):
            load_mesh(put(tmp_path, data[:length], f"cut.{output_format}"))


@pytest.mark.parametrize("output_format", [*FORMATS, "text"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=12))
def test_damage_is_survived_or_refused(
    output_format: OutputFormat | str, changes: list[tuple[float, int]], tmp_path: Path
) -> None:
    data = bytearray(OBJ if output_format == "text" else SMALL[OutputFormat(output_format)])
    for place_in_file, value in changes:
        data[int(place_in_file * (len(data) - 1))] = value
    path = put(tmp_path, bytes(data), f"damaged.{output_format}")
    assert survives(path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.sampled_from(
        [
            b"",
            b"glTF\2\0\0\0",
            b"PK\3\4",
            b"ply\n",
            b"solid \nfacet ",
            b"v 1 2 3\nf ",
            b'{"asset"',
            b"OFF\n",
            b"#usda 1.0\n",
            b"<COLLADA>",
            fbx_nodes.MAGIC + b"\xe8\x1c\0\0",
            b'<?xml version="1.0"?><COLLADA><scene>',
        ]
    ),
    rest=st.binary(max_size=400),
)
def test_random_bytes_are_survived_or_refused(start: bytes, rest: bytes, tmp_path: Path) -> None:
    assert survives(put(tmp_path, start + rest, "random.stl"))


def survives(path: Path) -> bool:
    """Whether a file is either a model that can be measured and written, or refused."""
    with contextlib.suppress(InvalidMesh):
        read_provenance(path)
    try:
        mesh = load_mesh(path)
    except InvalidMesh as refusal:
        return "\n" not in str(refusal) and str(path.parent) not in str(refusal)
    return measure(mesh).faces > 0 and len(export(mesh, OutputFormat.PLY, None)) > 0


def test_a_cube_in_several_parts_is_closed(tmp_path: Path) -> None:
    # Each side by itself, as programs with flat shading write it.
    lines = [f"v {x} {y} {z}\n" for x, y, z in np.asarray(box().vertices)[box().faces].reshape(-1, 3)]
    faces = [f"usemtl side{n // 2}\nf {3 * n + 1} {3 * n + 2} {3 * n + 3}\n" for n in range(12)]
    mesh = load_mesh(put(tmp_path, "".join(lines + faces).encode(), "a.obj"))
    assert measure(mesh).is_watertight
    assert len(mesh.vertices) == 8


@pytest.mark.parametrize(
    ("comments", "root", "message"),
    [
        (10_000, "x", "not a model that can be read"),
        (2_000, "<COLLADA/>", "no scene"),
        (2_000, "<!DOCTYPE COLLADA><COLLADA/>", "declares a document type"),
        (2_000, "<!--", "not a model that can be read"),
    ],
)
def test_comments_in_front_of_a_dae_are_passed_over_at_once(
    comments: int, root: str, message: str, tmp_path: Path
) -> None:
    path = put(tmp_path, b'<?xml version="1.0"?>' + b"<!---->" * comments + root.encode())
    began_s = time.perf_counter()
    with pytest.raises(InvalidMesh, match=message):
        load_mesh(path)
    assert time.perf_counter() - began_s < 0.5
