"""Files of every format, read back by trimesh and by hand."""

import hashlib
import io
import json
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from orfeas.errors import InvalidMesh
from orfeas.meshes.appearance import appearance_of, sample
from orfeas.meshes.export import export
from orfeas.meshes.load import load_mesh
from orfeas.meshes.placement import place
from orfeas.meshes.stats import measure
from orfeas.options import OutputFormat
from tests.meshes.solids import PROVENANCE, blob, box, coloured_box, gradient, inverted, joined, textured_ball
from tests.processes import unmeasured

FORMATS = list(OutputFormat)
TEXTURED = [output_format for output_format in OutputFormat if output_format.holds_textures]
ROOT = Path(__file__).parents[2]


def loaded(data: bytes, folder: Path) -> trimesh.Trimesh:
    path = folder / "model"
    path.write_bytes(data)
    return load_mesh(path)


def as_trimesh_reads(data: bytes, output_format: OutputFormat) -> trimesh.Trimesh:
    if output_format is OutputFormat.OBJ:
        data = zipfile.ZipFile(io.BytesIO(data)).read("model.obj")
    found = trimesh.load_mesh(io.BytesIO(data), file_type=output_format.value)
    assert isinstance(found, trimesh.Trimesh)
    return found


@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize("size_mm", [1.0, 100.0, 10_000.0])
def test_the_box_around_the_model_is_its_size(output_format: OutputFormat, size_mm: float, tmp_path: Path) -> None:
    mesh = place(blob(), size_mm)
    again = loaded(export(mesh, output_format, PROVENANCE), tmp_path)
    assert again.bounds == pytest.approx(mesh.bounds, abs=1e-6 * size_mm)
    assert max(measure(again).size_mm) == pytest.approx(size_mm, abs=1e-4 * size_mm)


@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize("mesh", [blob(), textured_ball(), coloured_box()], ids=["plain", "textured", "coloured"])
def test_a_closed_model_comes_back_closed_and_the_same(
    output_format: OutputFormat, mesh: trimesh.Trimesh, tmp_path: Path
) -> None:
    before = measure(place(mesh, 100))
    after = measure(loaded(export(place(mesh, 100), output_format, PROVENANCE), tmp_path))
    assert after.is_watertight
    assert after.is_winding_consistent
    assert after.volume_mm3 == pytest.approx(before.volume_mm3, rel=1e-6)
    assert (after.vertices, after.faces, after.euler_number) == (before.vertices, before.faces, before.euler_number)


@pytest.mark.parametrize("output_format", [OutputFormat.GLB, OutputFormat.OBJ, OutputFormat.STL, OutputFormat.PLY])
def test_trimesh_reads_the_same_model(output_format: OutputFormat) -> None:
    mesh = place(blob(), 100)
    found = as_trimesh_reads(export(mesh, output_format, PROVENANCE), output_format)
    found.merge_vertices()
    low, high = mesh.bounds
    expected = {
        OutputFormat.GLB: mesh.bounds / 1000,
        OutputFormat.STL: np.array([[low[0], -high[2], low[1]], [high[0], -low[2], high[1]]]),
    }.get(output_format, mesh.bounds)
    assert found.bounds == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert found.is_watertight
    assert found.is_winding_consistent
    assert found.volume > 0


@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize("mesh", [textured_ball(), coloured_box()], ids=["textured", "coloured"])
def test_the_same_model_makes_the_same_bytes(output_format: OutputFormat, mesh: trimesh.Trimesh) -> None:
    assert export(mesh, output_format, PROVENANCE) == export(mesh.copy(), output_format, PROVENANCE)


def test_another_process_makes_the_same_bytes() -> None:
    code = (
        "import hashlib\n"
        "from orfeas.meshes.export import export\n"
        "from orfeas.options import OutputFormat\n"
        "from tests.meshes.solids import PROVENANCE, textured_ball\n"
        "for f in OutputFormat: print(hashlib.sha256(export(textured_ball(), f, PROVENANCE)).hexdigest())"
    )
    command = [sys.executable, "-c", code]
    there = subprocess.run(command, cwd=ROOT, env=unmeasured(), capture_output=True, text=True, check=True).stdout
    here = [hashlib.sha256(export(textured_ball(), output_format, PROVENANCE)).hexdigest() for output_format in FORMATS]
    assert there.split() == here
    assert len(set(here)) == len(FORMATS)


