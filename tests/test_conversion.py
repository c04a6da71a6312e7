import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
import trimesh
from PIL import Image

from orfeas.conversion import convert, convert_file, pack
from orfeas.errors import InvalidOption
from orfeas.job_files import JobFiles
from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.export import export
from orfeas.meshes.glb_container import read_document
from orfeas.meshes.load import load_mesh
from orfeas.meshes.maps import longest_side_px
from orfeas.meshes.provenance import Provenance, read_provenance
from orfeas.options import Compression, OutputFormat, Packing, TextureFormat
from orfeas.progress import Progress
from tests.meshes.solids import PROVENANCE, coloured_box, gradient, textured_ball

MADE = replace(PROVENANCE, options={**PROVENANCE.options, "texture_size": 512, "texture_format": "jpeg"})
HOLD_TEXTURES = [output_format for output_format in OutputFormat if output_format.holds_textures]
SMALL = Packing(texture_size=256)


def ball() -> trimesh.Trimesh:
    mesh = textured_ball(texture=gradient(512))
    material = appearance_of(mesh).material
    assert material is not None
    material.metallicRoughnessTexture = material.occlusionTexture = gradient(512)
    return mesh


@pytest.fixture
def files(tmp_path: Path) -> JobFiles:
    made = JobFiles(tmp_path, "ball")
    made.provenance.write_bytes(MADE.to_json())
    glb = made.model(OutputFormat.GLB)
    glb.parent.mkdir()
    glb.write_bytes(export(ball(), OutputFormat.GLB, MADE.written_as(OutputFormat.GLB)))
    return made


def converted(files: JobFiles, output_format: OutputFormat, packing: Packing) -> Path:
    return convert(Progress(), files, output_format, packing)


@pytest.mark.parametrize("output_format", HOLD_TEXTURES)
def test_a_smaller_texture_is_smaller_in_every_format_that_holds_one(
    files: JobFiles, output_format: OutputFormat
) -> None:
    path = converted(files, output_format, SMALL)
    assert path.name == files.model(output_format).name
    assert path.stat().st_size < converted(files, output_format, Packing()).stat().st_size
    assert longest_side_px(load_mesh(path)) == 256
    assert read_provenance(path).options["texture_size"] == 256
    assert read_provenance(path).notes[-1] == "The texture was reduced to 256 px."


def test_a_packing_is_made_once_and_kept_beside_the_others(files: JobFiles) -> None:
    first = converted(files, OutputFormat.GLB, SMALL)
    written = first.stat().st_mtime_ns
    assert converted(files, OutputFormat.GLB, SMALL).stat().st_mtime_ns == written
    packings = (
        Packing(),
        SMALL,
        replace(SMALL, texture_format=TextureFormat.PNG),
        replace(SMALL, compression=Compression.DRACO),
        Packing(texture_format=TextureFormat.PNG),
        Packing(Compression.DRACO),
    )
    assert len({files.model(OutputFormat.GLB, packing) for packing in packings}) == len(packings)


@pytest.mark.parametrize("texture_format", TextureFormat)
def test_colours_are_kept_as_asked_and_numbers_to_the_last_bit(files: JobFiles, texture_format: TextureFormat) -> None:
    path = converted(files, OutputFormat.GLB, Packing(texture_format=texture_format))
    with path.open("rb") as file:
        kinds = [image["mimeType"] for image in json.loads(read_document(file))["images"]]
    assert f"image/{texture_format}" in kinds
    assert "image/png" in kinds
    assert read_provenance(path).options["texture_format"] == texture_format
    material = appearance_of(load_mesh(path)).material
    assert material is not None
    assert material.metallicRoughnessTexture.tobytes() == gradient(512).tobytes()


def test_a_texture_that_is_smaller_already_stays_as_it_is(files: JobFiles) -> None:
    whole = converted(files, OutputFormat.FBX, Packing())
    assert converted(files, OutputFormat.FBX, Packing(texture_size=1024)).read_bytes() == whole.read_bytes()


def test_draco_and_a_smaller_texture_go_together(files: JobFiles) -> None:
    path = converted(files, OutputFormat.GLB, replace(SMALL, compression=Compression.DRACO))
    assert b"KHR_draco_mesh_compression" in path.read_bytes()
    assert longest_side_px(load_mesh(path)) == 256


@pytest.mark.parametrize("packing", [SMALL, Packing(texture_format=TextureFormat.PNG)])
def test_a_model_without_a_texture_has_none_to_choose(packing: Packing) -> None:
    with pytest.raises(InvalidOption, match="without a texture; leave it at") as refusal:
        pack(coloured_box(), OutputFormat.GLB, None, packing)
    assert refusal.value.option in ("texture_size", "texture_format")


def test_a_model_made_elsewhere_takes_them_too(tmp_path: Path) -> None:
    path = tmp_path / "ball.glb"
    path.write_bytes(export(ball(), OutputFormat.GLB, None))
    packing = Packing(texture_size=256, texture_format=TextureFormat.WEBP)
    (tmp_path / "small.glb").write_bytes(convert_file(path, OutputFormat.GLB, 0, packing))
    small = load_mesh(tmp_path / "small.glb")
    assert longest_side_px(small) == 256
    assert b"image/webp" in (tmp_path / "small.glb").read_bytes()


def test_a_note_without_a_texture_size_gets_none(tmp_path: Path) -> None:
    path = tmp_path / "ball.glb"
    path.write_bytes(export(ball(), OutputFormat.GLB, PROVENANCE))
    (tmp_path / "small.glb").write_bytes(convert_file(path, OutputFormat.GLB, 0, SMALL))
    note: Provenance = read_provenance(tmp_path / "small.glb")
    assert "texture_size" not in note.options
    assert note.notes[-1] == "The texture was reduced to 256 px."


def test_the_pictures_in_a_reduced_file_are_those_sizes_to_another_reader(files: JobFiles) -> None:
    scene = trimesh.load_scene(BytesIO(converted(files, OutputFormat.GLB, SMALL).read_bytes()), file_type="glb")
    (mesh,) = scene.geometry.values()
    material = mesh.visual.material
    sizes = {image.size for image in (material.baseColorTexture, material.metallicRoughnessTexture)}
    assert sizes == {(256, 256)}
    assert isinstance(material.baseColorTexture, Image.Image)
