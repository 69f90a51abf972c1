"""What counts as a change, in which stage it began, and what is never judged."""

import math
from pathlib import Path
from typing import Any

import pytest

from assets.report.compare import compare
from assets.report.metrics import METRICS
from compiler.build import hashes
from compiler.build.record import Shown, head_of, written
from compiler.build.store import Store

BY_NAME = {metric.name: metric for metric in METRICS}
FLOW = ["lg_mlir", "sample_model", "profile", "comparison", "accuracy"]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def made(store: Store, stage: str, content: str, params: dict[str, Any], **figures: float) -> Shown:
    """A record of a stage whose one file has that content."""
    recipe = {"stage": stage, "code": {}, "params": params, "inputs": {}}

    def make(out: Path) -> dict[str, float]:
        (out / stage).write_text(content)
        return figures

    record = store.build(hashes.of_value([recipe, content, figures]), recipe, make)
    head = head_of(record.text)
    assert head is not None
    store.save(f"records/{record.key}.jsonl", written(head, recipe, {**record.metadata, **figures}))
    return Shown(record.key, record.ref.hash)


@pytest.mark.parametrize(
    ("name", "before", "after", "verdict"),
    [
        ("cycles", 1000, 1010, "same"),
        ("cycles", 1000, 1011, "worse"),
        ("cycles", 1000, 989, "better"),
        ("accuracy", 0.91, 0.9085, "same"),
        ("accuracy", 0.91, 0.907, "worse"),
        ("accuracy", 0.91, math.nan, "worse"),
        ("sqnr_db", math.inf, math.inf, "same"),
        ("sqnr_db", math.inf, 40.0, "worse"),
        ("sqnr_db", 40.0, 40.6, "better"),
        ("seconds", 0.2, 9.9, "same"),
        ("seconds", 30.0, 44.0, "same"),
        ("seconds", 30.0, 45.5, "worse"),
    ],
)
def test_a_change_counts_beyond_its_tolerance(name: str, before: float, after: float, verdict: str) -> None:
    assert BY_NAME[name].verdict(before, after) == verdict


def test_a_regression_names_the_first_stage_whose_output_changed_and_why(store: Store) -> None:
    before = {
        "lg_mlir": made(store, "lg_mlir", "tiles", {"effort": 2}),
        "sample_model": made(store, "sample_model", "bytes", {}, model_bytes=100),
        "profile": made(store, "profile", "slow", {}, cycles=1000, ddr_bytes=50),
    }
    after = {
        "lg_mlir": made(store, "lg_mlir", "other tiles", {"effort": 1}),
        "sample_model": made(store, "sample_model", "other bytes", {}, model_bytes=100),
        "profile": made(store, "profile", "slower", {}, cycles=1100, ddr_bytes=40),
    }
    found = compare(store, "m/x64-int8", before, after, FLOW)
    assert [(it.metric.name, it.verdict, it.stage) for it in found.changes] == [
        ("cycles", "worse", "lg_mlir"),
        ("ddr_bytes", "better", "lg_mlir"),
    ]
    assert found.changes[0].text == (
        "m/x64-int8 cycles: 1,000 → 1,100 (+10.0%), first changed in lg_mlir: parameter effort: 2 → 1"
    )


def test_seconds_count_only_where_a_stage_was_made_anew(store: Store) -> None:
    slow = made(store, "lg_mlir", "tiles", {}, seconds=30.0)
    fast = made(store, "profile", "p", {"mode": 1}, seconds=1.0)
    again = made(store, "profile", "p", {"mode": 2}, seconds=19.0)
    before = {"lg_mlir": slow, "profile": fast}
    same = compare(store, "m/t", before, before, FLOW)
    assert (same.compared, same.changes) == (["seconds"], [])
    [change] = compare(store, "m/t", before, {"lg_mlir": slow, "profile": again}, FLOW).changes
    assert (change.before, change.after, change.stage) == (1.0, 19.0, "profile")


def test_a_figure_that_is_gone_is_a_regression(store: Store) -> None:
    before, after = made(store, "accuracy", "a", {}, accuracy=0.9), made(store, "accuracy", "b", {})
    [change] = compare(store, "m/t", {"accuracy": before}, {"accuracy": after}, FLOW).changes
    assert (change.verdict, change.after) == ("worse", None)
    assert "0.9000 → – (gone)" in change.text


def test_a_stage_that_was_not_reached_and_a_record_that_was_collected_are_not_judged(store: Store) -> None:
    before = {
        "profile": made(store, "profile", "p", {}, cycles=10),
        "accuracy": made(store, "accuracy", "a", {}, accuracy=0.9),
    }
    store.drop(f"records/{before['profile'].key}.jsonl")
    found = compare(store, "m/t", before, {"profile": made(store, "profile", "q", {}, cycles=99)}, FLOW)
    assert (found.lost, found.compared, found.changes) == (["profile"], [], [])