@pytest.mark.parametrize("output_format", FORMATS)
def test_the_model_given_is_not_changed(output_format: OutputFormat) -> None:
    mesh = textured_ball()
    before = np.array(mesh.vertices), np.array(mesh.faces), np.array(appearance_of(mesh).uv)
    export(mesh, output_format, PROVENANCE)
    after = mesh.vertices, mesh.faces, appearance_of(mesh).uv
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))  # type: ignore[arg-type]  # arrays


@pytest.mark.parametrize("output_format", TEXTURED)
def test_the_texture_has_its_colour_where_the_uv_says(output_format: OutputFormat, tmp_path: Path) -> None:
    look = appearance_of(loaded(export(textured_ball(), output_format, PROVENANCE), tmp_path))
    uv = np.array([[0.25, 0.75], [0.9, 0.1]])
    assert look.texture is not None
    # Red is u and green is v, as solids.gradient paints them: a flip of either would show.
    assert sample(look.texture, uv)[:, :2] == pytest.approx(uv, abs=0.015)


@pytest.mark.parametrize("output_format", TEXTURED)
def test_every_corner_keeps_its_uv(output_format: OutputFormat, tmp_path: Path) -> None:
    mesh = place(textured_ball(), 100)
    again = loaded(export(mesh, output_format, PROVENANCE), tmp_path)
    uv, uv_again = appearance_of(mesh).uv, appearance_of(again).uv
    assert uv is not None and uv_again is not None
    assert again.vertices[again.faces] == pytest.approx(mesh.vertices[mesh.faces], abs=1e-5)
    assert uv_again[again.faces] == pytest.approx(uv[mesh.faces], abs=1e-6)


@pytest.mark.parametrize("output_format", sorted({*FORMATS} - {OutputFormat.STL}))
def test_colours_on_vertices_come_back(output_format: OutputFormat, tmp_path: Path) -> None:
    mesh = coloured_box()
    again = loaded(export(mesh, output_format, PROVENANCE), tmp_path)
    before, after = appearance_of(mesh).colours, appearance_of(again).colours
    assert before is not None and after is not None
    assert np.array_equal(after[again.faces], before[mesh.faces])


def test_a_ply_shows_the_texture_on_its_vertices(tmp_path: Path) -> None:
    mesh = textured_ball(16)
    again = loaded(export(mesh, OutputFormat.PLY, PROVENANCE), tmp_path)
    colours, uv = appearance_of(again).colours, appearance_of(mesh).uv
    assert colours is not None and uv is not None
    off_seam = np.flatnonzero((uv[:, 0] > 0.1) & (uv[:, 0] < 0.9) & (uv[:, 1] > 0.1) & (uv[:, 1] < 0.9))
    place_of = {tuple(point): number for number, point in enumerate(np.asarray(again.vertices, np.float32))}
    found = colours[[place_of[tuple(point)] for point in np.asarray(mesh.vertices[off_seam], np.float32)]]
    assert found[:, :2] / 255.0 == pytest.approx(uv[off_seam], abs=0.02)
    assert (found[:, 2:] == (128, 255)).all()


def test_a_seam_of_a_ply_has_the_mean_of_both_sides_light(tmp_path: Path) -> None:
    halves = Image.new("RGB", (64, 64), (0, 0, 0))
    halves.paste((255, 255, 255), (32, 0, 64, 64))
    mesh = textured_ball(8, halves)
    uv = appearance_of(mesh).uv
    assert uv is not None
    # From within black on one side of the seam to within white on the other.
    mesh.visual.uv = uv * (0.5, 1.0) + (0.25, 0.0)  # type: ignore[union-attr]  # it has a texture
    again = loaded(export(mesh, OutputFormat.PLY, PROVENANCE), tmp_path)
    colours = appearance_of(again).colours
    assert colours is not None
    on_seam = np.flatnonzero((np.abs(again.vertices[:, 2]) < 1e-6) & (again.vertices[:, 0] > 0.1))
    # Half of all light is 188 in sRGB, not 128.
    assert colours[on_seam].tolist() == [[188, 188, 188, 255]] * 7


