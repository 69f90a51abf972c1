"""The metrics on scores by hand."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.metrics.classes import predictions
from compiler.metrics.table import METRICS, UnknownMetric, metric_named

SCORES = np.array([[0, 2, 1, 0, 0, 0, 0], [5, 0, 5, 1, 2, 3, 4], [0, 0, 0, 0, 0, 0, 1]], np.float32)


def test_top1_takes_the_first_of_equal_scores() -> None:
    assert predictions(SCORES).tolist() == [1, 0, 6]
    assert metric_named("top1")(SCORES, np.array([1, 2, 6])) == pytest.approx(2 / 3)


def test_top5_takes_the_five_best() -> None:
    assert metric_named("top5")(SCORES, np.array([6, 3, 3])) == pytest.approx(1 / 3)
    assert metric_named("top5")(SCORES, np.array([0, 4, 0])) == 1


def test_scores_may_have_further_axes() -> None:
    assert METRICS["top1"](SCORES.reshape(3, 7, 1, 1), np.array([[1], [0], [6]])) == 1


def test_several_classes_may_be_right() -> None:
    labels = np.array([[3, 1], [6, -1], [6, -1]])
    assert METRICS["top1"](SCORES, labels) == pytest.approx(2 / 3)
    assert METRICS["top5"](SCORES, np.array([[0, -1], [1, -1], [6, -1]])) == pytest.approx(2 / 3)


def test_an_unknown_metric_lists_those_there_are() -> None:
    with pytest.raises(UnknownMetric, match="'top9'; there are top1, top5"):
        metric_named("top9")
