"""The file of layers' groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler import members


def test_groups_are_read_as_written(tmp_path: Path) -> None:
    members.write(tmp_path / members.NAME, [("a, b", "a"), ("a, b", 'b "c"')])
    assert members.beside(tmp_path / "sample.model") == {"a": "a, b", 'b "c"': "a, b"}
    assert members.beside(tmp_path / "elsewhere" / "sample.model") == {}


@pytest.mark.parametrize("held", [b"", b"name,share\na,1\n", b"\xff\xfe"])
def test_another_file_is_named(tmp_path: Path, held: bytes) -> None:
    (tmp_path / "other.csv").write_bytes(held)
    with pytest.raises(members.BadMembers, match=r"other\.csv .*; give the members\.csv of a build"):
        members.read(tmp_path / "other.csv")
