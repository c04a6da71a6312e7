"""Published weights on the Hugging Face Hub: what there is to fetch, and fetching it so that it can stop and go on.

The Hub's own client (2.4) throws away what it has of a file when a download stops. Here the file grows in the cache
under the name that client gives to unfinished ones, which it never takes for the file; once whole it is put in its
place, and the client enters it into the cache. ``HF_HOME``, ``HF_TOKEN``, ``HF_ENDPOINT`` and ``HF_HUB_OFFLINE`` mean
what they mean to that client.
"""

import logging
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from orfeas.errors import EngineUnavailable

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

LOGGER = logging.getLogger(__name__)

GB = 1e9
# Of a connection that breaks; every byte that arrives sets it back.
TRIES = 5
RETRY_AFTER_S = 1.0
WAIT_S = 0.1
LOCK_WAIT_S = 0.5
HASHED_AT_ONCE = 1 << 20
MAX_INDEX_BYTES = 1_000_000
# The Hub names large files by their content's SHA-256, and small ones otherwise.
SHA256 = re.compile(r"[0-9a-f]{64}")
# What an HTTP status of the Hub means to a person.
REFUSALS: Mapping[int, str] = {
    401: "accept its licence there, and set HF_TOKEN",
    403: "accept its licence there, and set HF_TOKEN",
    404: "it does not have all of them",
}

Report = Callable[[int], None]
Check = Callable[[], None]


@dataclass(frozen=True)
class WeightSet:
    """Files of one repository that an engine needs.

    Attributes:
        repo_id: repository on the Hub.
        files: paths inside of it; nothing else of it is fetched.
        size_bytes: of all of them as published, about; the Hub tells exactly. 0 where only the Hub knows.
        licence: their terms, in one line; empty takes what the repository's card says.
        choose: picks the files where the repository's own index decides: from the names of all of its files and from
            what the one in ``files`` holds. Raises ``EngineUnavailable`` where they cannot be used.
    """

    repo_id: str
    files: tuple[str, ...]
    size_bytes: int
    licence: str
    choose: Callable[[Sequence[str], bytes], tuple[str, ...]] | None = None


@dataclass(frozen=True)
class FetchAccount:
    """What fetching a set of weights would do, for a person to agree to.

    Attributes:
        source: where they come from, without ``https://``.
        licence: of the weights.
        missing: the files that are not here yet, or not whole.
        total_bytes: of all files needed.
        missing_bytes: of what is not here yet.
    """

    source: str
    licence: str
    missing: tuple[str, ...]
    total_bytes: int
    missing_bytes: int

    @property
    def sentence(self) -> str:
        """The account in words."""
        amount = f"{self.missing_bytes / GB:.1f} GB of {self.total_bytes / GB:.1f} GB"
        return f"{amount} are to be fetched from {self.source}. Licence: {self.licence}."


@dataclass(frozen=True)
class _Remote:
    """One file as the Hub has it now; ``etag`` names its content."""

    repo_id: str
    name: str
    commit: str
    etag: str
    size_bytes: int

    @property
    def folder(self) -> Path:
        """What the cache keeps of the repository."""
        from huggingface_hub.file_download import repo_folder_name

        return cache_folder() / repo_folder_name(repo_id=self.repo_id, repo_type="model")

    @property
    def blob(self) -> Path:
        """Where the cache keeps the content."""
        return self.folder / "blobs" / self.etag

    @property
    def part(self) -> Path:
        """Where it grows."""
        return self.folder / "blobs" / f"{self.etag}.incomplete"

    @property
    def lock(self) -> Path:
        """What the Hub's client locks while it fetches this content."""
        return cache_folder() / ".locks" / self.folder.name / f"{self.etag}.lock"

    @property
    def is_here(self) -> bool:
        """Whether the cache has all of it; where there are no symbolic links it has no blob."""
        return _is_here(self)

    @property
    def here_bytes(self) -> int:
        """What is here of it, finished or not."""
        return self.size_bytes if self.is_here else min(_size_of(self.part), self.size_bytes)


def _is_here(remote: _Remote) -> bool:
    places = (remote.folder / "snapshots" / remote.commit / remote.name, remote.blob)
    return any(place.is_file() and _size_of(place) == remote.size_bytes for place in places)


