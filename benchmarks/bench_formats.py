"""Every file format written and read, beside trimesh and, for USDZ, Pixar's own library, in one run.

    OMP_WAIT_POLICY=passive python -m benchmarks.bench_formats

The model is a ball of forty thousand faces with a base colour and a metallic-roughness texture of 2048 pixels a side.
"""

import argparse
import io
import os
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import trimesh
from PIL import Image
from pxr import Usd, UsdGeom, UsdUtils

from benchmarks.bench_texture import timed
from benchmarks.report import Figure, report
from orfeas.meshes.appearance import appearance_of
from orfeas.meshes.export import export
from orfeas.meshes.load import load_mesh
from orfeas.meshes.placement import place
from orfeas.options import OutputFormat
from tests.meshes.solids import PROVENANCE, textured_ball

STEPS = 142
SIDE_PX = 2048
# On two cores.
TARGETS_S = {"write glb": 0.3}
# The formats that trimesh can write and read with what is installed here.
OF_TRIMESH = ("glb", "stl", "ply", "obj")


def model() -> trimesh.Trimesh:
    place_px = np.arange(SIDE_PX) / SIDE_PX
    waves = [np.sin(a * place_px[None, :] + b * place_px[:, None]) for a, b in ((40, 3), (7, 60), (90, 90))]
    mesh = textured_ball(STEPS, Image.fromarray((127.5 + 127.5 * np.stack(waves, axis=2)).astype(np.uint8)))
    material = appearance_of(mesh).material
    assert material is not None
    roughness = (127.5 + 127.5 * waves[0]).astype(np.uint8)
    layers = [np.full_like(roughness, 255), roughness, np.zeros_like(roughness)]
    material.metallicRoughnessTexture = Image.fromarray(np.stack(layers, axis=2))
    return place(mesh, 100)


def packed(mesh: trimesh.Trimesh, kind: str) -> bytes:
    data = mesh.export(file_type=kind)
    assert isinstance(data, bytes | str)
    return data.encode() if isinstance(data, str) else data


def read_with_trimesh(data: bytes, kind: str) -> None:
    trimesh.load(io.BytesIO(data), file_type=kind)


def write_with_usd(mesh: trimesh.Trimesh, folder: Path) -> None:
    """The shape alone, as a binary scene in a package."""
    scene = str(folder / "usd.usdc")
    stage = Usd.Stage.CreateNew(scene)
    prim = UsdGeom.Mesh.Define(stage, "/mesh")
    stage.SetDefaultPrim(prim.GetPrim())
    prim.CreatePointsAttr(np.asarray(mesh.vertices, dtype=np.float32))
    prim.CreateFaceVertexCountsAttr(np.full(len(mesh.faces), 3, dtype=np.int32))
    prim.CreateFaceVertexIndicesAttr(np.asarray(mesh.faces, dtype=np.int32).ravel())
    stage.Save()
    UsdUtils.CreateNewUsdzPackage(scene, str(folder / "usd.usdz"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    mesh = model()
    figures = [Figure("load average before", os.getloadavg()[0], ""), Figure("faces", len(mesh.faces), "")]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for output_format in OutputFormat:
            data = export(mesh, output_format, PROVENANCE)
            path = folder / f"model.{output_format}"
            path.write_bytes(data)
            name = f"write {output_format}"
            figures += timed(name, partial(export, mesh, output_format, PROVENANCE), runs, TARGETS_S.get(name))
            figures += timed(f"read {output_format}", partial(load_mesh, path), runs)
            figures.append(Figure(f"size {output_format}", len(data) / 1e6, "MB"))
        for kind in OF_TRIMESH:
            data = packed(mesh, kind)
            figures += timed(f"trimesh writes {kind}", partial(packed, mesh, kind), runs)
            figures += timed(f"trimesh reads {kind}", partial(read_with_trimesh, data, kind), runs)
        figures += timed("usd-core writes the shape as usdz", lambda: write_with_usd(mesh, folder), runs)
        figures += timed("usd-core opens our usdz", lambda: Usd.Stage.Open(str(folder / "model.usdz")), runs)
    figures.append(Figure("load average after", os.getloadavg()[0], ""))
    report("formats", figures)


if __name__ == "__main__":
    main()
