"""
How near a quantised model's results are to the float model's: the measures of `bench quant`.

Each takes results by name in the model's order, samples on the first axis, of float and of quantised, and what is known
of the samples.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from assets.zoo.datasets.text_words import RECOGNISER, WHEEL
from assets.zoo.packages import member
from compiler.metrics.boxes import overlaps

Array = NDArray[Any]
Results = Mapping[str, Array]
Score = Callable[[Results, Results, Array | None], Mapping[str, float]]

EXACT_DB = 999.0
"""Stands for no error at all, which has no decibels."""

BOXES = 4
"""Rows of the detector's result that are centre and size; the others are scores."""

LEAST, SUPPRESSED, SAME = 0.25, 0.45, 0.5
"""A detection's score at least; overlap of two of a class of which the worse goes, and of two that are the same."""


@dataclass(frozen=True)
class Detections:
    """Boxes (n, 4) as corners, and the class of each (n,), best first."""

    boxes: Array
    classes: Array


def sqnr_db(exact: Array, other: Array) -> float:
    """10·log10(Σ exact² ÷ Σ (exact − other)²) over all samples at once."""
    wanted = exact.astype(np.float64)
    error = float(((wanted - other.reshape(exact.shape)) ** 2).sum())
    return 10 * float(np.log10((wanted**2).sum() / error)) if error else EXACT_DB


def classified(exact: Results, other: Results, labels: Array | None) -> Mapping[str, float]:
    """Of logits (samples, classes): how often both name the same class, and the right one where it is known."""
    wanted, got = _last(exact), _last(other)
    made = {"sqnr_db": sqnr_db(wanted, got), "top1_agreement": _share(wanted.argmax(-1) == got.argmax(-1))}
    return made if labels is None else made | {"accuracy": _share(got.argmax(-1) == labels)}


def read(exact: Results, other: Results, labels: Array | None) -> Mapping[str, float]:
    """Of CTC probabilities (samples, steps, characters): how often both read the same text, and the right one."""
    wanted, got = _last(exact), _last(other)
    texts, others = ([_text(row) for row in rows.argmax(-1)] for rows in (wanted, got))
    made = {"sqnr_db": sqnr_db(wanted, got), "text_equal": _share(np.array(texts) == np.array(others))}
    return made if labels is None else made | {"accuracy": _share(np.array(others) == labels)}


def embedded(exact: Results, other: Results, labels: Array | None) -> Mapping[str, float]:
    """Of embeddings (samples, features): how often both find the same other sample nearest by the angle."""
    wanted, got = _last(exact), _last(other)
    hidden = sqnr_db(next(iter(exact.values())), next(iter(other.values())))
    agreement = _share(_nearest(wanted) == _nearest(got))
    return {"sqnr_db": sqnr_db(wanted, got), "nn1_agreement": agreement, "hidden_sqnr_db": hidden}


def detected(exact: Results, other: Results, labels: Array | None) -> Mapping[str, float]:
    """
    Of YOLOv8's head (samples, 4 + classes, anchors): SQNR of the scores and of the boxes, and F1 of the detections.

    A detection is right if float has one of the same class that it overlaps by SAME and that no better one took.
    """
    wanted, got = _last(exact), _last(other).reshape(_last(exact).shape)
    right = total = 0
    for one, two in zip(wanted, got, strict=True):
        stated, found = detections(one), detections(two)
        right, total = right + _matched(stated, found), total + len(stated.classes) + len(found.classes)
    return {
        "sqnr_db": sqnr_db(wanted[:, BOXES:], got[:, BOXES:]),
        "boxes_sqnr_db": sqnr_db(wanted[:, :BOXES], got[:, :BOXES]),
        "detections_f1": 2 * right / total if total else 1.0,
    }


def detections(head: Array) -> Detections:
    """What one sample's head (4 + classes, anchors) finds, each class suppressed by itself."""
    centre, half, scores = head[:2].T, head[2:BOXES].T / 2, head[BOXES:]
    boxes, classes, best = np.concatenate([centre - half, centre + half], 1), scores.argmax(0), scores.max(0)
    order = np.argsort(-best, kind="stable")
    kept = list[int]()
    for i in order[best[order] > LEAST]:
        alike = [j for j in kept if classes[j] == classes[i]]
        if not alike or overlaps(boxes[[i]], boxes[alike]).max() < SUPPRESSED:
            kept.append(int(i))
    return Detections(boxes[kept], classes[kept])


def _matched(stated: Detections, found: Detections) -> int:
    """How many of the stated ones are found; each found one counts once."""
    shares = overlaps(stated.boxes, found.boxes) * (stated.classes[:, None] == found.classes[None])
    right, free = 0, np.ones(len(found.classes), bool)
    for row in shares:
        best = int(np.argmax(row * free)) if free.any() else -1
        if best >= 0 and row[best] * free[best] >= SAME:
            free[best] = False
            right += 1
    return right


def _nearest(rows: Array) -> Array:
    alike = (unit := rows / np.linalg.norm(rows, axis=-1, keepdims=True)) @ unit.T
    np.fill_diagonal(alike, -np.inf)
    return alike.argmax(1)


def _text(numbers: Array) -> str:
    """Runs joined, blanks left out (Graves et al., 2006)."""
    kept = [int(n) for i, n in enumerate(numbers) if n and (i == 0 or numbers[i - 1] != n)]
    return "".join(_characters()[n] for n in kept).strip()


@cache
def _characters() -> list[str]:
    """The recogniser's characters by number: the blank, those that its file lists, the space."""
    held = onnx.load_model_from_string(member(WHEEL, RECOGNISER))
    listed = next(entry.value for entry in held.metadata_props if entry.key == "character")
    return ["", *listed.splitlines(), " "]


def _last(results: Results) -> Array:
    return list(results.values())[-1].astype(np.float64)


def _share(right: Array) -> float:
    return float(np.mean(right))
