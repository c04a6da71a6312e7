"""A turntable and a thumbnail, ours and VTK's off-screen on the processor, in one run.

    pip install vtk==9.7.2
    OMP_WAIT_POLICY=passive python -m benchmarks.bench_pictures

The model is a ring with a ball in it, forty thousand faces with a texture of 2048 pixels, from a GLB; once with colours
alone and once with metal and roughness besides. VTK draws the same points, normals and colours with its default light
and four samples a pixel through EGL and Mesa, and Pillow encodes its frames at the same quality; it is not given the
time to start. A frame of ours is also timed by the processor's time, which says what an idle core would take.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import vtk
from numpy.typing import NDArray
from PIL import Image
from vtk.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy

from benchmarks.bench_texture import model
from benchmarks.report import Figure, median_figure, report
from orfeas.meshes.export import export
from orfeas.meshes.load import load_mesh
from orfeas.options import OutputFormat
from orfeas.pictures.render import Renderer
from orfeas.pictures.scene import Scene, set_scene
from orfeas.pictures.turntable import AZIMUTH_DEG, ELEVATION_DEG, TurntableOptions, make_portrait, make_turntable
from orfeas.pictures.webp import METHOD, QUALITY, encode
from orfeas.progress import Progress
from orfeas.textures.material import dress
from orfeas.textures.unwrap import unwrap

TEXTURE_PX = 2048
# On two cores.
TURNTABLE_S, THUMBNAIL_S = 1.5, 0.15
OPTIONS = TurntableOptions()


def waves(channels: int) -> NDArray[np.uint8]:
    """``[T, T, channels]`` soft spots."""
    spots = np.random.default_rng(channels).integers(0, 256, (64, 64, channels), dtype=np.uint8)
    large = cv2.resize(spots, (TEXTURE_PX, TEXTURE_PX), interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, dtype=np.uint8)


def write_models(folder: Path) -> dict[str, Path]:
    """The GLB files, by name."""
    mesh = model()
    layout = unwrap(np.asarray(mesh.vertices), np.asarray(mesh.faces), TEXTURE_PX)
    files = {}
    for name, surface in (("colours", None), ("metal and roughness", waves(2))):
        files[name] = folder / f"{name}.glb"
        files[name].write_bytes(export(dress(layout, waves(3), surface), OutputFormat.GLB, None))
    return files


def timed(name: str, work: Callable[[], object], runs: int, target_s: float | None = None) -> Figure:
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return median_figure(name, seconds, "s", target_s)


def processor_time(name: str, work: Callable[[], object], runs: int) -> Figure:
    seconds = []
    for _ in range(runs):
        start = time.thread_time()
        work()
        seconds.append(time.thread_time() - start)
    return median_figure(name, seconds, "s")


def all_threads_time(name: str, work: Callable[[], object], runs: int) -> Figure:
    seconds = []
    for _ in range(runs):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return median_figure(name, seconds, "s")


def ours(name: str, file: Path, runs: int) -> list[Figure]:
    mesh = load_mesh(file)
    renderer = Renderer(set_scene(mesh), ELEVATION_DEG, OPTIONS.size_px)
    frame = renderer.draw(AZIMUTH_DEG)
    return [
        timed(
            f"{name}: turntable from file to file", lambda: make_turntable(file, OPTIONS, Progress()), runs, TURNTABLE_S
        ),
        all_threads_time(f"{name}: turntable, all processors", lambda: make_turntable(file, OPTIONS, Progress()), runs),
        timed(f"{name}: thumbnail", lambda: encode(make_portrait(mesh, 192)), runs, THUMBNAIL_S),
        processor_time(f"{name}: setting up, processor", lambda: set_scene(mesh), runs),
        processor_time(f"{name}: drawing a frame, processor", lambda: renderer.draw(AZIMUTH_DEG), 3 * runs),
        processor_time(f"{name}: encoding a frame, processor", lambda: encode(frame), 3 * runs),
    ]


def vtk_window(scene: Scene) -> vtk.vtkRenderWindow:
    """The scene before VTK's camera."""
    mesh = vtk.vtkPolyData()
    points = vtk.vtkPoints()
    points.SetData(numpy_to_vtk(scene.points, deep=True))
    mesh.SetPoints(points)
    cells = vtk.vtkCellArray()
    cells.SetData(3, numpy_to_vtkIdTypeArray(scene.faces.astype(np.int64).ravel(), deep=True))
    mesh.SetPolys(cells)
    mesh.GetPointData().SetNormals(numpy_to_vtk(scene.normals, deep=True))
    mesh.GetPointData().SetTCoords(numpy_to_vtk(scene.uv, deep=True))
    assert scene.paint.texture is not None
    image = vtk.vtkImageData()
    image.SetDimensions(TEXTURE_PX, TEXTURE_PX, 1)
    image.GetPointData().SetScalars(numpy_to_vtk(scene.paint.texture[::-1].reshape(-1, 3), deep=True))
    texture = vtk.vtkTexture()
    texture.SetInputData(image)
    texture.InterpolateOn()
    texture.MipmapOn()
    mapper = vtk.vtkPolyDataMapper()
    mapper.SetInputData(mesh)
    actor = vtk.vtkActor()
    actor.SetMapper(mapper)
    actor.SetTexture(texture)
    stage = vtk.vtkRenderer()
    stage.AddActor(actor)
    stage.SetBackgroundAlpha(0.0)
    window = vtk.vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetAlphaBitPlanes(1)
    window.SetMultiSamples(4)
    window.SetSize(OPTIONS.size_px, OPTIONS.size_px)
    window.AddRenderer(stage)
    stage.ResetCamera()
    stage.GetActiveCamera().Elevation(ELEVATION_DEG)
    window.Render()
    return window


def vtk_frame(window: vtk.vtkRenderWindow) -> Image.Image:
    """What the camera sees after it went on by one frame, RGBA."""
    window.GetRenderers().GetFirstRenderer().GetActiveCamera().Azimuth(360 / OPTIONS.frames)
    window.Render()
    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.SetInputBufferTypeToRGBA()
    grab.ReadFrontBufferOff()
    grab.Update()
    pixels = vtk_to_numpy(grab.GetOutput().GetPointData().GetScalars())
    return Image.fromarray(np.ascontiguousarray(pixels.reshape(OPTIONS.size_px, OPTIONS.size_px, 4)[::-1]))


def vtk_turntable(file: Path) -> bytes:
    window = vtk_window(set_scene(load_mesh(file)))
    first, *others = [vtk_frame(window) for _ in range(OPTIONS.frames)]
    buffer = BytesIO()
    first.save(
        buffer, "WEBP", save_all=True, append_images=others, quality=QUALITY, method=METHOD, duration=125, loop=0
    )
    window.Finalize()
    return buffer.getvalue()


def vtks(file: Path, runs: int) -> list[Figure]:
    window = vtk_window(set_scene(load_mesh(file)))
    frame = timed("VTK, colours: drawing a frame", lambda: vtk_frame(window), 3 * runs)
    return [timed("VTK, colours: turntable from file to file", lambda: vtk_turntable(file), runs), frame]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    figures = [Figure("load average before", os.getloadavg()[0], "")]
    with tempfile.TemporaryDirectory() as folder:
        files = write_models(Path(folder))
        for name, file in files.items():
            figures += ours(name, file, options.runs)
        figures += vtks(files["colours"], options.runs)
    figures.append(Figure("load average after", os.getloadavg()[0], ""))
    report("pictures", figures)


if __name__ == "__main__":
    main()
