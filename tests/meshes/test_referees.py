"""Files judged by the libraries that define their formats, or that most programs read them with."""

from pathlib import Path

import assimp_py
import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray
from pxr import Usd, UsdGeom, UsdShade, UsdValidation

from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.export import export
from orfeas.meshes.placement import place
from orfeas.options import OutputFormat
from tests.meshes.solids import PROVENANCE, box, coloured_box, gradient, textured_ball
from tests.meshes.ufbx_reader import FbxScene, read_by_ufbx
from tests.textures.test_material import physical_model

MODELS = {
    "plain": box(),
    "coloured": coloured_box(),
    "textured": textured_ball(),
    "physical": physical_model(),
}


def everything() -> trimesh.Trimesh:
    """A ball with every texture and factor that a material may have."""
    mesh = textured_ball()
    material = appearance_of(mesh).material
    assert material is not None
    material.baseColorFactor = [128, 255, 255, 255]
    material.metallicRoughnessTexture = material.occlusionTexture = gradient(32)
    material.normalTexture = gradient(16)
    material.emissiveTexture, material.emissiveFactor = gradient(8), [0.5, 1.0, 0.0]
    material.alphaMode, material.alphaCutoff, material.doubleSided = "MASK", 0.25, True
    return mesh


MODELS["everything"] = everything()
WITH_UV = {name: look.uv for name, mesh in MODELS.items() if (look := appearance_of(mesh)).uv is not None}
WITHOUT_UV = sorted(MODELS.keys() - WITH_UV)


def test_there_are_models_of_both_kinds() -> None:
    assert (sorted(WITH_UV), WITHOUT_UV) == (["everything", "physical", "textured"], ["coloured", "plain"])


def written(name: str, output_format: OutputFormat, folder: Path) -> tuple[trimesh.Trimesh, Path]:
    mesh = place(MODELS[name], 100)
    path = folder / f"model.{output_format}"
    path.write_bytes(export(mesh, output_format, PROVENANCE))
    return mesh, path


def findings(path: Path) -> list[str]:
    registry = UsdValidation.ValidationRegistry()
    context = UsdValidation.ValidationContext(registry.GetOrLoadAllValidators())
    return [str(error.GetName()) for error in context.Validate(Usd.Stage.Open(str(path)))]


class TestUsdz:
    @pytest.mark.parametrize("name", MODELS)
    def test_no_validator_finds_anything(self, name: str, tmp_path: Path) -> None:
        assert findings(written(name, OutputFormat.USDZ, tmp_path)[1]) == []

    def test_the_validators_find_what_is_wrong(self, tmp_path: Path) -> None:
        path = tmp_path / "bad.usda"
        path.write_text('#usda 1.0\ndef Mesh "mesh"\n{\n    rel material:binding = </no>\n}\n')
        assert len(findings(path)) >= 3

    @pytest.mark.parametrize("name", MODELS)
    def test_the_stage_is_the_model_in_metres(self, name: str, tmp_path: Path) -> None:
        mesh, path = written(name, OutputFormat.USDZ, tmp_path)
        stage = Usd.Stage.Open(str(path))
        prim = UsdGeom.Mesh(stage.GetDefaultPrim().GetChild("mesh"))
        assert (UsdGeom.GetStageMetersPerUnit(stage), UsdGeom.GetStageUpAxis(stage)) == (1.0, "Y")
        points = np.array(prim.GetPointsAttr().Get())
        corners = np.array(prim.GetFaceVertexIndicesAttr().Get()).reshape(-1, 3)
        assert points[corners] == pytest.approx(mesh.vertices[mesh.faces] / 1000, abs=1e-7)
        assert (points[:, 1].min(), points.min(axis=0)[1]) == pytest.approx((0.0, 0.0), abs=1e-7)

    def primvars(self, name: str, folder: Path) -> dict[str, NDArray[np.float64]]:
        stage = Usd.Stage.Open(str(written(name, OutputFormat.USDZ, folder)[1]))
        found = UsdGeom.PrimvarsAPI(stage.GetDefaultPrim().GetChild("mesh")).GetPrimvarsWithValues()
        return {primvar.GetPrimvarName(): np.array(primvar.ComputeFlattened()) for primvar in found}

    @pytest.mark.parametrize("name", WITH_UV)
    def test_usd_finds_the_uv_of_every_corner(self, name: str, tmp_path: Path) -> None:
        expected = WITH_UV[name][MODELS[name].faces].reshape(-1, 2)
        assert self.primvars(name, tmp_path)["st"] == pytest.approx(expected, abs=1e-6)

    @pytest.mark.parametrize("name", WITHOUT_UV)
    def test_usd_finds_no_uvs_where_there_are_none(self, name: str, tmp_path: Path) -> None:
        assert "st" not in self.primvars(name, tmp_path)

    def test_the_surface_takes_each_texture_from_its_channel(self, tmp_path: Path) -> None:
        _, path = written("everything", OutputFormat.USDZ, tmp_path)
        stage = Usd.Stage.Open(str(path))
        surface = UsdShade.Material(stage.GetPrimAtPath("/model/material")).ComputeSurfaceSource()[0]
        found = {}
        for given in surface.GetInputs():
            sources = given.GetConnectedSources()[0]
            if sources:
                found[given.GetBaseName()] = (sources[0].source.GetPrim().GetName(), str(sources[0].sourceName))
        assert found == {
            "diffuseColor": ("base_color", "rgb"),
            "opacity": ("base_color", "a"),
            "metallic": ("metallic_roughness", "b"),
            "roughness": ("metallic_roughness", "g"),
            "normal": ("normal", "rgb"),
            "occlusion": ("occlusion", "r"),
            "emissiveColor": ("emissive", "rgb"),
        }
        texture = UsdShade.Shader(stage.GetPrimAtPath("/model/material/base_color"))
        asset = texture.GetInput("file").Get()
        assert asset.resolvedPath.endswith("[textures/base_color.jpg]")
        assert texture.GetInput("scale").Get()[0] == pytest.approx(128 / 255)

    def test_its_note_is_in_the_custom_data_of_the_layer(self, tmp_path: Path) -> None:
        _, path = written("plain", OutputFormat.USDZ, tmp_path)
        stage = Usd.Stage.Open(str(path))  # its layers are gone when it is
        assert stage.GetRootLayer().customLayerData == {"orfeas": PROVENANCE.to_line()}


