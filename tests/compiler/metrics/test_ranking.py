"""Ranks against published values: Spearman's and the area under the curve."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.metrics.ranking import ranks, spearman
from compiler.metrics.table import METRICS

IQ = np.array([106, 100, 86, 101, 99, 103, 97, 113, 112, 110])
TELEVISION = np.array([7, 27, 2, 50, 28, 29, 20, 12, 6, 17])
"""The worked example that encyclopaedias give: rho = -29/165."""


def test_spearman_of_the_worked_example() -> None:
    assert spearman(IQ, TELEVISION) == pytest.approx(-29 / 165)


def test_equal_values_share_their_ranks() -> None:
    assert ranks(np.array([3, 1, 3, 0])).tolist() == [3.5, 2, 3.5, 1]
    assert spearman(np.ones(3), np.arange(3)) == 0


def test_similarity_pools_the_tokens_in_use() -> None:
    outputs = np.full((6, 3, 2), 99, np.float32)
    for i, angle in enumerate((0, 0.1, 0, 0.5, 0, 1.0)):
        outputs[i, :2] = [np.cos(angle), np.sin(angle)]
    labels = np.array([[2, 9], [2, 9], [2, 5], [2, 5], [2, 1], [2, 1]], float)
    assert METRICS["spearman"](outputs, labels) == pytest.approx(1)
    assert METRICS["spearman"](outputs[:5], labels[:5]) == pytest.approx(1)
    labels[:, 1] = -labels[:, 1]
    assert METRICS["spearman"](outputs, labels) == pytest.approx(-1)


def test_area_under_the_curve_counts_pairs() -> None:
    outputs, labels = np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1])
    assert METRICS["auc"](outputs, labels) == pytest.approx(0.75)
    assert METRICS["auc"](np.array([0.5, 0.5]), np.array([0, 1])) == 0.5
    assert METRICS["auc"](outputs, np.ones(4)) == 0.5
    assert METRICS["binary"](outputs.reshape(4, 1), labels) == 0.75
