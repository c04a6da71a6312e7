import os
import stat
from pathlib import Path

import pytest

from orfeas.files import write_whole


def test_a_file_holds_what_was_written(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.bin", b"abc")
    assert (tmp_path / "a.bin").read_bytes() == b"abc"


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    write_whole(tmp_path / "one" / "two" / "a.bin", b"abc")
    assert (tmp_path / "one" / "two" / "a.bin").read_bytes() == b"abc"


def test_an_older_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_whole(path, b"long and old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"


def test_a_reader_of_the_older_file_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_whole(path, b"old")
    with path.open("rb") as reader:
        write_whole(path, b"new")
        assert reader.read() == b"old"


def test_nothing_else_is_left_beside_it(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.bin", b"abc")
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_nothing_is_left_where_the_file_cannot_be_put(tmp_path: Path) -> None:
    (tmp_path / "a.bin").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_whole(tmp_path / "a.bin", b"abc")
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_who_may_read_it_is_what_the_system_says(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "a.bin", b"abc")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.bin").stat().st_mode) == 0o640
