"""Text found by a map of probabilities, as DB does (Liao et al., 2020), with upright boxes."""

from __future__ import annotations

import numpy as np

from compiler.metrics.boxes import NOTHING, harmonic_mean, stated
from compiler.metrics.metric import Array, Metric

INK, SURE, GROWN, LEAST = 0.3, 0.6, 1.6, 10
"""Least probability of a pixel, least mean of a box, how far a box grows (area ÷ perimeter), least pixels."""


def boxes_of(probabilities: Array) -> Array:
    """Boxes (n, 4) of the connected parts of a map (h, w), grown as DB was trained to shrink them."""
    parts = connected(probabilities > INK)
    made: list[tuple[float, ...]] = []
    for label in range(1, int(parts.max(initial=0)) + 1):
        y, x = np.nonzero(parts == label)
        if len(y) < LEAST or probabilities[y, x].mean() < SURE:
            continue
        x0, y0, x1, y1 = int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1
        grown = (x1 - x0) * (y1 - y0) * GROWN / (2 * (x1 - x0 + y1 - y0))
        made.append((x0 - grown, y0 - grown, x1 + grown, y1 + grown))
    return np.array(made) if made else NOTHING


def connected(mask: Array) -> Array:
    """The number, from 1, of the part that each pixel (h, w) is of, 0 outside: neighbours share an edge."""
    parts = np.zeros(mask.shape, np.int64)
    parents: list[int] = [0]

    def root(label: int) -> int:
        while parents[label] != label:
            label = parents[label]
        return label

    for y, row in enumerate(mask):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], row, [False]]).astype(np.int8)))
        for start, stop in edges.reshape(-1, 2).tolist():
            above = (
                {root(label) for label in np.unique(parts[y - 1, start:stop]).tolist() if label} if y else set[int]()
            )
            label = min(above, default=len(parents))
            if not above:
                parents.append(label)
            for other in above:
                parents[other] = label
            parts[y, start:stop] = label
    roots = np.array([root(label) for label in range(len(parents))])
    return np.unique(roots[parts], return_inverse=True)[1].reshape(mask.shape) + (0 if (~mask).any() else 1)


def _found(outputs: Array) -> list[Array]:
    return [boxes_of(output.reshape(output.shape[-2:])) for output in outputs]


def hmean(outputs: Array, labels: Array) -> float:
    """The harmonic mean of precision and recall at half overlap; maps (samples, 1, h, w), boxes (samples, most, 4)."""
    return harmonic_mean(_found(outputs), [stated(label) for label in labels])


def each(outputs: Array, labels: Array) -> Array:
    """The same, page by page."""
    return np.array([hmean(outputs[i : i + 1], labels[i : i + 1]) for i in range(len(outputs))])


HMEAN = Metric(hmean, each=each)
