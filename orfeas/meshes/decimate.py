"""Fewer faces, nearly the same shape."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import trimesh
from numpy.typing import NDArray

from orfeas.meshes import simplify
from orfeas.meshes.bounds import find_bounds, find_reach
from orfeas.meshes.child import Arrays, Child, ChildFailed
from orfeas.meshes.limits import check_corners, check_points
from orfeas.meshes.topology import welded
from orfeas.meshes.weld import weld

# In this process up to so many faces, which is a tenth of a second in which nothing else runs; above, in a child.
MAX_FACES_HERE = 100_000
# From so many on, two processes reduce a half each, to twice the faces that are wanted of the whole; the whole then
# comes down to them. Measured for 1.6 million faces on two cores: 1.7 s instead of 2.9 s, and the same distance.
MIN_FACES_IN_PIECES = 800_000
PIECE_SHARE = 2
# Less would be mostly the border along the cut.
MIN_TARGET_IN_PIECES = 40_000
TIMEOUT_S = 600.0
SCRIPT = Path(simplify.__file__)


def decimate(mesh: trimesh.Trimesh, target_faces: int, check: Callable[[], None] = lambda: None) -> trimesh.Trimesh:
    """A mesh of about ``target_faces`` faces with the shape of ``mesh``; colours, texture and UVs are left behind.

    A closed mesh stays closed but for rare pinched edges, which :func:`orfeas.meshes.repair.repair` opens. One that has
    no more faces than that already comes back as it is, with its seams closed.

    Args:
        mesh: any unit; with at least one face.
        target_faces: at least 4.
        check: called every tenth of a second, for large meshes; what it raises stops the work at once.

    Raises:
        InvalidMesh: a number is not finite, or a corner does not exist.
        OutOfMemory: the machine's memory ran out.
    """
    with Reducer(len(mesh.faces), target_faces) as reducer:
        stored = np.asarray(mesh.vertices, dtype=np.float64)
        check_corners(np.asarray(mesh.faces), len(stored))
        check_points(stored)
        points, faces = welded(mesh)
        check()
        return reducer.reduce(points, faces, check)


@dataclass(frozen=True)
class _Reduced:
    """A mesh within -1 to 1 on its way to fewer faces: ``points`` ``[n, 3]``, ``faces`` ``[m, 3]`` int32."""

    points: NDArray[np.float64]
    faces: NDArray[np.int32]


@dataclass(frozen=True)
class _Frame:
    """Where a mesh lies: it reaches from −1 to 1 where ``middle`` ``[3]`` is taken off and ``scale`` divided by."""

    middle: NDArray[np.float64]
    scale: float

    @classmethod
    def of(cls, points: NDArray[np.float64]) -> "_Frame":
        """That of ``points`` ``[n, 3]``."""
        low, high = find_bounds(points)
        return cls((low + high) / 2, float((high - low).max()) / 2 or 1.0)

    def inward(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """``points`` ``[n, 3]`` of the mesh, from −1 to 1."""
        inner: NDArray[np.float64] = points - self.middle
        inner /= self.scale
        return inner

    def outward(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """What :meth:`inward` undoes."""
        return points * self.scale + self.middle


class Reducer:
    """Reduces one mesh. The processes that takes start at once, while the mesh is still being looked at.

    Args:
        faces: how many the mesh has at most.
        target_faces: how many it should have; at least 4. Any mesh may have so few already.
    """

    def __init__(self, faces: int, target_faces: int) -> None:
        self._target_faces = target_faces
        with ExitStack() as files:
            count = 2 if self._is_in_pieces(faces) else int(faces > max(MAX_FACES_HERE, target_faces))
            self._children = [files.enter_context(Child(SCRIPT)) for _ in range(count)]
            self._open = files.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def reduce(
        self, points: NDArray[np.float64], faces: NDArray[np.int64], check: Callable[[], None] = lambda: None
    ) -> trimesh.Trimesh:
        """As :func:`decimate`, for finite ``points`` ``[n, 3]``, all different, and ``faces`` ``[m, 3]`` between them.

        It can be asked once.
        """
        if len(faces) <= self._target_faces:
            return trimesh.Trimesh(vertices=points.copy(), faces=faces.copy(), process=False)
        frame = _Frame.of(points)
        if self._is_in_pieces(len(faces)):
            mesh = self._reduce_in_pieces(points, faces, frame, check)
        else:
            mesh = _Reduced(frame.inward(points), faces.astype(np.int32))
        if len(mesh.faces) <= MAX_FACES_HERE:
            mesh = _Reduced(*simplify.simplify(mesh.points, mesh.faces, self._target_faces))
        else:
            mesh = _simplify_in_child(self._child(), mesh, self._target_faces, check)
        return trimesh.Trimesh(vertices=frame.outward(mesh.points), faces=mesh.faces.astype(np.int64), process=False)

    def _is_in_pieces(self, faces: int) -> bool:
        return faces >= MIN_FACES_IN_PIECES and faces >= 2 * PIECE_SHARE * self._target_faces

    def _child(self) -> Child:
        """One that has started, or starts now."""
        return self._children.pop() if self._children else self._open.enter_context(Child(SCRIPT))

    def _reduce_in_pieces(
        self, points: NDArray[np.float64], faces: NDArray[np.int64], frame: _Frame, check: Callable[[], None]
    ) -> _Reduced:
        target_faces = PIECE_SHARE * max(self._target_faces, MIN_TARGET_IN_PIECES)
        return _simplify_in_pieces((self._child(), self._child()), points, faces, frame, target_faces, check)


def _simplify_in_pieces(
    children: tuple[Child, Child],
    points: NDArray[np.float64],
    faces: NDArray[np.int64],
    frame: _Frame,
    target_faces: int,
    check: Callable[[], None],
) -> _Reduced:
    """The mesh with about ``target_faces`` faces, each half by a process of its own; where it is cut it stays fine."""
    axis = int(find_reach(points).argmax())
    half = len(faces) // 2
    is_upper = np.zeros(len(faces), dtype=np.bool_)
    is_upper[np.argpartition(points[faces[:, 0], axis], half)[half:]] = True

    def reduce_half(child: Child, is_own: NDArray[np.bool_]) -> _Reduced:
        own = faces[is_own]
        used = np.zeros(len(points), dtype=np.bool_)
        used[own.ravel()] = True
        number = np.cumsum(used, dtype=np.int32) - 1
        half = _Reduced(frame.inward(points[used]), number[own])
        return _simplify_in_child(child, half, target_faces // 2, check, keeps_border=True)

    with ThreadPoolExecutor(2) as threads:
        lower, upper = threads.map(reduce_half, children, (~is_upper, is_upper))
    first, inverse = weld(joined := np.concatenate([lower.points, upper.points]))
    joined_faces = inverse[np.concatenate([lower.faces, upper.faces + len(lower.points)])]
    return _Reduced(joined[first], joined_faces.astype(np.int32))


def _simplify_in_child(
    child: Child, mesh: _Reduced, target_faces: int, check: Callable[[], None], keeps_border: bool = False
) -> _Reduced:
    arrays: Arrays = {
        "points": mesh.points,
        "faces": mesh.faces,
        "target": np.array(target_faces),
        "keeps_border": np.array(keeps_border),
    }
    try:
        made = child.work(arrays, TIMEOUT_S, check)
    except ChildFailed as error:
        raise RuntimeError(f"the process that reduces faces failed: {error}") from error
    return _Reduced(made["points"], made["faces"])
