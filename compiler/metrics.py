"""What a model is judged by: small functions of outputs and labels, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Metric = Callable[[Array, Array], float]
"""Outputs (samples, …) and labels (samples, …) to a number; more is better."""


class UnknownMetric(ValueError):
    """A metric that there isn't; the message lists those there are."""


def top1(outputs: Array, labels: Array) -> float:
    """The share of samples whose greatest score, the first of equals, is the label's. Scores (samples, …classes)."""
    return int(np.count_nonzero(predictions(outputs) == labels.reshape(-1))) / len(outputs)


def top5(outputs: Array, labels: Array) -> float:
    """The share of samples whose label is among the five greatest scores, earlier classes first among equals."""
    best = np.argsort(-_scores(outputs), axis=1, kind="stable")[:, :5]
    return int(np.count_nonzero((best == labels.reshape(-1, 1)).any(1))) / len(outputs)


def predictions(outputs: Array) -> Array:
    """The class of the greatest score of each sample, int64 (samples,)."""
    return np.argmax(_scores(outputs), axis=1)


def _scores(outputs: Array) -> Array:
    return outputs.reshape(len(outputs), -1)


METRICS: Mapping[str, Metric] = {"top1": top1, "top5": top5}
"""The metrics by name."""


def metric_named(name: str) -> Metric:
    """The metric of that name. Raises UnknownMetric."""
    if name not in METRICS:
        raise UnknownMetric(f"no metric {name!r}; there are {', '.join(METRICS)}")
    return METRICS[name]
