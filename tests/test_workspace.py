"""Folders, limits by age and by size, and what must never be deleted."""

import errno
import os
import pickle
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection
from pathlib import Path

import pytest

from orfeas.errors import InternalError, NotFound
from orfeas.files import write_whole
from orfeas.folder_lock import FolderLock
from orfeas.progress import CancelFlag
from orfeas.records import new_job_id
from orfeas.workspace import DAY_S, GB, SCRATCH, Workspace, full_disk_explained, scratch_folder
from tests.processes import unmeasured

NOW = time.time()
HOSTILE = [
    "",
    ".",
    "..",
    "../../etc/passwd",
    "..\\..\\x",
    "/etc",
    "0" * 31,
    "0" * 33,
    "A" * 32,
    "0" * 32 + "\n",
    "é" * 32,
]


def nothing_lives(job_id: str) -> bool:
    return False


def open_workspace(tmp_path: Path, keep_days: float = 7, keep_bytes: float = GB) -> Workspace:
    return Workspace(tmp_path / "data", keep_days=keep_days, keep_gb=keep_bytes / GB)


def add_job(workspace: Workspace, size_bytes: int = 10, age_s: float = 0) -> str:
    job_id = new_job_id()
    folder = workspace.job_folder(job_id)
    path = folder / "model" / "model.glb"
    write_whole(path, b"x" * size_bytes)
    for each in (path, path.parent, folder):
        os.utime(each, (NOW - age_s, NOW - age_s))
    return job_id


def kept(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "data" / "jobs").iterdir()}


def expire(workspace: Workspace, live: Collection[str] = (), now: float = NOW) -> tuple[str, ...]:
    return workspace.expire(lambda job_id: job_id in live, now)


