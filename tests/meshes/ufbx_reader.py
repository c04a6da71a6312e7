"""What ufbx reads in an FBX, read in a process of its own.

ufbx's bindings for Python miscount their references and free what is still in use (ufbx 0.0.5: collect garbage, or read
a second texture, and it crashes). The child frees nothing before it ends.
"""

import gc
import os
import pickle
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.processes import ROOT, unmeasured

CHANNELS = ("diffuse_color", "reflection_factor", "specular_exponent", "normal_map", "emission_color")


@dataclass(frozen=True)
class FbxMesh:
    """The first mesh of a scene; ``places``, ``normals`` and ``uv`` have a row for every corner of every face."""

    face_sizes: list[int]
    triangles: int
    places: NDArray[np.float64]
    normals: NDArray[np.float64] | None
    uv: NDArray[np.float64] | None


@dataclass(frozen=True)
class FbxScene:
    """A scene as ufbx sees it: units in metres, the number of its axis that is up, its mesh's matrix to the world."""

    warnings: list[str]
    creator: str
    unit_meters: float
    up: int
    notes: dict[str, str]
    mesh: FbxMesh
    to_world: NDArray[np.float64]
    textures: dict[str, bytes] = field(default_factory=dict)


def read_by_ufbx(path: Path) -> FbxScene:
    """The scene of ``path``.

    Raises:
        subprocess.CalledProcessError: ufbx refused the file.
    """
    program = [sys.executable, "-m", __name__, str(path)]
    found = subprocess.run(program, cwd=ROOT, env=unmeasured(), capture_output=True, check=True)
    scene = pickle.loads(found.stdout)
    assert isinstance(scene, FbxScene)
    return scene


_held: list[object] = []


def _hold(thing: object, *path: str | int) -> Any:  # noqa: ANN401  # ufbx has no types
    """What lies at ``path``, names and numbers, from ``thing``; every step of the way is held to the end."""
    for step in path:
        _held.append(thing)
        thing = getattr(thing, step) if isinstance(step, str) else thing[step]  # type: ignore[index]
    _held.append(thing)
    return thing


def _hold_all(thing: object, *path: str | int) -> list[Any]:
    """The elements of what lies at ``path``, held too."""
    elements = list(_hold(thing, *path))
    _held.extend(elements)
    return elements


def _corners(mesh: object, name: str) -> NDArray[np.float64] | None:
    if not _hold(mesh, name, "exists"):
        return None
    values = np.array([tuple(value) for value in _hold_all(mesh, name, "values")])
    corners: NDArray[np.float64] = values[np.array(_hold_all(mesh, name, "indices"))]
    return corners


def _mesh(mesh: object) -> FbxMesh:
    places = _corners(mesh, "vertex_position")
    assert places is not None
    sizes = [face.num_indices for face in _hold_all(mesh, "faces")]
    assert len(sizes) == _hold(mesh, "num_faces")
    triangles = _hold(mesh, "num_triangles")
    return FbxMesh(sizes, triangles, places, _corners(mesh, "vertex_normal"), _corners(mesh, "vertex_uv"))


def _textures(scene: object) -> dict[str, bytes]:
    if not len(_hold(scene, "materials")):
        return {}
    found = {name: _hold(scene, "materials", 0, "fbx", name, "texture") for name in CHANNELS}
    return {name: bytes(_hold(texture, "content")) for name, texture in found.items() if texture is not None}


def _scene(path: str) -> FbxScene:
    import ufbx

    scene = ufbx.load_file(path)
    node = next(node for node in _hold_all(scene, "nodes") if _hold(node, "mesh") is not None)
    return FbxScene(
        warnings=[str(warning) for warning in _hold_all(scene, "metadata", "warnings")],
        creator=_hold(scene, "metadata", "creator"),
        unit_meters=_hold(scene, "settings", "unit_meters"),
        up=int(_hold(scene, "settings", "axes", "up")),
        notes={note.name: note.value_str for note in _hold_all(scene, "metadata", "scene_props", "props")},
        mesh=_mesh(_hold(scene, "meshes", 0)),
        to_world=np.array([tuple(_hold(node, "geometry_to_world", column)) for column in ("c0", "c1", "c2", "c3")]),
        textures=_textures(scene),
    )


if __name__ == "__main__":
    gc.disable()
    from tests.meshes import ufbx_reader  # the module by its name, so that what is pickled can be found

    sys.stdout.buffer.write(pickle.dumps(ufbx_reader._scene(sys.argv[1])))
    sys.stdout.flush()
    os._exit(0)  # nothing of ufbx is freed