def cache_folder() -> Path:
    """Where the Hub's client keeps files."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def free_bytes() -> int:
    """Free on the disk that the cache is on, or will be."""
    folder = cache_folder()
    return shutil.disk_usage(next(place for place in (folder, *folder.parents) if place.exists())).free


def account_for(sets: Sequence[WeightSet]) -> tuple[FetchAccount, ...]:
    """Ask the Hub what there is to fetch of each set; fetches nothing.

    Raises:
        EngineUnavailable: the Hub cannot be reached, or refuses.
    """
    return tuple(_account_for(weights) for weights in sets)


def _account_for(weights: WeightSet) -> FetchAccount:
    with _errors_explained(weights.repo_id):
        remotes = [_look_up(weights.repo_id, name) for name in _names_of(weights)]
        licence = weights.licence or _told_licence(weights.repo_id)
    return FetchAccount(
        source=f"{_host()}/{weights.repo_id}",
        licence=licence,
        missing=tuple(remote.name for remote in remotes if not remote.is_here),
        total_bytes=sum(remote.size_bytes for remote in remotes),
        missing_bytes=sum(remote.size_bytes - remote.here_bytes for remote in remotes),
    )


def fetch(sets: Sequence[WeightSet], report: Report, check: Check) -> None:
    """Fetch what is missing into the cache, going on where an earlier fetch stopped.

    A set enters the cache only when all of its files are here, so that nobody uses half of it.

    Args:
        sets: what to fetch.
        report: called with the bytes that are here, of all files together.
        check: called between pieces of work of less than a second; what it raises stops the fetch.

    Raises:
        EngineUnavailable: the Hub cannot be reached, or refuses, or the disk is full.
    """
    from huggingface_hub import hf_hub_download

    done = 0
    for weights in sets:
        with _errors_explained(weights.repo_id):
            names = _names_of(weights)
            for name in names:
                done += _fetch_file(weights.repo_id, name, done, report, check)
            for name in names:
                check()
                hf_hub_download(weights.repo_id, name)


def _names_of(weights: WeightSet) -> tuple[str, ...]:
    """The files of a set, chosen by the repository's index where that decides."""
    if weights.choose is None:
        return weights.files
    siblings = _describe(weights.repo_id).siblings or []
    return weights.choose([sibling.rfilename for sibling in siblings], _read(weights.repo_id, weights.files[0]))


def _told_licence(repo_id: str) -> str:
    """What the repository's card says of its terms."""
    card = _describe(repo_id).card_data
    licence = card.get("license") if card else None
    return str(licence) if licence else f"not told; read {_host()}/{repo_id}"


def _describe(repo_id: str) -> "ModelInfo":
    from huggingface_hub import HfApi, constants

    return HfApi(endpoint=constants.ENDPOINT).model_info(repo_id)


def _read(repo_id: str, name: str) -> bytes:
    """A small file's content.

    Raises:
        EngineUnavailable: it is not small.
    """
    from huggingface_hub import constants, get_session, hf_hub_url
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]  # are public

    told = _look_up(repo_id, name)
    if told.size_bytes > MAX_INDEX_BYTES:
        raise EngineUnavailable(f"{name} of {repo_id} has {told.size_bytes:,} bytes, which no index has.")
    url = hf_hub_url(repo_id, name, revision=told.commit)
    answer = get_session().get(
        url, headers=build_hf_headers(), timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT, follow_redirects=True
    )
    hf_raise_for_status(answer)
    return bytes(answer.content)


def _fetch_file(repo_id: str, name: str, before: int, report: Report, check: Check) -> int:
    """Bring one file's content into the cache, ``before`` bytes of others being here; returns its size in bytes."""
    check()
    remote = _look_up(repo_id, name)
    if not remote.is_here:
        with _locked(remote.lock):
            if _is_here(remote):  # another process was quicker
                return remote.size_bytes
            remote.part.parent.mkdir(parents=True, exist_ok=True)
            _complete(remote, lambda here: report(before + here), check)
            _check_content(remote, check)
            remote.part.replace(remote.blob)
    report(before + remote.size_bytes)
    return remote.size_bytes


def _look_up(repo_id: str, name: str) -> _Remote:
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # is public

    told = get_hf_file_metadata(hf_hub_url(repo_id, name), headers=build_hf_headers())
    if told.commit_hash is None or told.etag is None or told.size is None:
        raise EngineUnavailable(f"{_host()} does not answer as a Hugging Face Hub does; check HF_ENDPOINT.")
    return _Remote(repo_id, name, told.commit_hash, told.etag, told.size)


