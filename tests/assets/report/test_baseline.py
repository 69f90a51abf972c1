"""The baseline moves only as a whole, and what it names is never up for collection."""

import json
from pathlib import Path

import pytest

from assets.report import baseline
from assets.report.baseline import Accepted
from assets.report.documents import DamagedDocument
from compiler.build.collect import collect
from compiler.build.record import Shown
from compiler.build.store import Store
from tests.assets.report.test_compare import made


def accepted(store: Store, content: str) -> Accepted:
    return Accepted("today", {"profile": made(store, "profile", content, {}, cycles=1)})


def listed(store: Store) -> list[str]:
    return json.loads(store.load("roots/baseline.json") or b"[]")


def test_accepting_moves_some_partitions_and_leaves_the_others(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first, second, third = (accepted(store, name) for name in "abc")
    baseline.move(store, {"m/t": first, "n/t": second})
    baseline.move(store, {"n/t": third})
    assert baseline.load(store) == {"m/t": first, "n/t": third}
    assert set(listed(store)) == {first.built["profile"].key, third.built["profile"].key}
    baseline.move(store, {}, ["m/t"])
    assert list(baseline.load(store)) == ["n/t"]


def test_accepted_records_survive_collection(tmp_path: Path) -> None:
    store = Store(tmp_path)
    kept, gone = accepted(store, "kept"), accepted(store, "gone")
    baseline.move(store, {"m/t": kept})
    collect(store, unused=True, recent=0)
    assert store.get(kept.built["profile"].key)
    assert store.get(gone.built["profile"].key) is None


def test_an_interrupted_move_leaves_old_and_new_records_protected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    old, new = accepted(store, "old"), accepted(store, "new")
    baseline.move(store, {"m/t": old})
    save = Store.save

    def interrupted(self: Store, name: str, text: bytes) -> None:
        if name == baseline.PLACE:
            raise KeyboardInterrupt
        save(self, name, text)

    monkeypatch.setattr(Store, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        baseline.move(store, {"m/t": new})
    assert baseline.load(store) == {"m/t": old}
    assert set(listed(store)) == {old.built["profile"].key, new.built["profile"].key}


def test_a_damaged_baseline_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save(baseline.PLACE, b"{")
    with pytest.raises(DamagedDocument, match=r"baseline\.json"):
        baseline.load(store)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    store = Store(tmp_path)
    held = {"m/t": Accepted("now", {"profile": Shown("k", "o")})}
    assert baseline.move(store, held) == baseline.load(store) == held
