"""What a partition shows, and the figures in its records."""

import math
from collections.abc import Mapping

from assets.report.metrics import METRICS
from compiler.build.record import Shown
from compiler.build.store import Store

Built = Mapping[str, Shown]
"""What a partition showed at some time, by stage."""

Figures = Mapping[str, float]
"""Values by metric; a metric that does not apply is not there."""


def figures_of(store: Store, built: Built) -> Figures:
    """Every metric that the records hold; `seconds` is what making all of them took, whenever that was."""
    found: dict[str, float] = {}
    for metric in METRICS:
        if metric.stage is None:
            spent = [value for made in built.values() if (value := value_of(store, made, metric.field)) is not None]
            if spent:
                found[metric.name] = math.fsum(spent)
        elif metric.stage in built:
            value = value_of(store, built[metric.stage], metric.field)
            if value is not None:
                found[metric.name] = value
    return found


def value_of(store: Store, made: Shown, field: str) -> float | None:
    """A number of the record's metadata; None if there is none, or the record has been collected."""
    record = store.get(made.key)
    value = record.metadata.get(field) if record else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
