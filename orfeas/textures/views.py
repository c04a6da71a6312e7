"""Which views show the most of a model."""

from collections.abc import Sequence

import torch
from torch import Tensor

from orfeas.progress import Progress
from orfeas.textures.cameras import ALWAYS_CHOSEN, CANDIDATES, Camera, View, project
from orfeas.textures.rasterize import rasterize
from orfeas.textures.subject import Subject

SIDE_PX = 1024
# A further view must show so much of the surface that no other does.
LEAST_SHARE = 0.01
# The reference compares distances in steps of 0.0004 scene units, in which a face next to the outline shows through the
# one before it. Counted so, the same views are chosen as there.
NEAR, FAR, DEPTH_SHARE, DEPTH_STEPS = 0.1, 100.0, 0.49999, 2**18


def select_views(subject: Subject, most: int, progress: Progress) -> list[View]:
    """The six sides, then those candidates that add most, in the order in which they were chosen.

    Args:
        subject: the model.
        most: views at most, six or more.
        progress: asked whether to stop.

    Raises:
        Cancelled: the user has stopped the work.
    """
    assert most >= ALWAYS_CHOSEN, "six views are always chosen"
    if most == ALWAYS_CHOSEN:
        return list(CANDIDATES[:ALWAYS_CHOSEN])
    seen = find_seen_faces(subject, [view.camera for view in CANDIDATES], progress)
    share = subject.areas.cpu() / subject.areas.sum().cpu()
    chosen = list(range(ALWAYS_CHOSEN))
    covered = seen[chosen].any(dim=0)
    while len(chosen) < most:
        gains = ((seen & ~covered) * share).sum(dim=1)
        gains[chosen] = 0.0
        best = int(gains.argmax())  # the first of equal ones
        if gains[best] <= LEAST_SHARE:
            break
        chosen.append(best)
        covered |= seen[best]
    return [CANDIDATES[number] for number in chosen]


def find_seen_faces(subject: Subject, cameras: Sequence[Camera], progress: Progress) -> Tensor:
    """``[c, m]`` bool, on the CPU: whether a face owns at least one pixel before a camera.

    Raises:
        Cancelled: the user has stopped the work.
    """
    seen = torch.zeros((len(cameras), len(subject.faces) + 1), dtype=torch.bool)
    for number, camera in enumerate(cameras):
        progress.check()
        points = project(subject.points, camera)
        points[:, 2] = _in_clip_space(points[:, 2])
        raster = rasterize(points, subject.faces, SIDE_PX, SIDE_PX, "corners", DEPTH_STEPS)
        seen[number, raster.face.flatten().cpu().long()] = True  # −1 is the last, which is dropped
    return seen[:, :-1]


def _in_clip_space(distance: Tensor) -> Tensor:
    return 0.5 + DEPTH_SHARE * (2 / (FAR - NEAR) * distance - (FAR + NEAR) / (FAR - NEAR))
