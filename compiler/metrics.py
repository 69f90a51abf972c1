"""A model's own measure of accuracy: one small function a metric."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from compiler.results import Array

Metric = Callable[[Sequence[Array], Array], Array]
"""From the outputs (samples, …) in order and the labels (samples), a score from 0 to 1 for each sample."""


class UnknownMetric(ValueError):
    """A model's record names a metric that isn't there; the message lists those that are."""


def top1(outputs: Sequence[Array], labels: Array) -> Array:
    """1 where the greatest of the first output's values is at the label, the first of equals."""
    scores = outputs[0].reshape(len(labels), -1)
    return (scores.argmax(axis=1) == labels).astype(np.float64)


METRICS: Mapping[str, Metric] = {"top1": top1}


def metric_named(name: str) -> Metric:
    """The metric of that name. Raises UnknownMetric."""
    if name not in METRICS:
        raise UnknownMetric(f"no metric {name!r}; there are {', '.join(METRICS)}")
    return METRICS[name]
