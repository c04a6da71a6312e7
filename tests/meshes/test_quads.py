"""Quads, which are triangles in memory, come as quads in the files that can hold them; readers of others judge."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import assimp_py
import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray
from trimesh.visual.texture import TextureVisuals

from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.export import export
from orfeas.meshes.load import load_mesh
from orfeas.meshes.polygons import fans
from orfeas.options import OutputFormat
from orfeas.records import JobKind
from tests.meshes.solids import PROVENANCE, textured_ball
from tests.meshes.ufbx_reader import read_by_ufbx

REMESHED = replace(PROVENANCE, kind=JobKind.REPAIR, options={"remesh": "quads"})
ROUND, ACROSS = 24, 10


def ring_of_quads() -> NDArray[np.int64]:
    """``[240, 4]``: the faces of a ring."""
    i, j = (grid.ravel() for grid in np.meshgrid(np.arange(ROUND), np.arange(ACROSS), indexing="ij"))
    right, above = (i + 1) % ROUND, (j + 1) % ACROSS
    return np.stack([i * ACROSS + j, i * ACROSS + above, right * ACROSS + above, right * ACROSS + j], axis=1)


def ring(faces: NDArray[np.int64] | None = None) -> trimesh.Trimesh:
    """A closed ring with a texture, as a remesher's quads come."""
    u, v = np.meshgrid(np.arange(ROUND) / ROUND, np.arange(ACROSS) / ACROSS, indexing="ij")
    radius = 30 + 10 * np.cos(2 * np.pi * v)
    places = (radius * np.cos(2 * np.pi * u), 10 * np.sin(2 * np.pi * v), radius * np.sin(2 * np.pi * u))
    material = appearance_of(textured_ball()).material
    return trimesh.Trimesh(
        vertices=np.stack(places, axis=2).reshape(-1, 3),
        faces=fans([ring_of_quads()]) if faces is None else faces,
        visual=TextureVisuals(uv=np.stack([u, v], axis=2).reshape(-1, 2), material=material),  # type: ignore[no-untyped-call]  # trimesh's gap
        process=False,
    )


def written(mesh: trimesh.Trimesh, output_format: OutputFormat, folder: Path) -> Path:
    path = folder / f"ring.{output_format}"
    path.write_bytes(export(mesh, output_format, REMESHED))
    return path


def test_ufbx_reads_quads_with_the_place_and_uv_of_every_corner(tmp_path: Path) -> None:
    mesh = ring()
    found = read_by_ufbx(written(mesh, OutputFormat.FBX, tmp_path)).mesh
    assert (found.face_sizes, found.triangles) == ([4] * 240, 480)
    assert found.places.reshape(-1, 4, 3) == pytest.approx(mesh.vertices[ring_of_quads()] / 10, abs=1e-5)
    wanted = appearance_of(mesh).uv
    assert wanted is not None
    assert found.uv == pytest.approx(wanted[ring_of_quads()].reshape(-1, 2), abs=1e-6)
    assert found.normals is not None
    assert np.linalg.norm(found.normals, axis=1) == pytest.approx(np.ones(960), abs=1e-6)


def test_assimp_reads_an_fbx_of_quads(tmp_path: Path) -> None:
    path = written(ring(), OutputFormat.FBX, tmp_path)
    (found,) = assimp_py.import_file(str(path), assimp_py.Process_Triangulate).meshes
    assert found.num_faces == 480
    assert np.ptp(np.array(found.vertices).reshape(-1, 3), axis=0) == pytest.approx(ring().extents / 10, abs=1e-4)


@pytest.mark.parametrize("output_format", [OutputFormat.PLY, OutputFormat.FBX, OutputFormat.OBJ])
def test_they_come_back_as_the_triangles_they_were(output_format: OutputFormat, tmp_path: Path) -> None:
    mesh = ring()
    path = tmp_path / "ring.zip" if output_format is OutputFormat.OBJ else tmp_path / f"ring.{output_format}"
    path.write_bytes(export(mesh, output_format, REMESHED))
    again = load_mesh(path)
    assert again.vertices[again.faces] == pytest.approx(mesh.vertices[mesh.faces], abs=1e-4)


def test_trimesh_reads_a_closed_ring_from_a_ply_of_quads(tmp_path: Path) -> None:
    data = written(ring(), OutputFormat.PLY, tmp_path).read_bytes()
    assert b"\nelement face 240\n" in data
    found = trimesh.load_mesh(BytesIO(data), file_type="ply")
    assert len(found.faces) == 480
    assert found.is_watertight and found.is_winding_consistent
    assert found.volume == pytest.approx(ring().volume, rel=1e-5)


def test_what_is_no_quad_among_them_stays_a_triangle_in_an_fbx(tmp_path: Path) -> None:
    path = written(ring(fans([ring_of_quads()])[:-1]), OutputFormat.FBX, tmp_path)
    sizes = read_by_ufbx(path).mesh.face_sizes
    assert (sizes.count(4), sizes.count(3)) == (239, 1)
    assert len(load_mesh(path).faces) == 479


def test_a_ply_has_faces_of_one_size_or_trimesh_could_not_read_it(tmp_path: Path) -> None:
    path = written(ring(fans([ring_of_quads()])[:-1]), OutputFormat.PLY, tmp_path)
    assert b"\nelement face 479\n" in path.read_bytes()
    assert len(trimesh.load_mesh(path).faces) == len(load_mesh(path).faces) == 479


def test_a_model_that_was_not_made_of_quads_has_triangles() -> None:
    data = export(ring(), OutputFormat.PLY, PROVENANCE)
    assert b"\nelement face 480\n" in data
