"""Stray pieces are taken away."""

import numpy as np
import trimesh
from numpy.typing import NDArray

from orfeas.meshes.appearance import appearance_of, visual_of
from orfeas.meshes.topology import topology_of


def remove_floaters(mesh: trimesh.Trimesh, min_fraction: float) -> trimesh.Trimesh:
    """A copy of ``mesh`` without the components that have few faces.

    Components are joined by a shared place: a UV seam parts nothing. Colours, texture and UVs come along.

    Args:
        mesh: finite, with at least one face.
        min_fraction: in [0, 1]; a component stays if it has at least this part of the largest one's faces.
    """
    topology = topology_of(mesh)
    labels = topology.labels[topology.faces[:, 0]]
    sizes = np.bincount(labels)
    return keep_faces(mesh, sizes[labels] >= min_fraction * sizes.max())


def keep_faces(mesh: trimesh.Trimesh, kept: NDArray[np.bool_]) -> trimesh.Trimesh:
    """A copy of ``mesh`` with the faces ``kept`` ``[m]`` and the vertices they use, in the same order."""
    faces = np.asarray(mesh.faces)[kept]
    used = np.zeros(len(mesh.vertices), dtype=np.bool_)
    used[faces.ravel()] = True
    number = np.cumsum(used) - 1
    return trimesh.Trimesh(
        vertices=np.asarray(mesh.vertices)[used],
        faces=number[faces],
        visual=visual_of(appearance_of(mesh), used),
        metadata=mesh.metadata,
        process=False,
    )
