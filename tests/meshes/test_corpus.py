from collections.abc import Iterator

import numpy as np
import pytest
import trimesh

from orfeas.meshes.mend import Mended, mend
from orfeas.meshes.stats import measure
from orfeas.options import RepairOptions
from orfeas.progress import Progress, Stage
from orfeas.records import MeshReport
from tests.meshes.corpus import CORPUS
from tests.meshes.solids import soup


@pytest.fixture
def progress() -> Iterator[Progress]:
    made = Progress()
    with made.stage(Stage.REPAIR):
        yield made


def defects(report: MeshReport) -> int:
    return report.boundary_edges + report.non_manifold_edges + report.degenerate_faces


def in_a_file(mesh: trimesh.Trimesh) -> MeshReport:
    """Measures of the mesh as an STL holds it: triangles of 32-bit numbers that share no vertex, about the origin."""
    middle = np.asarray(mesh.vertices).mean(axis=0)
    single = np.asarray(mesh.vertices - middle, np.float32)
    return measure(soup(trimesh.Trimesh(single, mesh.faces, process=False)))


def test_the_corpus_is_of_many_kinds() -> None:
    assert len(CORPUS) >= 30


@pytest.mark.parametrize("name", CORPUS)
def test_a_broken_mesh_is_closed_and_stays_where_it_was(name: str, progress: Progress) -> None:
    broken = CORPUS[name]()
    mended: Mended = mend(broken, RepairOptions(), progress)
    after = measure(mended.mesh)
    assert after.is_watertight and after.is_winding_consistent
    assert after.volume_mm3 is not None and after.volume_mm3 > 0
    assert (after.boundary_edges, after.non_manifold_edges) == (0, 0)
    assert defects(after) <= max(defects(mended.before), 0)
    used = np.asarray(broken.vertices)[np.unique(broken.faces)]
    reach = float(np.ptp(used, axis=0).max())
    made = np.asarray(mended.mesh.vertices)
    assert (made >= used.min(axis=0) - 1e-4 * reach).all() and (made <= used.max(axis=0) + 1e-4 * reach).all()


@pytest.mark.parametrize("name", CORPUS)
def test_it_is_still_closed_in_a_file_of_single_precision(name: str, progress: Progress) -> None:
    mended = mend(CORPUS[name](), RepairOptions(), progress)
    assert in_a_file(mended.mesh).is_watertight


@pytest.mark.parametrize("name", ["many small holes", "a turned patch", "soup", "a solid inside", "many fins"])
def test_fewer_faces_are_closed_too(name: str, progress: Progress) -> None:
    mended = mend(CORPUS[name](), RepairOptions(target_faces=300), progress)
    report = measure(mended.mesh)
    assert report.is_watertight
    assert report.faces <= 420
