"""A partition held against its baseline: which figures moved, and in which stage it began."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assets.report.built import Built, value_of
from assets.report.metrics import METRICS, Metric, Verdict
from compiler.build.explain import differences
from compiler.build.store import Store


@dataclass(frozen=True)
class Change:
    """
    A figure that moved by more than its tolerance.

    `stage` is the first whose artifact changed, in the order of the flow (for seconds: the one that lost or gained
    most), `because` what is different in its recipe. `after` None: the figure is gone.
    """

    partition: str
    metric: Metric
    before: float
    after: float | None
    verdict: Verdict
    stage: str
    because: str

    @property
    def text(self) -> str:
        """One line with all of it."""
        moved = self.metric.change(self.before, self.after)
        return (
            f"{self.partition} {self.metric.name}: {self.metric.text(self.before)} → "
            f"{self.metric.text(self.after)}{self.metric.suffix} ({moved}), first changed in {self.stage}"
            + (f": {self.because}" if self.because else "")
        )


@dataclass(frozen=True)
class Comparison:
    """What came of one partition: metrics that were compared, those that moved, stages whose records are lost."""

    compared: Sequence[str] = ()
    changes: Sequence[Change] = ()
    lost: Sequence[str] = field(default=())


def compare(store: Store, partition: str, before: Built, after: Built, flow: Sequence[str]) -> Comparison:
    """
    Hold `after` against `before`, metric by metric; stages that `after` does not have are not compared.

    A record of the baseline that is no longer in the store is named in `lost`: nothing is judged by it.
    """
    both = [stage for stage in flow if stage in before and stage in after]
    lost = [stage for stage in both if store.get(before[stage].key) is None]
    usable = [stage for stage in both if stage not in lost]
    first = next((stage for stage in usable if before[stage].object != after[stage].object), None)
    compared: list[str] = []
    changes: list[Change] = []
    for metric in METRICS:
        pair = _pair(store, metric, before, after, usable)
        if pair is None:
            continue
        compared.append(metric.name)
        verdict: Verdict = "worse" if pair[1] is None else metric.verdict(pair[0], pair[1])
        if verdict != "same":
            stage = first if metric.stage else _heaviest(store, before, after, usable)
            because = _because(store, before, after, stage) if stage else ""
            changes.append(Change(partition, metric, pair[0], pair[1], verdict, stage or "no stage", because))
    return Comparison(compared, changes, lost)


def _pair(
    store: Store, metric: Metric, before: Built, after: Built, usable: Sequence[str]
) -> tuple[float, float | None] | None:
    """The figure before and now; None if there is nothing to compare."""
    if metric.stage is None:
        spent = _spent(store, before, after, usable)
        return (math.fsum(a for a, _ in spent.values()), math.fsum(b for _, b in spent.values())) if usable else None
    if metric.stage not in usable:
        return None
    was = value_of(store, before[metric.stage], metric.field)
    return None if was is None else (was, value_of(store, after[metric.stage], metric.field))


def _spent(store: Store, before: Built, after: Built, usable: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Seconds of the stages that were made anew: an old record has the old time, which says nothing of today."""
    found: dict[str, tuple[float, float]] = {}
    for stage in usable:
        if before[stage].key != after[stage].key:
            was, now = (value_of(store, side[stage], "seconds") for side in (before, after))
            if was is not None and now is not None:
                found[stage] = was, now
    return found


def _heaviest(store: Store, before: Built, after: Built, usable: Sequence[str]) -> str | None:
    spent = _spent(store, before, after, usable)
    return max(spent, key=lambda stage: abs(spent[stage][1] - spent[stage][0]), default=None)


def _because(store: Store, before: Built, after: Built, stage: str) -> str:
    """What is different in the stage's recipe, the first few entries."""
    was, now = store.get(before[stage].key), store.get(after[stage].key)
    if was is None or now is None:
        return ""
    found = differences(_with_code(store, was.recipe), _with_code(store, now.recipe))
    more = [f"and {len(found) - 3} more"] if len(found) > 3 else []
    return "; ".join([*found[:3], *more])


def _with_code(store: Store, recipe: Mapping[str, Any]) -> Mapping[str, Any]:
    """A recipe with its source files' hashes in place of their digest."""
    return {**recipe, "code": store.code(recipe["code"]) if recipe.get("code") else {}}
