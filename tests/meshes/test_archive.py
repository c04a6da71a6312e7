import io
import random
import zipfile

import pytest

from orfeas.errors import InvalidMesh
from orfeas.meshes.archive import MAX_ENTRIES, list_names, read_entries, read_start


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def everything(data: bytes, max_bytes: int = 1000) -> dict[str, bytes]:
    return read_entries(io.BytesIO(data), lambda name: True, max_bytes)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_wanted_files_are_read(method: int) -> None:
    data = zipped({"a.txt": b"one", "b/c.txt": b"two", "d.bin": b"three"}, method)
    found = read_entries(io.BytesIO(data), lambda name: name.endswith(".txt"))
    assert found == {"a.txt": b"one", "b/c.txt": b"two"}


def test_a_name_that_climbs_is_a_name_and_nothing_more() -> None:
    assert everything(zipped({"../../etc/passwd": b"x"})) == {"../../etc/passwd": b"x"}


def test_a_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    data = zipped({"a": bytes(100_000_000)})
    assert len(data) < 100_000
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    with pytest.raises(InvalidMesh, match="over 100 times its size"):
        everything(data, 200_000_000)


def test_too_much_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    data = zipped({"a": random.Random(0).randbytes(2000), "b": bytes(2000)})
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    with pytest.raises(InvalidMesh, match="too much once unpacked"):
        everything(data, 3000)


def test_files_that_are_not_wanted_may_be_of_any_size() -> None:
    data = zipped({"a": bytes(100_000_000), "b": b"two"})
    assert read_entries(io.BytesIO(data), lambda name: name == "b") == {"b": b"two"}


def test_names_are_told_without_unpacking_anything() -> None:
    data = zipped({"b/c.txt": b"two", "b/": b"", "__MACOSX/b/._c.txt": b"", "a.txt": b"one"})
    assert list_names(io.BytesIO(data)) == ["b/c.txt", "a.txt"]


def test_the_start_of_a_file_is_read_alone() -> None:
    data = zipped({"a": b"start" + bytes(100_000_000)})
    assert read_start(io.BytesIO(zipped({"a": b"start and more"})), "a", 5) == b"start"
    with pytest.raises(InvalidMesh, match="over 100 times its size"):
        read_start(io.BytesIO(data), "a", 5)
    with pytest.raises(InvalidMesh, match="damaged"):
        read_start(io.BytesIO(zipped({})), "a", 5)


def test_files_that_are_too_much_together_are_refused() -> None:
    with pytest.raises(InvalidMesh, match="too much once unpacked"):
        everything(zipped({"a": bytes(600), "b": bytes(600)}))


def test_a_size_that_lies_does_not_help() -> None:
    data = bytearray(zipped({"a": bytes(5000)}))
    for mark, offset in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        at = data.index(mark) + offset
        data[at : at + 4] = (10).to_bytes(4, "little")
    with pytest.raises(InvalidMesh):
        everything(bytes(data))


def test_too_many_files_are_refused() -> None:
    with pytest.raises(InvalidMesh, match="1000 files"):
        everything(zipped({str(n): b"" for n in range(MAX_ENTRIES + 1)}))


def test_a_long_list_of_files_is_refused_whatever_its_count_says() -> None:
    data = bytearray(zipped({f"{n}{'n' * 60_000}": b"" for n in range(10)}))
    at = data.rindex(b"PK\5\6") + 8
    data[at : at + 4] = (1).to_bytes(2, "little") * 2
    with pytest.raises(InvalidMesh, match="1000 files"):
        everything(bytes(data))


def test_a_list_for_giants_is_refused() -> None:
    data = zipped({"a": b"x"})
    at = data.rindex(b"PK\5\6")
    with pytest.raises(InvalidMesh, match="1000 files"):
        everything(data[:at] + b"PK\6\7" + bytes(16) + data[at:])


def test_encrypted_files_are_refused() -> None:
    data = bytearray(zipped({"a": b"x"}))
    data[data.index(b"PK\1\2") + 8] |= 1
    with pytest.raises(InvalidMesh, match="encrypted"):
        everything(bytes(data))


def test_unusual_packing_is_refused() -> None:
    with pytest.raises(InvalidMesh, match="use plain zip"):
        everything(zipped({"a": b"x"}, zipfile.ZIP_BZIP2))


def test_damage_is_refused() -> None:
    data = bytearray(zipped({"a": bytes(range(256)) * 10}))
    data[60] ^= 0xFF
    with pytest.raises(InvalidMesh, match="damaged"):
        everything(bytes(data), 10_000)


@pytest.mark.parametrize("data", [b"", b"PK\3\4", b"PK\5\6", b"no zip at all"])
def test_what_is_no_zip_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidMesh, match="cut short"):
        everything(data)
