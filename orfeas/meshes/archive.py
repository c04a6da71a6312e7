"""Zip files from strangers, read within bounds and never unpacked to disk."""

import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import BinaryIO

from orfeas.errors import InvalidMesh

MAX_UNPACKED_BYTES = 512 * 2**20
MAX_ENTRIES = 1000
# Text of models packs five- to twentyfold; what is larger than this and packs better still is there to keep us busy.
MAX_RATIO = 100
SMALL_BYTES = 8 * 2**20
# No list of so few entries is longer; checked before Python's zipfile reads the list into memory.
MAX_DIRECTORY_BYTES = MAX_ENTRIES * 512

_END = struct.Struct("<4s4H2LH")
_END_MAGIC = b"PK\5\6"
_ZIP64_MAGIC = b"PK\6\7"
_MAX_COMMENT = 65_535
_DAMAGED = "The zip file is damaged."
_TOO_MUCH = "The zip file holds too much once unpacked."
# What Python's zipfile raises for files that are not what they say, found by damaging them at random.
_DAMAGES = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, NotImplementedError)


def list_names(file: BinaryIO) -> list[str]:
    """The names of the files in a zip, in its order; without folders, and without what a Mac adds.

    Raises:
        InvalidMesh: it is damaged, or has too many files in it.
    """
    _check_directory(file)
    try:
        with zipfile.ZipFile(file) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
    except _DAMAGES as error:
        raise InvalidMesh(_DAMAGED) from error
    return [name for name in names if not name.startswith("__MACOSX/")]


def read_start(file: BinaryIO, name: str, length: int) -> bytes:
    """The first bytes of one file of a zip, at most so many.

    Raises:
        InvalidMesh: it is not there, is damaged, encrypted, or packed in an unusual way.
    """
    _check_directory(file)
    try:
        with zipfile.ZipFile(file) as archive:
            entry = archive.getinfo(name)
            _check_packing(entry)
            with archive.open(entry) as packed:
                return packed.read(length)
    except (*_DAMAGES, KeyError) as error:
        raise InvalidMesh(_DAMAGED) from error


def read_entries(
    file: BinaryIO, is_wanted: Callable[[str], bool], max_bytes: int = MAX_UNPACKED_BYTES
) -> dict[str, bytes]:
    """The content of the wanted files of a zip, by the name they have in it; that name is never used as a path.

    Args:
        file: open for reading at any place.
        is_wanted: asked with each name.
        max_bytes: what the wanted files may hold together once unpacked.

    Raises:
        InvalidMesh: it is damaged, encrypted, packed in an unusual way, or too large once unpacked.
    """
    _check_directory(file)
    found: dict[str, bytes] = {}
    room = max_bytes
    try:
        with zipfile.ZipFile(file) as archive:
            wanted = [entry for entry in archive.infolist() if is_wanted(entry.filename)]
            # What the zip says of itself, before anything is unpacked; whether it lies shows in the unpacking.
            for entry in wanted:
                _check_packing(entry)
            if sum(entry.file_size for entry in wanted) > max_bytes:
                raise InvalidMesh(_TOO_MUCH)
            for entry in wanted:
                found[entry.filename] = _read_entry(archive, entry, room)
                room -= len(found[entry.filename])
    except _DAMAGES as error:
        raise InvalidMesh(_DAMAGED) from error
    return found


def _check_directory(file: BinaryIO) -> None:
    size = file.seek(0, 2)
    file.seek(max(0, size - _END.size - _MAX_COMMENT - 20))
    tail = file.read()
    at = tail.rfind(_END_MAGIC)
    if at < 0 or len(tail) < at + _END.size:
        raise InvalidMesh("The zip file is cut short.")
    _, _, _, _, entries, directory_bytes, _, _ = _END.unpack_from(tail, at)
    if entries > MAX_ENTRIES or directory_bytes > MAX_DIRECTORY_BYTES or tail[at - 20 : at - 16] == _ZIP64_MAGIC:
        raise InvalidMesh(f"The zip file has over {MAX_ENTRIES} files in it.")
    file.seek(0)


def _check_packing(entry: zipfile.ZipInfo) -> None:
    if entry.flag_bits & 0x1:
        raise InvalidMesh("The zip file is encrypted.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InvalidMesh("The zip file is packed in a way that cannot be read; use plain zip.")
    if entry.file_size > max(SMALL_BYTES, MAX_RATIO * entry.compress_size):
        raise InvalidMesh(f"A file in the zip unpacks to over {MAX_RATIO} times its size, as no model does.")


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, room: int) -> bytes:
    with archive.open(entry) as packed:
        data = packed.read(room + 1)
    if len(data) > room:
        raise InvalidMesh(_TOO_MUCH)
    return data
