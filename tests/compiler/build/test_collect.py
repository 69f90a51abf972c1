"""Collecting garbage from a store."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from compiler.build.collect import RECENT, collect, damaged, summary
from compiler.build.store import Record, Store


def made(store: Store, key: str, text: str, stage: str = "x.s") -> Record:
    def make(out: Path) -> dict[str, Any]:
        (out / "a.txt").write_text(text)
        return {}

    return store.build(key * 64, {"stage": stage, "code": {"f.py": key}}, make)


def aged(store: Store, **hours: float) -> None:
    """Make records so many hours unused."""
    for key, age in hours.items():
        then = time.time() - age * 3600
        os.utime(store.record_path(key * 64), (then, then))


def there(store: Store) -> str:
    """The records there are, by their letters."""
    return "".join(sorted(path.name[0] for path in (store.inner / "records").iterdir()))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """`a` is shown, `b` listed as a root, `c`, `d` and `e` are neither, the longest unused first; ten bytes each."""
    store = Store(tmp_path)
    for key in "abcde":
        made(store, key, key * 10)
    store.point("m/t", "s", made(store, "a", ""))
    store.save("roots/baseline.json", json.dumps(["b" * 64]).encode())
    aged(store, a=90, b=80, c=50, d=40, e=30)
    return store


def test_leftovers_go_and_records_stay(store: Store) -> None:
    (store.inner / "tmp" / "left").mkdir()
    (store.inner / "cas" / ("f" * 64)).mkdir()
    (store.inner / "code" / ("f" * 64 + ".json")).write_text("{}")
    done = collect(store)
    assert (done.records, done.objects, done.bytes, done.left) == (0, 1, 0, 50)
    assert not list((store.inner / "tmp").iterdir())
    assert len(list((store.inner / "code").iterdir())) == 5
    assert there(store) == "abcde"


def test_what_nothing_shows_goes_only_when_asked(store: Store) -> None:
    done = collect(store, unused=True)
    assert (done.records, done.objects, done.bytes, done.left) == (3, 3, 30, 20)
    assert there(store) == "ab"
    assert len(list((store.inner / "cas").iterdir())) == len(list((store.inner / "code").iterdir())) == 2
    assert (store.root / "m/t/a.txt").read_text() == "a" * 10


@pytest.mark.parametrize(
    ("bound", "left"), [(100, "abcde"), (50, "abcde"), (49, "abde"), (40, "abde"), (25, "ab"), (0, "ab")]
)
def test_a_bound_takes_the_longest_unused_first_and_nothing_that_is_shown(store: Store, bound: int, left: str) -> None:
    would = collect(store, max_bytes=bound, dry_run=True)
    assert there(store) == "abcde"
    assert collect(store, max_bytes=bound) == would
    assert there(store) == left
    assert would.left == 10 * len(left)


def test_a_record_whose_object_stays_anyway_is_not_taken_for_its_bytes(store: Store) -> None:
    made(store, "f", "a" * 10)
    aged(store, f=100)
    collect(store, max_bytes=45)
    assert there(store) == "abdef"


def test_objects_that_several_records_share_go_with_the_last(store: Store) -> None:
    made(store, "f", "c" * 10)
    aged(store, f=45)
    assert collect(store, max_bytes=45).objects == 1
    assert there(store) == "abde"


def test_what_was_used_a_moment_ago_stays(store: Store) -> None:
    assert store.get("c" * 64) is not None
    collect(store, unused=True)
    assert there(store) == "abc"
    aged(store, c=RECENT / 3600 + 0.1)
    collect(store, unused=True)
    assert there(store) == "ab"


def test_use_is_noted_once_an_hour(store: Store) -> None:
    aged(store, d=0.5)
    then = store.used("d" * 64)
    store.get("d" * 64)
    assert store.used("d" * 64) == then
    aged(store, d=1.5)
    store.get("d" * 64)
    assert store.used("d" * 64) > then


def test_roots_that_cannot_be_read_keep_everything(store: Store) -> None:
    store.save("roots/baseline.json", b"[")
    assert collect(store, unused=True, max_bytes=0).records == 0
    assert damaged(store) == ["roots/baseline.json"]


def test_a_changed_byte_is_found_and_its_object_made_anew(store: Store) -> None:
    record = made(store, "a", "")
    file = record.ref.path / "a.txt"
    file.chmod(0o644)
    file.write_text("b" * 10)
    assert damaged(store) == [f"cas/{record.ref.hash}"]
    assert collect(store, verify=True).damaged == (f"cas/{record.ref.hash}",)
    assert made(store, "a", "a" * 10).ref == record.ref
    assert damaged(store) == []


def test_collecting_waits_for_a_stage_that_is_being_made(store: Store) -> None:
    begun, order = threading.Event(), list[str]()

    def slow(out: Path) -> dict[str, Any]:
        begun.set()
        time.sleep(0.2)
        order.append("made")
        return {}

    builder = threading.Thread(target=lambda: store.build("f" * 64, {}, slow))
    builder.start()
    begun.wait()
    collect(store, unused=True)
    order.append("collected")
    builder.join()
    assert order == ["made", "collected"]
    assert store.get("f" * 64) is not None


def test_the_sum_is_told_by_stage(store: Store) -> None:
    made(store, "f", "ffff", "x.other")
    rows, whole = summary(store)
    assert [(row["stage"], row["records"], row["bytes"], row["unused_bytes"]) for row in rows] == [
        ("other", 1, 4, 4),
        ("s", 5, 50, 30),
    ]
    assert whole == {"partitions": 1, "records": 6, "objects": 6, "bytes": 54, "unused_bytes": 34}
