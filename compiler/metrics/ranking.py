"""Orders: how well scores rank what is known to be more or less."""

from __future__ import annotations

import numpy as np

from compiler.metrics.metric import Array, Metric, mean_of


def ranks(values: Array) -> Array:
    """The place of each in ascending order, from 1; equal ones share the mean of theirs. float64 (n,)."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse.reshape(-1)]


def spearman(first: Array, second: Array) -> float:
    """Spearman's correlation (1904): Pearson's of the ranks; 0 where one has no order."""
    a, b = ranks(first), ranks(second)
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / size if size else 0.0


def similarity(outputs: Array, labels: Array) -> float:
    """
    How well the cosines of pairs of texts rank what people say of them (Spearman).

    Samples 2k and 2k + 1 are a pair: outputs (samples, tokens, width), of which the first tokens' mean is the text's
    vector. `labels` (samples, 2): the number of tokens, and the pair's likeness. A sample without its partner is out.
    """
    pairs = len(outputs) // 2
    vectors = np.stack(
        [output[: int(count)].astype(np.float64).mean(0) for output, count in zip(outputs, labels[:, 0], strict=True)]
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness = (vectors[0 : 2 * pairs : 2] * vectors[1 : 2 * pairs : 2]).sum(1)
    return spearman(likeness, labels[0 : 2 * pairs : 2, 1])


def area_under_curve(outputs: Array, labels: Array) -> float:
    """
    The chance that a sample of label 1 scores above one of label 0, half for equals (Hanley and McNeil, 1982).

    One score a sample; 0.5 where a label is missing.
    """
    truth = labels.reshape(-1) > 0
    ones = int(truth.sum())
    zeros = len(truth) - ones
    if not ones or not zeros:
        return 0.5
    above = ranks(outputs.reshape(-1))[truth].sum() - ones * (ones + 1) / 2
    return float(above / (ones * zeros))


def right_side(outputs: Array, labels: Array) -> Array:
    """1 where a probability is above one half just if the label is 1. One a sample."""
    return ((outputs.reshape(len(labels)) > 0.5) == (labels.reshape(-1) > 0)).astype(np.float64)


SPEARMAN = Metric(similarity)
AUC = Metric(area_under_curve, each=right_side)
BINARY = Metric(mean_of(right_side), each=right_side)