@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_point_that_is_not_finite_never_reaches_a_file(output_format: OutputFormat, bad: float) -> None:
    mesh = box()
    vertices = np.array(mesh.vertices)
    vertices[3, 1] = bad
    with pytest.raises(InvalidMesh, match="not finite"):
        export(trimesh.Trimesh(vertices, mesh.faces, process=False), output_format, PROVENANCE)


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_uv_that_is_not_finite_never_reaches_a_file(output_format: OutputFormat) -> None:
    mesh = textured_ball()
    uv = np.array(appearance_of(mesh).uv)
    uv[20] = np.nan
    mesh.visual.uv = uv  # type: ignore[union-attr]  # it has a texture
    with pytest.raises(InvalidMesh, match="not finite"):
        export(mesh, output_format, PROVENANCE)


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_point_no_face_uses_reaches_no_file(output_format: OutputFormat, tmp_path: Path) -> None:
    mesh = box()
    loose = trimesh.Trimesh(np.vstack([[[np.nan, 9e9, 0]], mesh.vertices]), np.asarray(mesh.faces) + 1, process=False)
    assert export(loose, output_format, None) == export(mesh, output_format, None)


@pytest.mark.parametrize("output_format", FORMATS)
def test_an_empty_model_makes_no_file(output_format: OutputFormat) -> None:
    with pytest.raises(InvalidMesh, match="empty"):
        export(trimesh.Trimesh([[0, 0, 0]], np.zeros((0, 3), int), process=False), output_format, PROVENANCE)


@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize("corner", [-1, 8])
def test_a_corner_that_does_not_exist_makes_no_file(output_format: OutputFormat, corner: int) -> None:
    mesh = trimesh.Trimesh(box().vertices, [[0, 1, corner]], process=False)
    with pytest.raises(InvalidMesh, match="do not exist"):
        export(mesh, output_format, PROVENANCE)


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_model_as_far_away_as_the_moon_makes_no_file(output_format: OutputFormat) -> None:
    with pytest.raises(InvalidMesh, match="thousand kilometres"):
        export(trimesh.Trimesh(box().vertices * 1e30, box().faces, process=False), output_format, PROVENANCE)


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_model_inside_out_stays_so(output_format: OutputFormat, tmp_path: Path) -> None:
    report = measure(loaded(export(inverted(box()), output_format, None), tmp_path))
    assert report.volume_mm3 == pytest.approx(-1.0, rel=1e-6)


@pytest.mark.parametrize("output_format", FORMATS)
def test_no_name_of_this_machine_is_in_a_file(output_format: OutputFormat, monkeypatch: pytest.MonkeyPatch) -> None:
    texture = gradient()
    texture.info.update(comment=b"/home/someone", icc_profile=b"someone", exif=b"Exif\0\0/home/someone")
    with_alpha = texture.copy()
    with_alpha.putalpha(Image.linear_gradient("L").resize(texture.size))
    for picture in (texture, with_alpha):
        data = export(textured_ball(texture=picture), output_format, PROVENANCE)
        assert b"someone" not in data
        assert str(ROOT).encode() not in data


def test_orfeas_is_named_as_the_writer_of_a_model_of_unknown_origin() -> None:
    for output_format in {*FORMATS} - {OutputFormat.OBJ, OutputFormat.THREE_MF}:
        assert b"ORFEAS 0." in export(box(), output_format, None)[:1200]


