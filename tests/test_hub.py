"""Fetching from a Hub on this machine; what the environment decides is tested in processes of their own."""

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]  # is public

from orfeas import hub
from orfeas.errors import Cancelled, EngineUnavailable
from orfeas.hub import FetchAccount, WeightSet
from tests.hub import Hub, point_at, serve_hub

SIZE = 400_000
FOLDER = "hunyuan3d-dit-v2-1"
WEIGHTS = WeightSet(
    "tencent/Hunyuan3D-2.1", (f"{FOLDER}/config.yaml", f"{FOLDER}/model.fp16.ckpt"), SIZE, "Some Licence"
)
CONTENT = bytes(range(256)) * (SIZE // 256)


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    folder = tmp_path / "hub" / FOLDER
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("model: {}\n")
    (folder / "model.fp16.ckpt").write_bytes(CONTENT)
    monkeypatch.setattr(hub, "RETRY_AFTER_S", 0.01)
    with serve_hub(tmp_path / "hub") as served:
        point_at(served, tmp_path / "home", monkeypatch)
        yield served


@dataclass
class Watch:
    """Notes what is reported, and stops the fetch at ``stop_at`` bytes."""

    stop_at: int = 10 * SIZE
    seen: list[int] = field(default_factory=list)

    def check(self) -> None:
        if self.seen and self.seen[-1] >= self.stop_at:
            raise Cancelled("stopped")


def fetch(watch: Watch | None = None) -> Watch:
    watch = watch or Watch()
    hub.fetch([WEIGHTS], watch.seen.append, watch.check)
    return watch


def account() -> FetchAccount:
    (found,) = hub.account_for([WEIGHTS])
    return found


def found() -> list[Path]:
    return sorted(path for path in hub.cache_folder().glob("*/snapshots/*/*/*") if path.is_file())


def parts() -> list[Path]:
    return sorted(hub.cache_folder().glob("*/blobs/*.incomplete"))


def test_the_account_says_how_much_from_where_and_on_what_terms() -> None:
    told = FetchAccount("huggingface.co/a/b", "Some Licence", ("x",), 7_370_000_000, 2_000_000_000)
    assert told.sentence == "2.0 GB of 7.4 GB are to be fetched from huggingface.co/a/b. Licence: Some Licence."


def test_an_account_fetches_nothing(remote: Hub) -> None:
    whole = len(CONTENT) + len("model: {}\n")
    told = account()
    assert (told.total_bytes, told.missing_bytes, told.missing) == (whole, whole, WEIGHTS.files)
    assert told.source == f"{remote.endpoint.removeprefix('http://')}/tencent/Hunyuan3D-2.1"
    assert (remote.ranges, found(), parts()) == ([], [], [])


def test_everything_needed_and_nothing_else_is_fetched(remote: Hub) -> None:
    (remote.folder / FOLDER / "other.ckpt").write_bytes(b"1")
    seen = fetch().seen
    assert [path.name for path in found()] == ["config.yaml", "model.fp16.ckpt"]
    assert found()[1].read_bytes() == CONTENT
    assert seen == sorted(seen)
    assert seen[-1] == account().total_bytes
    assert (account().missing_bytes, account().missing, parts()) == (0, (), [])


def test_what_is_here_is_not_fetched_again(remote: Hub) -> None:
    fetch()
    fetch()
    assert remote.ranges == [""]


def test_a_stopped_fetch_keeps_what_it_has_and_nobody_takes_it_for_the_file(remote: Hub) -> None:
    with pytest.raises(Cancelled):
        fetch(Watch(stop_at=SIZE // 2))
    (part,) = parts()
    here = part.stat().st_size
    assert SIZE // 3 < here < len(CONTENT)
    assert part.read_bytes() == CONTENT[:here]
    assert found() == []
    assert account().missing_bytes == len(CONTENT) - here


def test_the_next_fetch_goes_on_there(remote: Hub) -> None:
    with pytest.raises(Cancelled):
        fetch(Watch(stop_at=SIZE // 2))
    here = parts()[0].stat().st_size
    assert min(fetch().seen[1:]) > here
    assert remote.ranges == ["", f"bytes={here}-"]
    assert found()[1].read_bytes() == CONTENT


def test_a_connection_that_breaks_is_taken_up_again_where_it_broke(remote: Hub) -> None:
    remote.breaks = 3
    fetch()
    assert remote.ranges == ["", *(f"bytes={len(CONTENT) - len(CONTENT) // 2**n}-" for n in (1, 2, 3))]
    assert found()[1].read_bytes() == CONTENT


def test_a_connection_that_breaks_for_good_is_told_and_what_is_here_stays(
    remote: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.is_silent = True
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.1)
    with pytest.raises(EngineUnavailable, match="could not be reached, or the connection broke"):
        fetch()
    assert parts()[0].stat().st_size > SIZE // 3


def test_a_damaged_file_is_never_used_and_fetched_anew(remote: Hub) -> None:
    remote.damage = b"#"
    with pytest.raises(EngineUnavailable, match=r"model.fp16.ckpt arrived damaged and was thrown away"):
        fetch()
    assert found() == []
    remote.damage = b""
    fetch()
    assert remote.ranges == ["", ""]
    assert found()[1].read_bytes() == CONTENT


def test_a_file_of_the_cache_that_lost_its_end_is_fetched_anew(remote: Hub) -> None:
    fetch()
    os.truncate(found()[1].resolve(), SIZE // 2)
    assert account().missing == (f"{FOLDER}/model.fp16.ckpt",)
    fetch()
    assert found()[1].read_bytes() == CONTENT


def test_a_file_that_the_hub_does_not_have_leaves_the_set_unused(remote: Hub) -> None:
    (remote.folder / FOLDER / "model.fp16.ckpt").unlink()
    with pytest.raises(EngineUnavailable, match=r"\(404\): it does not have all of them"):
        fetch()
    assert found() == []


def test_a_full_disk_is_told_and_what_is_here_stays(remote: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    watch = Watch()
    with pytest.raises(EngineUnavailable, match="No space left on device"):
        hub.fetch([WEIGHTS], watch.seen.append, lambda: full() if max(watch.seen, default=0) > SIZE // 2 else None)
    assert parts()[0].stat().st_size > SIZE // 3


def test_two_programs_do_not_fetch_the_same_file(remote: Hub) -> None:
    etag = sha256(CONTENT).hexdigest()
    lock = hub.cache_folder() / ".locks" / "models--tencent--Hunyuan3D-2.1" / f"{etag}.lock"
    lock.parent.mkdir(parents=True)
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with WeakFileLock(lock):
            held.set()
            let_go.wait(10)

    other = threading.Thread(target=hold)
    other.start()
    held.wait(10)
    with pytest.raises(EngineUnavailable, match="Another program on this machine"):
        fetch()
    let_go.set()
    other.join()
    fetch()
    assert found()[1].read_bytes() == CONTENT


def in_a_process(command: str, **environment: str) -> str:
    code = (
        "from orfeas import hub\nfrom orfeas.errors import EngineUnavailable\n"
        f"weights = [hub.{WEIGHTS!r}]\n"
        f"try:\n    {command}\nexcept EngineUnavailable as error:\n    print(error.sentence)"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**kept, **environment}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


FETCH = "hub.fetch(weights, lambda done: None, lambda: None); print(hub.cache_folder())"


def test_the_home_the_mirror_and_the_token_of_the_environment_are_used(remote: Hub, tmp_path: Path) -> None:
    home = tmp_path / "elsewhere"
    told = in_a_process(FETCH, HF_HOME=str(home), HF_ENDPOINT=remote.endpoint, HF_TOKEN="hf_mine")
    assert told == str(home / "hub")
    assert [path.read_bytes() for path in home.glob("hub/*/snapshots/*/*/*.ckpt")] == [CONTENT]
    assert remote.tokens == {"Bearer hf_mine"}


def test_an_offline_client_is_honoured(remote: Hub, tmp_path: Path) -> None:
    told = in_a_process(FETCH, HF_HOME=str(tmp_path), HF_ENDPOINT=remote.endpoint, HF_HUB_OFFLINE="1")
    assert told == "Engine unavailable: HF_HUB_OFFLINE is set, so nothing can be fetched; unset it."
    assert remote.tokens == set()


def test_a_hub_out_of_reach_is_named(tmp_path: Path) -> None:
    told = in_a_process("hub.account_for(weights)", HF_HOME=str(tmp_path), HF_ENDPOINT="http://127.0.0.1:9")
    assert told.startswith("Engine unavailable: 127.0.0.1:9 could not be reached")
