"""The store's own promises."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from compiler.build import hashes
from compiler.build.store import Shown, Store

KEY = "k" * 64


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "build")


def write(text: str) -> Any:
    def make(out: Path) -> dict[str, Any]:
        (out / "a.txt").write_text(text)
        return {"letters": len(text)}

    return make


def refuse(out: Path) -> dict[str, Any]:
    raise AssertionError("made again")


def test_a_record_is_made_once_and_kept(store: Store) -> None:
    made = store.build(KEY, {"stage": "s"}, write("abc"))
    found = store.build(KEY, {}, refuse)
    assert (made.hit, found.hit) == (False, True)
    assert found.ref == made.ref
    assert found.metadata == made.metadata
    assert found.metadata["letters"] == 3
    assert found.recipe == {"stage": "s"}


def test_code_is_kept_once_and_apart_from_the_records(store: Store) -> None:
    code = {"compiler/a.py": "0" * 64, "numpy": "2.4"}
    records = [store.build(key * 64, {"stage": "s", "code": code}, write(key)) for key in "ab"]
    assert [store.code(record.recipe["code"]) for record in records] == [code, code]
    assert len(store.names("code")) == 1
    assert b"compiler/a.py" not in store.record_path("a" * 64).read_bytes()


def test_what_a_partition_shows_is_one_file(store: Store) -> None:
    record = store.build(KEY, {}, write("abc"))
    for stage in ("s", "t"):
        store.point("m/t", stage, record)
    assert store.refs("m/t") == dict.fromkeys(("s", "t"), Shown(KEY, record.ref.hash))
    assert store.names("refs") == ["refs/m/t.json"]
    assert store.refs("m/other") == {}


def test_two_stages_pointed_at_once_are_both_shown(store: Store) -> None:
    record = store.build(KEY, {}, write("abc"))
    stages = [f"s{number}" for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(store.point, "m/t", stage, record) for stage in stages]:
            done.result()
    assert sorted(store.refs("m/t")) == sorted(stages)


def test_equal_contents_share_an_object(store: Store) -> None:
    assert store.build(KEY, {}, write("abc")).ref == store.build("j" * 64, {}, write("abc")).ref


def test_files_are_read_only(store: Store) -> None:
    path = store.build(KEY, {}, write("abc")).ref.path / "a.txt"
    assert path.stat().st_mode & 0o222 == 0


def test_an_object_that_is_gone_is_made_again(store: Store) -> None:
    ref = store.build(KEY, {}, write("abc")).ref
    shutil.rmtree(ref.path)
    assert store.get(KEY) is None
    assert not store.build(KEY, {}, write("abc")).hit
    assert (ref.path / "a.txt").read_text() == "abc"


def test_a_file_of_another_size_is_noticed_and_mended(store: Store) -> None:
    ref = store.build(KEY, {}, write("abc")).ref
    (ref.path / "a.txt").chmod(0o644)
    (ref.path / "a.txt").write_text("abcd")
    assert store.get(KEY) is None
    store.build(KEY, {}, write("abc"))
    assert (ref.path / "a.txt").read_text() == "abc"
    assert hashes.of_directory(ref.path) == ref.hash


def test_what_a_maker_raises_leaves_nothing(store: Store) -> None:
    def fail(out: Path) -> dict[str, Any]:
        (out / "half").write_text("x")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        store.build(KEY, {}, fail)
    assert store.get(KEY) is None
    assert not list((store.inner / "cas").iterdir())
    assert not list((store.inner / "tmp").iterdir())


def test_links_follow_the_record_a_partition_shows(store: Store) -> None:
    first = store.build(KEY, {}, write("abc"))

    def other(out: Path) -> dict[str, Any]:
        (out / "b.txt").write_text("b")
        return {}

    second = store.build("j" * 64, {}, other)
    store.point("m/t", "s", first)
    assert (store.root / "m/t/a.txt").read_text() == "abc"
    store.point("m/t", "s", second)
    assert sorted(path.name for path in (store.root / "m/t").iterdir()) == ["b.txt"]
    assert store.read("m/t", "s") == second.ref


def test_what_was_interrupted_before_its_links_is_pointed_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(link: Path, target: str) -> None:
        raise KeyboardInterrupt

    record = store.build(KEY, {}, write("abc"))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "symlink_to", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.point("net/e8", "s", record)
    store.point("net/e8", "s", record)
    assert (store.root / "net" / "e8" / "a.txt").read_text() == "abc"


def test_reading_what_was_never_built_says_so(store: Store) -> None:
    with pytest.raises(LookupError, match="m/t has no s yet"):
        store.read("m/t", "s")


def test_one_changed_byte_changes_a_directory_hash(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_bytes(b"one")
    before = hashes.of_directory(tmp_path)
    (tmp_path / "d" / "f").write_bytes(b"two")
    assert hashes.of_directory(tmp_path) != before
