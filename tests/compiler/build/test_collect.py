"""Collecting garbage from a store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from compiler.build.collect import collect, damaged
from compiler.build.store import Record, Store


def made(store: Store, key: str, text: str) -> Record:
    def make(out: Path) -> dict[str, Any]:
        (out / "a.txt").write_text(text)
        return {}

    return store.build(key * 64, {}, make)


def test_what_no_partition_shows_goes_only_when_asked(tmp_path: Path) -> None:
    store = Store(tmp_path)
    shown, other = made(store, "a", "shown"), made(store, "b", "other")
    store.point("m/t", "s", shown)
    (store.inner / "tmp" / "left").mkdir()
    assert collect(store).objects == 0
    assert not list((store.inner / "tmp").iterdir())
    assert collect(store, unused=True, recent=0).bytes == len("other")
    assert store.get(shown.key) is not None
    assert store.get(other.key) is None
    assert not other.ref.path.exists()


def test_a_changed_byte_is_found_and_its_object_made_anew(tmp_path: Path) -> None:
    store = Store(tmp_path)
    record = made(store, "a", "right")
    file = record.ref.path / "a.txt"
    file.chmod(0o644)
    file.write_text("wrong")
    assert damaged(store) == [f"cas/{record.ref.hash}"]
    assert collect(store, verify=True).damaged == (f"cas/{record.ref.hash}",)
    assert made(store, "a", "right").ref == record.ref
    assert damaged(store) == []