class TestFbx:
    def scene(self, name: str, folder: Path) -> FbxScene:
        return read_by_ufbx(written(name, OutputFormat.FBX, folder)[1])

    @pytest.mark.parametrize("name", MODELS)
    def test_ufbx_reads_the_model(self, name: str, tmp_path: Path) -> None:
        mesh, path = written(name, OutputFormat.FBX, tmp_path)
        scene = read_by_ufbx(path)
        assert scene.warnings == []
        assert scene.creator.startswith("ORFEAS ")
        assert (scene.unit_meters, scene.up) == (0.01, 2)
        assert (len(scene.mesh.face_sizes), scene.mesh.triangles) == (len(mesh.faces), len(mesh.faces))
        assert scene.mesh.normals is not None
        corners = scene.mesh.places.reshape(-1, 3, 3)
        assert corners == pytest.approx(mesh.vertices[mesh.faces] / 10, abs=1e-5)

    @pytest.mark.parametrize("name", WITH_UV)
    def test_ufbx_finds_the_uv_of_every_corner(self, name: str, tmp_path: Path) -> None:
        expected = WITH_UV[name][MODELS[name].faces].reshape(-1, 2)
        assert self.scene(name, tmp_path).mesh.uv == pytest.approx(expected, abs=1e-6)

    @pytest.mark.parametrize("name", WITHOUT_UV)
    def test_ufbx_finds_no_uvs_where_there_are_none(self, name: str, tmp_path: Path) -> None:
        assert self.scene(name, tmp_path).mesh.uv is None

    def test_ufbx_finds_the_textures_in_the_file(self, tmp_path: Path) -> None:
        pictures = self.scene("everything", tmp_path).textures
        starts = {name: picture[:3] for name, picture in pictures.items()}
        assert {name for name, start in starts.items() if start == b"\xff\xd8\xff"} == {
            "emission_color",
            "diffuse_color",
        }
        assert {name for name, start in starts.items() if start == b"\x89PN"} == {
            "reflection_factor",
            "specular_exponent",
            "normal_map",
        }

    def test_ufbx_reads_the_note(self, tmp_path: Path) -> None:
        assert self.scene("plain", tmp_path).notes["Original|orfeas"] == PROVENANCE.to_line()

    @pytest.mark.parametrize("name", MODELS)
    def test_assimp_reads_the_model(self, name: str, tmp_path: Path) -> None:
        mesh, path = written(name, OutputFormat.FBX, tmp_path)
        scene = assimp_py.import_file(str(path), assimp_py.Process_JoinIdenticalVertices)
        (found,) = scene.meshes
        points = np.array(found.vertices).reshape(-1, 3)
        assert found.num_faces == len(mesh.faces)
        assert np.ptp(points, axis=0) == pytest.approx(mesh.extents / 10, abs=1e-4)


class Test3mf:
    @pytest.mark.parametrize("name", MODELS)
    def test_lib3mf_reads_it_strictly_without_a_warning(self, name: str, tmp_path: Path) -> None:
        lib3mf = pytest.importorskip("lib3mf")  # no wheel for Linux on ARM
        mesh, path = written(name, OutputFormat.THREE_MF, tmp_path)
        model = lib3mf.get_wrapper().CreateModel()
        reader = model.QueryReader("3mf")
        reader.SetStrictModeActive(True)
        reader.ReadFromFile(str(path))
        assert [reader.GetWarning(number) for number in range(reader.GetWarningCount())] == []
        objects = model.GetMeshObjects()
        assert objects.MoveNext()
        found = objects.GetCurrentMeshObject()
        assert (found.GetTriangleCount(), found.IsManifoldAndOriented()) == (len(mesh.faces), True)
        points = np.array([list(point.Coordinates) for point in found.GetVertices()])
        low, high = mesh.bounds
        expected = [[low[0], -high[2], low[1]], [high[0], -low[2], high[1]]]
        assert [points.min(axis=0), points.max(axis=0)] == pytest.approx(np.array(expected), abs=1e-5)
        pictures = model.GetTexture2Ds()
        assert pictures.Count() == int(appearance_of(mesh).texture is not None)

    def test_lib3mf_finds_the_uv_of_a_corner(self, tmp_path: Path) -> None:
        lib3mf = pytest.importorskip("lib3mf")
        mesh, path = written("textured", OutputFormat.THREE_MF, tmp_path)
        model = lib3mf.get_wrapper().CreateModel()
        model.QueryReader("3mf").ReadFromFile(str(path))
        objects = model.GetMeshObjects()
        objects.MoveNext()
        properties = objects.GetCurrentMeshObject().GetTriangleProperties(7)
        group = model.GetTexture2DGroupByID(properties.ResourceID)
        look = appearance_of(mesh)
        assert look.uv is not None
        corner = group.GetTex2Coord(properties.PropertyIDs[1])
        assert pytest.approx(tuple(look.uv[mesh.faces[7, 1]]), abs=1e-6) == (corner.U, corner.V)
