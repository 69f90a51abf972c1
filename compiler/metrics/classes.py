"""Classifiers: which class has the greatest score."""

from __future__ import annotations

import numpy as np

from compiler.metrics.metric import Array, Metric, mean_of

ABSENT = -1
"""Fills up the labels of a sample that fewer classes are right for."""


def right_first(outputs: Array, labels: Array) -> Array:
    """1 where the class of the greatest score, the first of equals, is (one of) the label's. Scores (samples, …)."""
    return (predictions(outputs)[:, None] == _labels(labels)).any(1).astype(np.float64)


def right_of_five(outputs: Array, labels: Array) -> Array:
    """1 where a label is among the five greatest scores, earlier classes first among equals."""
    best = np.argsort(-_scores(outputs), axis=1, kind="stable")[:, :5]
    return (best[:, :, None] == _labels(labels)[:, None]).any((1, 2)).astype(np.float64)


def predictions(outputs: Array) -> Array:
    """The class of the greatest score of each sample, int64 (samples,)."""
    return np.argmax(_scores(outputs), axis=1)


def _scores(outputs: Array) -> Array:
    return outputs.reshape(len(outputs), -1)


def _labels(labels: Array) -> Array:
    """(samples, most): a sample may have several right classes, -1 where it has fewer."""
    return labels.reshape(len(labels), -1)


TOP1 = Metric(mean_of(right_first), each=right_first, classes=True)
TOP5 = Metric(mean_of(right_of_five), each=right_of_five, classes=True)