def test_a_jobs_folder_is_private_and_stays_the_same(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    job_id = new_job_id()
    folder = workspace.job_folder(job_id)

    assert folder == workspace.job_folder(job_id) == tmp_path / "data" / "jobs" / job_id
    for path in (folder, folder.parent, folder.parent.parent):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


@pytest.mark.parametrize("job_id", HOSTILE)
def test_a_name_that_is_no_jobs_id_has_no_folder_and_is_not_repeated(tmp_path: Path, job_id: str) -> None:
    workspace = open_workspace(tmp_path)
    for ask in (workspace.job_folder, workspace.cancel_flag):
        with pytest.raises(NotFound) as error:
            ask(job_id)
        assert str(error.value) == "There is no such job, or its files have expired."
    assert kept(tmp_path) == set()


def test_a_link_in_place_of_a_jobs_folder_is_not_followed(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path, keep_days=1)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_bytes(b"x")
    job_id = new_job_id()
    (tmp_path / "data" / "jobs" / job_id).symlink_to(outside)

    with pytest.raises(NotFound):
        workspace.job_folder(job_id)
    assert expire(workspace, now=NOW + 100 * DAY_S) == ()
    assert workspace.used_bytes == 0
    assert (outside / "precious").exists()


def test_deleting_a_job_leaves_what_a_link_inside_points_at(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path, keep_days=1)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_bytes(b"x" * 1000)
    job_id = add_job(workspace, size_bytes=10, age_s=2 * DAY_S)
    link = workspace.job_folder(job_id) / "link"
    link.symlink_to(outside)
    os.utime(link, (NOW - 2 * DAY_S,) * 2, follow_symlinks=False)
    os.utime(link.parent, (NOW - 2 * DAY_S,) * 2)

    assert expire(workspace) == (job_id,)
    assert (outside / "precious").exists()


def test_jobs_expire_so_long_after_their_last_write(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path, keep_days=2)
    old = add_job(workspace, age_s=3 * DAY_S)
    young = add_job(workspace, age_s=1 * DAY_S)
    used_again = add_job(workspace, age_s=3 * DAY_S)
    write_whole(workspace.job_folder(used_again) / "model" / "model.stl", b"x")

    assert expire(workspace) == (old,)
    assert kept(tmp_path) == {young, used_again}


def test_the_oldest_go_first_until_the_rest_is_small_enough(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path, keep_bytes=250)
    oldest, older, old, new = (add_job(workspace, size_bytes=100, age_s=age) for age in (400, 300, 200, 100))

    assert expire(workspace) == (oldest, older)
    assert kept(tmp_path) == {old, new}
    assert workspace.used_bytes == 200


def test_the_newest_job_stays_however_large(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path, keep_bytes=50)
    older, newest = add_job(workspace, 100, age_s=60), add_job(workspace, 100, age_s=30)

    assert expire(workspace) == (older,)
    assert kept(tmp_path) == {newest}


def test_a_live_job_never_loses_its_files(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path, keep_days=1, keep_bytes=50)
    live = add_job(workspace, 100, age_s=5 * DAY_S)
    idle = add_job(workspace, 100, age_s=4 * DAY_S)

    assert expire(workspace, live={live}) == (idle,)
    assert kept(tmp_path) == {live}


def test_nothing_but_jobs_folders_is_deleted(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path, keep_days=1)
    jobs = tmp_path / "data" / "jobs"
    (jobs / "notes").mkdir()
    (jobs / new_job_id()).write_bytes(b"a file, not a folder")
    before = kept(tmp_path)

    assert expire(workspace, now=NOW + 100 * DAY_S) == ()
    assert kept(tmp_path) == before


def test_what_an_interrupted_write_left_goes_at_start_and_a_running_one_stays(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    folder = workspace.job_folder(add_job(workspace))
    left, running = folder / "model" / ".0123456789abcdef.part", folder / ".fedcba9876543210.part"
    left.write_bytes(b"half a mod")
    os.utime(left, (NOW - 3600, NOW - 3600))
    running.write_bytes(b"half a")

    open_workspace(tmp_path)
    assert not left.exists()
    assert running.exists()


def test_used_bytes_are_known_from_the_start(tmp_path: Path) -> None:
    add_job(open_workspace(tmp_path), size_bytes=123)
    assert open_workspace(tmp_path).used_bytes == 123


def test_a_folder_that_another_process_deletes_meanwhile_is_no_error(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path, keep_days=1)
    job_id = add_job(workspace, age_s=2 * DAY_S)
    other = open_workspace(tmp_path, keep_days=1)

    def delete_elsewhere(asked: str) -> bool:
        assert expire(other) == (asked,)
        return False

    assert workspace.expire(delete_elsewhere, NOW) == ()
    assert kept(tmp_path) == set()
    assert job_id not in kept(tmp_path)


def test_the_cancel_flag_reaches_another_process_by_its_file(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    flag = workspace.cancel_flag(new_job_id())
    copy: CancelFlag = pickle.loads(pickle.dumps(flag))
    assert not copy.is_set()

    flag.set()
    flag.set()
    assert copy.is_set()
    assert stat.S_IMODE(flag.path.parent.stat().st_mode) == 0o700


def test_a_data_folder_that_cannot_be_used_says_so_and_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"a file is in the way")
    with pytest.raises(InternalError, match=r"cannot be used \(.+\); set ORFEAS_DATA_DIR"):
        open_workspace(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full disk to try")
def test_a_full_disk_becomes_a_sentence_without_a_path() -> None:
    with (
        pytest.raises(InternalError, match="disk is full") as error,
        full_disk_explained(),
        Path("/dev/full").open("wb", buffering=0) as file,
    ):
        file.write(b"x")
    assert "/" not in str(error.value)


def test_other_disk_errors_pass_as_they_are() -> None:
    with pytest.raises(OSError) as error, full_disk_explained():
        raise OSError(errno.EIO, "input/output error")
    assert error.value.errno == errno.EIO


def add_served(workspace: Workspace, name: str, age_s: float) -> Path:
    path = workspace.served / name / "mug.png"
    path.parent.mkdir()
    path.write_bytes(b"x")
    for each in (path, path.parent):
        os.utime(each, (NOW - age_s, NOW - age_s))
    return path


def test_the_pages_own_copies_lie_in_a_private_folder(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    assert workspace.served == (tmp_path / "data" / "served").resolve()
    assert stat.S_IMODE(workspace.served.stat().st_mode) == 0o700


def test_copies_that_an_ended_process_left_are_swept_at_the_next_start(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    left, kept_by_another = add_served(workspace, "a", 2 * DAY_S), add_served(workspace, "b", 60)
    open_workspace(tmp_path)
    assert not left.exists()
    assert kept_by_another.exists()


def test_copies_that_nobody_keeps_are_swept_while_the_studio_runs(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    left = add_served(workspace, "a", 2 * DAY_S)
    expire(workspace)
    assert not left.exists()


def test_a_folder_that_is_gone_cannot_be_written(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    assert workspace.is_writable()
    (tmp_path / "data" / "jobs").rmdir()
    assert not workspace.is_writable()


COMMAND = """
import time
from orfeas.folder_lock import FolderLock
from orfeas.workspace import scratch_folder
with scratch_folder() as folder:
    lock = FolderLock(folder)
    (folder / "mesh.stl").touch()
    print(folder, flush=True)
    time.sleep(60)
"""


def test_the_folder_of_a_killed_command_goes_with_the_next_one_and_that_of_a_running_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    command = [sys.executable, "-c", COMMAND]
    environment = {**unmeasured(), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            folder = Path(running.stdout.readline().strip())
            assert folder.parent == tmp_path
            with scratch_folder() as other:
                assert other.is_dir()
                assert (folder / "mesh.stl").exists()
        finally:
            running.kill()
    assert (folder / "mesh.stl").exists()
    with scratch_folder() as other:
        assert list(tmp_path.iterdir()) == [other]
    assert not list(tmp_path.iterdir())


def test_only_folders_that_commands_have_left_are_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    starting, ending, left = (tmp_path / f"{SCRATCH}{name * 8}" for name in "abc")
    own = tmp_path / f"{SCRATCH}results-of-monday"
    starting.mkdir()
    os.utime(starting, (0, 0))
    for folder in (ending, left, own):
        FolderLock(folder).release()
    os.utime(left, (0, 0))
    os.utime(own, (0, 0))
    (tmp_path / f"{SCRATCH}{'d' * 8}").symlink_to(own)
    with scratch_folder():
        assert [starting.exists(), ending.exists(), left.exists(), own.exists()] == [True, True, False, True]
