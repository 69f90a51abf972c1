"""Boxes by hand: decoding, suppression, average precision, text out of a map."""

from __future__ import annotations

import math

import numpy as np
import pytest

from compiler.metrics.boxes import average_precision, harmonic_mean, overlaps, stated, suppressed, yolox
from compiler.metrics.table import METRICS
from compiler.metrics.text_boxes import boxes_of, connected

NAN = math.nan


def test_overlap_of_boxes() -> None:
    boxes = np.array([[0, 0, 2, 2], [5, 5, 5, 5]], float)
    others = np.array([[0, 0, 2, 2], [1, 0, 3, 2], [4, 4, 6, 6]], float)
    assert overlaps(boxes, others) == pytest.approx(np.array([[1, 1 / 3, 0], [0, 0, 0]]))


def head(*found: tuple[int, float, float, float, float, float]) -> np.ndarray:
    """A head of a 32-pixel input: 16 + 4 + 1 anchors, of which some say (anchor, dx, dy, log w, log h, score)."""
    rows = np.zeros((21, 6), np.float32)
    for anchor, dx, dy, wide, high, score in found:
        rows[anchor] = dx, dy, wide, high, score, 1
    return rows


def test_a_yolox_head_is_decoded_by_stride() -> None:
    boxes, scores = yolox(head((5, 0.5, 0.5, 0, math.log(2), 0.9), (20, 0.25, 0.5, 0, 0, 0.5)))
    assert boxes[5] == pytest.approx([8, 4, 16, 20])
    assert boxes[20] == pytest.approx([-8, 0, 24, 32])
    assert (scores[5], scores[20], scores[0]) == (pytest.approx(0.9), 0.5, 0)


def test_the_better_of_two_overlapping_boxes_stays() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 20, 30, 30], [0, 0, 1, 1]], float)
    kept, scores = suppressed(boxes, np.array([0.5, 0.9, 0.7, 0.001]))
    assert kept.tolist() == [[1, 0, 11, 10], [20, 20, 30, 30]]
    assert scores.tolist() == [0.9, 0.7]


def test_average_precision_by_hand() -> None:
    # Three boxes found, best first: right, wrong, right; of four stated: 1 at recall 1/4, then 2/3 at recall 2/4.
    right, wrong, late = (5, 0.5, 0.5, 0, 0, 0.9), (10, 0.5, 0.5, 0, 0, 0.8), (0, 0.5, 0.5, 0, 0, 0.7)
    labels = np.array([[[8, 8, 16, 16], [0, 0, 8, 8], [24, 0, 32, 8], [0, 24, 8, 32]]], np.float32)
    outputs = head(right, wrong, late)[None]
    assert average_precision(outputs, labels, 0.5) == pytest.approx((1 + 2 / 3) / 4)
    assert METRICS["ap50"](outputs, labels) == METRICS["ap75"](outputs, labels)


def test_a_stated_box_is_found_once_and_only_by_enough_overlap() -> None:
    twice = head((5, 0.5, 0.5, 0, 0, 0.9), (6, 0.5, 0.5, 0, 0, 0.8))[None]
    labels = np.array([[[8, 8, 16, 16], [NAN] * 4]], np.float32)
    assert average_precision(twice, labels, 0.5) == 1
    shifted = np.array([[[10, 8, 18, 16], [NAN] * 4]], np.float32)
    assert METRICS["ap50"](twice, shifted) == 1
    assert METRICS["ap75"](twice, shifted) == 0
    assert METRICS["ap50"](head()[None], labels) == 0


def test_parts_that_meet_by_an_edge_are_one() -> None:
    mask = np.array([[1, 0, 1, 0], [1, 1, 1, 0], [0, 0, 0, 1], [1, 0, 0, 1]], bool)
    assert connected(mask).tolist() == [[1, 0, 1, 0], [1, 1, 1, 0], [0, 0, 0, 2], [3, 0, 0, 2]]
    assert connected(np.ones((2, 3), bool)).tolist() == [[1, 1, 1], [1, 1, 1]]
    assert not connected(np.zeros((2, 3), bool)).any()


def test_text_is_grown_from_what_is_sure() -> None:
    page = np.zeros((40, 60), np.float32)
    page[10:20, 10:50] = 0.9
    page[30:34, 10:14] = 0.4
    page[0, 0] = 1
    grown = 10 * 40 * 1.6 / 100
    assert boxes_of(page) == pytest.approx(np.array([[10 - grown, 10 - grown, 50 + grown, 20 + grown]]))


def test_harmonic_mean_of_precision_and_recall() -> None:
    labels = np.array([[[3, 3, 57, 27], [0, 30, 20, 40]], [[NAN] * 4] * 2], np.float32)
    page = np.zeros((2, 1, 40, 60), np.float32)
    page[0, 0, 10:20, 10:50] = 0.9
    assert METRICS["hmean"](page, labels) == pytest.approx(2 / 3)
    assert METRICS["hmean"].each is not None
    assert METRICS["hmean"].each(page, labels).tolist() == pytest.approx([2 / 3, 1])
    assert harmonic_mean([np.zeros((0, 4))], [stated(labels[0])]) == 0