class TestGlb:
    def document(self, data: bytes) -> dict[str, object]:
        length = struct.unpack_from("<I", data, 12)[0]
        found: dict[str, object] = json.loads(data[20 : 20 + length])
        return found

    def test_it_is_framed_as_the_specification_asks(self) -> None:
        data = export(textured_ball(), OutputFormat.GLB, PROVENANCE)
        magic, version, total, length, kind = struct.unpack_from("<4sIII4s", data)
        assert (magic, version, total, kind) == (b"glTF", 2, len(data), b"JSON")
        assert length % 4 == 0
        binary, kind = struct.unpack_from("<I4s", data, 20 + length)
        assert (28 + length + binary, kind) == (len(data), b"BIN\0")

    def test_its_note_is_in_the_extras_of_its_asset(self) -> None:
        asset = self.document(export(box(), OutputFormat.GLB, PROVENANCE))["asset"]
        assert asset["generator"].startswith("ORFEAS ")  # type: ignore[index]  # JSON
        assert asset["extras"]["orfeas"]["options"]["seed"] == 7  # type: ignore[index]  # JSON

    def test_the_bounds_it_states_are_those_of_its_numbers(self) -> None:
        document = self.document(export(place(blob(), 123.4), OutputFormat.GLB, None))
        accessor = document["accessors"][0]  # type: ignore[index]  # JSON
        mesh = as_trimesh_reads(export(place(blob(), 123.4), OutputFormat.GLB, None), OutputFormat.GLB)
        assert np.array_equal(np.float32(accessor["min"]), np.float32(mesh.bounds[0]))
        assert np.array_equal(np.float32(accessor["max"]), np.float32(mesh.bounds[1]))

    def test_an_opaque_texture_is_a_jpeg(self) -> None:
        picture = gradient()
        picture.putalpha(255)
        document = self.document(export(textured_ball(texture=picture), OutputFormat.GLB, None))
        assert document["images"][0]["mimeType"] == "image/jpeg"  # type: ignore[index]  # JSON

    def test_a_texture_with_alpha_comes_back_to_the_last_bit(self, tmp_path: Path) -> None:
        picture = gradient()
        picture.putalpha(Image.linear_gradient("L").resize(picture.size))
        again = appearance_of(loaded(export(textured_ball(texture=picture), OutputFormat.GLB, None), tmp_path))
        assert again.texture is not None
        assert np.array_equal(np.asarray(again.texture), np.asarray(picture))

    def test_factors_and_further_textures_come_back(self, tmp_path: Path) -> None:
        mesh = textured_ball()
        material = appearance_of(mesh).material
        assert material is not None
        numbers = Image.effect_noise((32, 32), 60).convert("RGB")
        material.metallicRoughnessTexture = material.occlusionTexture = gradient(32)
        material.normalTexture = numbers
        material.emissiveFactor, material.emissiveTexture = [0.25, 0.5, 1.0], gradient(16)
        material.metallicFactor, material.doubleSided = 0.5, True
        material.alphaMode, material.alphaCutoff = "MASK", 0.25
        data = export(mesh, OutputFormat.GLB, None)
        found = appearance_of(loaded(data, tmp_path)).material
        assert found is not None
        assert (found.metallicFactor, found.roughnessFactor) == (0.5, 0.75)
        assert (found.alphaMode, found.alphaCutoff, found.doubleSided) == ("MASK", 0.25, True)
        assert found.emissiveFactor == pytest.approx([0.25, 0.5, 1.0])
        assert np.array_equal(np.asarray(found.normalTexture), np.asarray(numbers))
        assert found.emissiveTexture.size == (16, 16)
        # One picture with two uses is in the file once.
        assert found.occlusionTexture is found.metallicRoughnessTexture
        assert len(self.document(data)["images"]) == 4  # type: ignore[arg-type]  # JSON

    def test_a_model_without_a_look_is_matt_and_light(self) -> None:
        document = self.document(export(box(), OutputFormat.GLB, None))
        look = document["materials"][0]["pbrMetallicRoughness"]  # type: ignore[index]  # JSON
        assert look["metallicFactor"] == 0.0
        assert look["roughnessFactor"] > 0.5
        assert min(look["baseColorFactor"]) > 0.5

    def test_a_material_that_leaves_out_its_metal_is_none(self) -> None:
        mesh = textured_ball()
        appearance_of(mesh).material.metallicFactor = None  # type: ignore[union-attr]  # it has one
        document = self.document(export(mesh, OutputFormat.GLB, None))
        assert document["materials"][0]["pbrMetallicRoughness"]["metallicFactor"] == 0.0  # type: ignore[index]  # JSON

    def test_normals_are_smooth_across_the_seam_and_point_outward(self) -> None:
        mesh = as_trimesh_reads(export(textured_ball(24), OutputFormat.GLB, None), OutputFormat.GLB)
        outward = mesh.vertices / np.linalg.norm(mesh.vertices, axis=1, keepdims=True)
        assert (np.einsum("ij,ij->i", mesh.vertex_normals, outward) > 0.99).all()

    def test_small_models_have_short_indices_and_large_ones_long(self) -> None:
        for steps, component in ((20, 5123), (260, 5125)):
            document = self.document(export(textured_ball(steps), OutputFormat.GLB, None))
            number = document["meshes"][0]["primitives"][0]["indices"]  # type: ignore[index]  # JSON
            assert document["accessors"][number]["componentType"] == component  # type: ignore[index]  # JSON


