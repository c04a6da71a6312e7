"""How others inspect, repair and reduce a mesh; those that are not installed are left out.

    pip install pymeshlab==2025.7.post1 open3d==0.20.0

pymeshlab's licence (GPL-3) does not go with ours, and open3d alone is larger than all of ORFEAS.
"""

import importlib.util
from collections.abc import Callable

import numpy as np
import trimesh

TARGET_FACES = 40_000
HAS_PYMESHLAB = importlib.util.find_spec("pymeshlab") is not None
HAS_OPEN3D = importlib.util.find_spec("open3d") is not None


def trimesh_inspect(mesh: trimesh.Trimesh) -> None:
    fresh = trimesh.Trimesh(mesh.vertices, mesh.faces, process=True)
    _ = (fresh.is_watertight, fresh.is_winding_consistent, fresh.euler_number, fresh.volume, fresh.area, fresh.extents)
    _ = fresh.body_count


def trimesh_repair(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    fresh = trimesh.Trimesh(mesh.vertices, mesh.faces, process=True)
    trimesh.repair.fix_normals(fresh)  # type: ignore[no-untyped-call]  # trimesh leaves this untyped
    trimesh.repair.fill_holes(fresh)
    return fresh


def trimesh_reduce(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    parts = mesh.split(only_watertight=False)
    largest: trimesh.Trimesh = max(parts, key=lambda part: len(part.faces))
    return largest.simplify_quadric_decimation(face_count=TARGET_FACES)


def pymeshlab_inspect(mesh: trimesh.Trimesh) -> None:
    meshes = _meshes(mesh)
    meshes.get_topological_measures()
    meshes.get_geometric_measures()


def pymeshlab_repair(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    meshes = _meshes(mesh)
    meshes.meshing_remove_duplicate_faces()
    meshes.meshing_repair_non_manifold_edges()
    meshes.meshing_re_orient_faces_coherently()
    meshes.meshing_close_holes(maxholesize=10_000)
    return _mesh(meshes)


def pymeshlab_reduce(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    import pymeshlab

    meshes = _meshes(mesh)
    meshes.meshing_remove_connected_component_by_diameter(mincomponentdiag=pymeshlab.PercentageValue(1))
    meshes.meshing_decimation_quadric_edge_collapse(targetfacenum=TARGET_FACES, preservetopology=True)
    return _mesh(meshes)


def open3d_reduce(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    import open3d

    utility = open3d.utility
    given = open3d.geometry.TriangleMesh(
        utility.Vector3dVector(np.asarray(mesh.vertices)), utility.Vector3iVector(np.asarray(mesh.faces, np.int32))
    )
    labels, sizes, _ = given.cluster_connected_triangles()
    given.remove_triangles_by_mask(np.asarray(labels) != int(np.argmax(sizes)))
    given.remove_unreferenced_vertices()
    reduced = given.simplify_quadric_decimation(TARGET_FACES)
    return trimesh.Trimesh(np.asarray(reduced.vertices), np.asarray(reduced.triangles), process=False)


def count_crossing_faces_by_pymeshlab(mesh: trimesh.Trimesh) -> int:
    """How many faces pass through another, by VCG's rules: an account that is not our own."""
    meshes = _meshes(mesh)
    meshes.compute_selection_by_self_intersections_per_face()
    return int(meshes.current_mesh().selected_face_number())


def _meshes(mesh: trimesh.Trimesh):  # type: ignore[no-untyped-def]  # noqa: ANN202  # a package that need not be there
    import pymeshlab

    meshes = pymeshlab.MeshSet()
    meshes.add_mesh(pymeshlab.Mesh(np.asarray(mesh.vertices), np.asarray(mesh.faces, np.int32)))
    return meshes


def _mesh(meshes) -> trimesh.Trimesh:  # type: ignore[no-untyped-def]  # noqa: ANN001  # as above
    made = meshes.current_mesh()
    return trimesh.Trimesh(made.vertex_matrix(), made.face_matrix(), process=False)


INSPECT: dict[str, Callable[[trimesh.Trimesh], None]] = {
    "inspect, trimesh": trimesh_inspect,
    **({"inspect, pymeshlab": pymeshlab_inspect} if HAS_PYMESHLAB else {}),
}
REPAIR: dict[str, Callable[[trimesh.Trimesh], trimesh.Trimesh]] = {
    "repair, trimesh": trimesh_repair,
    **({"repair, pymeshlab": pymeshlab_repair} if HAS_PYMESHLAB else {}),
}
REDUCE: dict[str, Callable[[trimesh.Trimesh], trimesh.Trimesh]] = {
    "reduce, trimesh": trimesh_reduce,
    **({"reduce, pymeshlab": pymeshlab_reduce} if HAS_PYMESHLAB else {}),
    **({"reduce, open3d": open3d_reduce} if HAS_OPEN3D else {}),
}
