"""Broken meshes of many kinds; each is made anew, the same every time."""

from collections.abc import Callable, Mapping

import numpy as np
import trimesh

from tests.meshes.solids import blob, box, inverted, joined, soup, textured_ball, with_faces, without_faces

Made = Callable[[], trimesh.Trimesh]


def _turned(mesh: trimesh.Trimesh, chosen: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> trimesh.Trimesh:
    faces = np.array(mesh.faces)
    faces[chosen] = faces[chosen][:, ::-1]
    return with_faces(mesh, faces)


def _where(mesh: trimesh.Trimesh, axis: int, above: float) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    middles: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = np.asarray(mesh.vertices)[mesh.faces].mean(axis=1)
    return middles[:, axis] > above


def _dropped(mesh: trimesh.Trimesh, share: float, seed: int) -> trimesh.Trimesh:
    rng = np.random.default_rng(seed)
    return with_faces(mesh, np.asarray(mesh.faces)[rng.random(len(mesh.faces)) > share])


def _added(mesh: trimesh.Trimesh, points: object, faces: object) -> trimesh.Trimesh:
    start = len(mesh.vertices)
    return trimesh.Trimesh(
        np.vstack([mesh.vertices, np.asarray(points, dtype=np.float64)]),
        np.vstack([mesh.faces, np.asarray(faces) + np.array([start])]),
        process=False,
    )


def _split_edge(mesh: trimesh.Trimesh, face: int) -> trimesh.Trimesh:
    """A T-junction: one face is cut at the middle of a side, its neighbour is not."""
    a, b, c = np.asarray(mesh.faces)[face]
    middle = (mesh.vertices[a] + mesh.vertices[b]) / 2
    new = len(mesh.vertices)
    faces = np.vstack([np.delete(mesh.faces, face, axis=0), [[a, new, c], [new, b, c]]])
    return trimesh.Trimesh(np.vstack([mesh.vertices, middle]), faces, process=False)


def _sliver(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    low, high = np.asarray(mesh.bounds)
    near = low + (high - low) * [0.5, 1.0, 0.5]
    corners = near + np.array([[0.0, 0.0, 0.0], [1e-9, 0.0, 0.0], [0.0, 0.5, 0.0]])
    return _added(mesh, corners, [[0, 1, 2]])


def _fins(mesh: trimesh.Trimesh, count: int) -> trimesh.Trimesh:
    rng = np.random.default_rng(count)
    start, end = np.asarray(mesh.faces)[rng.integers(len(mesh.faces), size=count), :2].T
    tips = mesh.vertices[start] + rng.normal(scale=0.1, size=(count, 3))
    fins = np.column_stack([start, end, len(mesh.vertices) + np.arange(count)])
    return trimesh.Trimesh(np.vstack([mesh.vertices, tips]), np.vstack([mesh.faces, fins]), process=False)


def _shaken(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """Soup whose corners have drifted apart by a hair."""
    loose = soup(mesh)
    reach = float(np.ptp(np.asarray(mesh.vertices), axis=0).max())
    rng = np.random.default_rng(5)
    return trimesh.Trimesh(
        loose.vertices + rng.uniform(-1e-6, 1e-6, size=loose.vertices.shape) * reach, loose.faces, process=False
    )


def _several(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    return _fins(_turned(_dropped(mesh, 0.01, 9), _where(_dropped(mesh, 0.01, 9), 0, 0.0)), 10)


CORPUS: Mapping[str, Made] = {
    "a missing triangle": lambda: without_faces(blob(), 7),
    "a missing side": lambda: with_faces(box(), np.asarray(box().faces)[~_where(box(), 1, 0.4)]),
    "many small holes": lambda: _dropped(blob(), 0.01, 1),
    "a tenth of its faces missing": lambda: _dropped(blob(), 0.1, 2),
    "a cap cut off": lambda: with_faces(blob(), np.asarray(blob().faces)[~_where(blob(), 1, 0.6)]),
    "half of it": lambda: with_faces(blob(), np.asarray(blob().faces)[~_where(blob(), 0, 0.0)]),
    "open at both ends": lambda: with_faces(
        blob(), np.asarray(blob().faces)[np.abs(blob().triangles.mean(1)[:, 1]) < 0.6]
    ),
    "a single turned face": lambda: _turned(blob(), np.arange(len(blob().faces)) == 5),
    "a turned patch": lambda: _turned(blob(), _where(blob(), 2, 0.5)),
    "every second face turned": lambda: _turned(blob(), np.arange(len(blob().faces)) % 2 == 0),
    "inside out": lambda: inverted(blob()),
    "doubled": lambda: with_faces(blob(), np.vstack([blob().faces, blob().faces])),
    "doubled and turned": lambda: with_faces(blob(), np.vstack([blob().faces, np.asarray(blob().faces)[:, ::-1]])),
    "some faces three times": lambda: with_faces(
        blob(), np.vstack([blob().faces, *[np.asarray(blob().faces)[:9]] * 2])
    ),
    "faces that repeat a corner": lambda: with_faces(blob(), np.vstack([blob().faces, [[0, 0, 1], [2, 2, 2]]])),
    "slivers": lambda: _sliver(blob()),
    "a T-junction": lambda: _split_edge(box(), 3),
    "T-junctions all over": lambda: _split_edge(_split_edge(_split_edge(blob(), 3), 90), 300),
    "a fin": lambda: _fins(blob(), 1),
    "many fins": lambda: _fins(blob(), 60),
    "a stray triangle": lambda: _added(blob(), np.eye(3) + 3.0, [[0, 1, 2]]),
    "a stray vertex": lambda: trimesh.Trimesh(np.vstack([blob().vertices, [[9, 9, 9]]]), blob().faces, process=False),
    "crumbs around it": lambda: joined(blob(), *[box(0.004, at=(2.0 + i, 0, 0)) for i in range(5)]),
    "soup": lambda: soup(blob()),
    "soup with cracks": lambda: _shaken(blob()),
    "a solid inside": lambda: joined(blob(), box(0.2)),
    "shells within shells": lambda: joined(box(4), box(3), box(2), box(1)),
    "bodies that touch along an edge": lambda: joined(box(), box(at=(1.0, 1.0, 0.0))),
    "bodies that touch at a corner": lambda: joined(box(), box(at=(1.0, 1.0, 1.0))),
    "bodies that share a side": lambda: joined(box(), box(at=(1.0, 0.0, 0.0))),
    "bodies that overlap": lambda: joined(blob(), box(0.8, at=(0.7, 0.0, 0.0))),
    "a textured ball with a hole": lambda: without_faces(textured_ball(20), 30, 31, 32),
    "a textured ball, torn at its seam": lambda: _turned(textured_ball(20), _where(textured_ball(20), 1, 0.3)),
    "tiny": lambda: trimesh.Trimesh(
        np.asarray(_dropped(blob(), 0.01, 3).vertices) * 1e-6, _dropped(blob(), 0.01, 3).faces, process=False
    ),
    "huge": lambda: trimesh.Trimesh(
        np.asarray(_dropped(blob(), 0.01, 3).vertices) * 1e6, _dropped(blob(), 0.01, 3).faces, process=False
    ),
    "far from the origin": lambda: trimesh.Trimesh(
        np.asarray(_dropped(blob(), 0.01, 3).vertices) + 1e4, _dropped(blob(), 0.01, 3).faces, process=False
    ),
    "several faults at once": lambda: _several(blob()),
}