class TestObj:
    def entries(self, data: bytes) -> dict[str, bytes]:
        archive = zipfile.ZipFile(io.BytesIO(data))
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}

    def test_the_zip_holds_model_material_texture_and_note(self) -> None:
        entries = self.entries(export(textured_ball(), OutputFormat.OBJ, PROVENANCE))
        assert list(entries) == ["model.obj", "model.mtl", "texture.jpg", "orfeas.json"]
        assert b"mtllib model.mtl" in entries["model.obj"]
        assert b"map_Kd texture.jpg" in entries["model.mtl"]
        assert b"Kd 1.0000 1.0000 1.0000" in entries["model.mtl"]

    def test_a_model_without_a_texture_names_none(self) -> None:
        entries = self.entries(export(box(), OutputFormat.OBJ, None))
        assert list(entries) == ["model.obj", "model.mtl"]
        assert b"map_Kd" not in entries["model.mtl"]

    def test_positions_are_shared_across_the_seam(self) -> None:
        text = self.entries(export(textured_ball(12), OutputFormat.OBJ, None))["model.obj"].decode("ascii")
        assert text.count("\nv ") == 12 * 11 + 2
        assert text.count("\nvn ") == 12 * 11 + 2
        assert text.count("\nvt ") == 13 * 13 - 2

    def test_the_zip_is_without_dates_and_owners(self) -> None:
        archive = zipfile.ZipFile(io.BytesIO(export(box(), OutputFormat.OBJ, PROVENANCE)))
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.create_system for entry in archive.infolist()} == {3}


class TestStl:
    def test_it_does_not_begin_like_a_text_stl(self) -> None:
        assert not export(box(), OutputFormat.STL, PROVENANCE).lower().startswith(b"solid")

    def test_up_is_z(self) -> None:
        tall = trimesh.creation.box(extents=[1, 3, 2])
        assert as_trimesh_reads(export(tall, OutputFormat.STL, None), OutputFormat.STL).extents == pytest.approx(
            [1, 2, 3]
        )

    def test_its_normals_are_those_of_its_triangles(self) -> None:
        data = export(blob(), OutputFormat.STL, None)
        triangles = np.frombuffer(data, np.dtype([("n", "<f4", 3), ("c", "<f4", (3, 3)), ("a", "<u2")]), offset=84)
        a, b, c = triangles["c"].astype(np.float64).swapaxes(0, 1)
        normals = np.cross(b - a, c - a)
        assert triangles["n"] == pytest.approx(normals / np.linalg.norm(normals, axis=1, keepdims=True), abs=1e-6)


def test_several_bodies_stay_several(tmp_path: Path) -> None:
    mesh = joined(box(), box(at=(3, 0, 0)), box(at=(0, 3, 0)))
    for output_format in FORMATS:
        assert measure(loaded(export(mesh, output_format, None), tmp_path)).components == 3
