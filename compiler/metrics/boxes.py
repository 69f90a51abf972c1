"""Boxes: how many are found, and how well they lie. A box is its corners (x0, y0, x1, y1) in pixels of the input."""

from __future__ import annotations

from math import sqrt

import numpy as np

from compiler.metrics.metric import Array

NOTHING = np.zeros((0, 4))


def overlaps(boxes: Array, others: Array) -> Array:
    """Intersection over union of every box (n, 4) with every other (m, 4), float64 (n, m)."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(2)
    whole = _areas(boxes)[:, None] + _areas(others)[None] - common
    return np.divide(common, whole, out=np.zeros_like(common), where=whole > 0)


def _areas(boxes: Array) -> Array:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def stated(labels: Array) -> Array:
    """The boxes of one sample (most, 4), without those that are NaN; float64 (n, 4)."""
    return labels[~np.isnan(labels).any(1)].astype(np.float64)


def yolox(output: Array, strides: tuple[int, ...] = (8, 16, 32)) -> tuple[Array, Array]:
    """
    Boxes (n, 4) and scores (n,) of a YOLOX head (anchors, 5 + classes) of a square input (Ge et al., 2021).

    An anchor of a grid of `stride` pixels has an offset of its centre in strides, the logarithms of the extents in
    strides, and the probabilities of a thing and of each class.
    """
    rows = output.astype(np.float64)
    side = sqrt(len(rows) / sum(1 / stride**2 for stride in strides))
    corners, steps = list[Array](), list[Array]()
    for stride in strides:
        count = round(side / stride)
        y, x = np.divmod(np.arange(count * count), count)
        corners.append(np.stack([x, y], 1))
        steps.append(np.full((count * count, 1), stride))
    step = np.concatenate(steps)
    centre = (rows[:, :2] + np.concatenate(corners)) * step
    half = np.exp(np.clip(rows[:, 2:4], -20, 20)) * step / 2
    return np.concatenate([centre - half, centre + half], 1), rows[:, 4] * rows[:, 5:].max(1)


def suppressed(boxes: Array, scores: Array, least: float = 0.01, overlap: float = 0.45) -> tuple[Array, Array]:
    """The boxes with a score above `least` that no better one overlaps by more than `overlap`, best first."""
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] > least]
    chosen: list[int] = []
    while len(order):
        chosen.append(int(order[0]))
        beside = overlaps(boxes[order[:1]], boxes[order[1:]])[0]
        order = order[1:][beside <= overlap]
    return boxes[chosen], scores[chosen]


def average_precision(outputs: Array, labels: Array, at: float) -> float:
    """
    Area under precision over recall of a YOLOX head (samples, anchors, 5 + classes), all classes as one.

    `labels` (samples, most, 4). A box is right if it overlaps a stated one, that no better box took, by `at`; precision
    is made to fall as recall rises, as PASCAL VOC does since 2010 (Everingham et al.).
    """
    right, scores = list[Array](), list[Array]()
    for output, label in zip(outputs, labels, strict=True):
        found, score = suppressed(*yolox(output))
        right.append(_matched(found, stated(label), at))
        scores.append(score)
    wanted = sum(len(stated(label)) for label in labels)
    ranked = np.concatenate(right)[np.argsort(-np.concatenate(scores), kind="stable")]
    if not wanted or not len(ranked):
        return 0.0
    hits = np.cumsum(ranked)
    precision = np.maximum.accumulate((hits / np.arange(1, len(hits) + 1))[::-1])[::-1]
    return float(np.sum(precision * ranked) / wanted)


def _matched(found: Array, wanted: Array, at: float) -> Array:
    """Which of the boxes, best first, is the first to overlap what it overlaps most by `at`; bool."""
    made, taken = np.zeros(len(found), bool), set[int]()
    if not len(wanted):
        return made
    shared = overlaps(found, wanted)
    for i, nearest in enumerate(shared.argmax(1).tolist()):
        if shared[i, nearest] >= at and nearest not in taken:
            taken.add(nearest)
            made[i] = True
    return made


def harmonic_mean(found: list[Array], wanted: list[Array], at: float = 0.5) -> float:
    """2·p·r ÷ (p + r) of precision and recall, over all samples: 2·right ÷ (found + wanted); 1 if there is nothing."""
    right = sum(int(_matched(boxes, stated_, at).sum()) for boxes, stated_ in zip(found, wanted, strict=True))
    total = sum(map(len, found)) + sum(map(len, wanted))
    return 2 * right / total if total else 1.0