def _complete(remote: _Remote, report: Report, check: Check) -> None:
    """Let the unfinished file grow until it has the size it should have, through connections that break."""
    from httpx2 import RemoteProtocolError, TransportError

    tries = TRIES
    while (here := _size_of(remote.part)) < remote.size_bytes:
        broken: TransportError = RemoteProtocolError("the answer was shorter than the file")
        try:
            _append(remote, here, report, check)
        except TransportError as error:
            broken = error
        after = _size_of(remote.part)
        tries = TRIES if after > here else tries - 1
        if tries == 0:
            raise broken
        if after < remote.size_bytes:
            LOGGER.warning("fetching %s: the connection broke at %d bytes (%s)", remote.name, after, broken)
            _wait(check)


def _append(remote: _Remote, here: int, report: Report, check: Check) -> None:
    from huggingface_hub import constants, get_session, hf_hub_url
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]  # are public

    url = hf_hub_url(remote.repo_id, remote.name, revision=remote.commit)
    headers = {**build_hf_headers(), "accept-encoding": "identity", **({"range": f"bytes={here}-"} if here else {})}
    timeout_s = constants.HF_HUB_DOWNLOAD_TIMEOUT
    with (
        get_session().stream("GET", url, headers=headers, timeout=timeout_s) as response,
        remote.part.open("ab") as file,
    ):
        hf_raise_for_status(response)
        if response.status_code != 206:  # the server tells the file from its beginning
            file.truncate(0)
            here = 0
        for chunk in response.iter_bytes():
            check()
            file.write(chunk)
            here += len(chunk)
            report(here)


def _check_content(remote: _Remote, check: Check) -> None:
    """Whether what arrived is what the Hub has, where its name for it tells.

    Raises:
        EngineUnavailable: it is not; then the next fetch begins anew.
    """
    digest = sha256()
    with remote.part.open("rb") as file:
        while block := file.read(HASHED_AT_ONCE):
            check()
            digest.update(block)
    if _size_of(remote.part) != remote.size_bytes or (
        SHA256.fullmatch(remote.etag) and digest.hexdigest() != remote.etag
    ):
        os.truncate(remote.part, 0)
        raise EngineUnavailable(f"{remote.name} arrived damaged and was thrown away; fetch it again.")


def _wait(check: Check) -> None:
    end = time.monotonic() + RETRY_AFTER_S
    while time.monotonic() < end:
        check()
        time.sleep(WAIT_S)


def _size_of(path: Path) -> int:
    """In bytes; 0 where there is none."""
    return path.stat().st_size if path.exists() else 0


def _host() -> str:
    from huggingface_hub import constants

    return constants.ENDPOINT.partition("://")[2]


@contextmanager
def _locked(lock: Path) -> Iterator[None]:
    """Hold the lock that the Hub's client takes for the same content, in any process of this machine.

    Raises:
        EngineUnavailable: another process holds it.
    """
    from filelock import Timeout
    from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]  # is public

    lock.parent.mkdir(parents=True, exist_ok=True)
    holder = WeakFileLock(lock, timeout=LOCK_WAIT_S)
    try:
        holder.__enter__()
    except Timeout as error:
        raise EngineUnavailable(
            "Another program on this machine is fetching them now; wait until it is done."
        ) from error
    try:
        yield
    finally:
        holder.__exit__(None, None, None)


@contextmanager
def _errors_explained(repo_id: str) -> Iterator[None]:
    """Turn what the Hub's client raises into the sentence a person needs.

    Raises:
        EngineUnavailable: instead.
    """
    from httpx2 import HTTPError
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        yield
    except HfHubHTTPError as error:
        status = error.response.status_code
        reason = REFUSALS.get(status, "try again later")
        raise EngineUnavailable(f"{_host()} did not give the files of {repo_id} ({status}): {reason}.") from error
    except OfflineModeIsEnabled as error:
        raise EngineUnavailable("HF_HUB_OFFLINE is set, so nothing can be fetched; unset it.") from error
    except HTTPError as error:
        raise EngineUnavailable(f"{_host()} could not be reached, or the connection broke; try again later.") from error
    except OSError as error:
        reason = error.strerror or "the connection broke"
        raise EngineUnavailable(
            f"The weights could not be fetched whole ({reason}); try again, it goes on there."
        ) from error
