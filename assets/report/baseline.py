"""
What a night is held against: the records that were accepted, by partition.

    <root>/.store/baseline.json        {partition: {accepted, stages: {stage: {key, object}}}}
    <root>/.store/roots/baseline.json  the keys in it, which `tpuflow store gc` leaves alone
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from assets.report import documents
from assets.report.built import Built
from compiler.build.record import Shown
from compiler.build.store import Store

PLACE = "baseline.json"
ROOTS = "roots/baseline.json"


@dataclass(frozen=True)
class Accepted:
    """What a partition showed when somebody accepted it, and when that was (UTC, ISO 8601)."""

    when: str
    built: Built


Baseline = Mapping[str, Accepted]
"""By partition, `<model>/<target>`."""


def load(store: Store) -> Baseline:
    """The accepted records; empty before the first `tpuflow baseline accept`. Raises DamagedDocument."""
    held: Mapping[str, Any] = documents.read(store, PLACE) or {}
    return {partition: _accepted(entry) for partition, entry in held.items()}


def move(store: Store, fresh: Baseline, gone: Collection[str] = ()) -> Baseline:
    """
    Accept the partitions of `fresh`, drop those of `gone`, leave the others; the baseline as it is then.

    The collector's list is widened before and narrowed after: at no moment is an accepted record up for collection.
    """
    with store.locked("baseline"):
        before = load(store)
        after = {name: held for name, held in {**before, **fresh}.items() if name not in gone}
        documents.write(store, ROOTS, sorted(_keys(before) | _keys(after)))
        documents.write(store, PLACE, {name: _plain(held) for name, held in after.items()})
        documents.write(store, ROOTS, sorted(_keys(after)))
    return after


def _keys(baseline: Baseline) -> set[str]:
    return {made.key for held in baseline.values() for made in held.built.values()}


def _accepted(entry: Mapping[str, Any]) -> Accepted:
    return Accepted(entry["accepted"], {stage: Shown(**made) for stage, made in entry["stages"].items()})


def _plain(held: Accepted) -> dict[str, Any]:
    return {"accepted": held.when, "stages": {stage: made._asdict() for stage, made in held.built.items()}}
