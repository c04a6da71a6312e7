"""What each sample of a picture sees: values on the vertices, drawn with OpenCV's z-buffer."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from orfeas.pictures.camera import FAR, NEAR, Camera, Window, field_of_view, view_matrix
from orfeas.pictures.scene import Scene

# Faces drawn in one go, a fraction of a second's work.
FACES_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class View:
    """A scene before a camera, seen by ``side`` × ``side`` samples; ``check`` is called on the way and may stop it."""

    scene: Scene
    camera: Camera
    window: Window
    side: int
    check: Callable[[], None]

    def draw(self, outer: NDArray[np.float32], inner: NDArray[np.float32]) -> NDArray[np.float32]:
        """``[side, side, 3]`` of values ``[n, 3]`` on the vertices; 0 where nothing is seen.

        Args:
            outer: what faces show that are seen from outside.
            inner: what they show where they are seen from inside.
        """
        image = np.zeros((self.side, self.side, 3), np.float32)
        depth = np.full((self.side, self.side), FAR, np.float32)
        matrix, fov = view_matrix(self.camera, self.window), field_of_view(self.window)
        sides = [(cv2.RASTERIZE_CULLING_CW, outer)]
        if not self.scene.is_closed:
            sides.append((cv2.RASTERIZE_CULLING_CCW, inner))
        for culled, values in sides:
            settings = cv2.TriangleRasterizeSettings()
            settings = settings.setCullingMode(culled).setShadingType(cv2.RASTERIZE_SHADING_SHADED)
            for start in range(0, len(self.scene.faces), FACES_AT_ONCE):
                self.check()
                faces = self.scene.faces[start : start + FACES_AT_ONCE]
                cv2.triangleRasterize(self.scene.points, faces, values, image, depth, matrix, fov, NEAR, FAR, settings)
        return image
