"""Sequences by hand, and edit distances against a plain recursion."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.metrics.sequences import by_ctc, edits, to_end
from compiler.metrics.table import METRICS

WORDS = st.lists(st.integers(0, 3), max_size=6)


def scores(*samples: list[int]) -> np.ndarray:
    """Scores (samples, steps, 6) whose greatest are these symbols."""
    return np.eye(6, dtype=np.float32)[np.array(samples)]


@given(WORDS, WORDS)
def test_edits_are_the_fewest(first: list[int], second: list[int]) -> None:
    @cache
    def fewest(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        same = fewest(i - 1, j - 1) + (first[i - 1] != second[j - 1])
        return min(same, fewest(i - 1, j) + 1, fewest(i, j - 1) + 1)

    assert edits(first, second) == fewest(len(first), len(second))


def test_ctc_drops_repeats_and_blanks() -> None:
    assert by_ctc(np.array([0, 2, 2, 0, 2, 3, 3, 0])) == [2, 2, 3]
    assert by_ctc(np.array([5, 5, 5])) == [5]
    assert by_ctc(np.array([0, 0])) == []


def test_symbols_end_at_the_end() -> None:
    assert to_end(np.array([4, 5, 3, 4])) == [4, 5]
    assert to_end(np.array([4, 5])) == [4, 5]


def test_text_is_exact_or_not_and_its_characters_count() -> None:
    outputs = scores([1, 0, 2, 2, 0], [1, 1, 0, 0, 4])
    labels = np.array([[1, 2, -1], [1, 2, 4]])
    assert METRICS["text_exact"](outputs, labels) == 0.5
    assert METRICS["characters"](outputs, labels) == pytest.approx(1 - 1 / 5)
    assert METRICS["text_exact"].keep(outputs).shape == (2, 5)


def test_the_nearest_way_to_say_a_word_counts() -> None:
    outputs = scores([4, 5, 3, 0], [5, 5, 5, 3])
    labels = np.array([[[4, 4, -1], [4, 5, -1]], [[5, 4, 5], [-1, -1, -1]]])
    assert METRICS["words"](outputs, labels) == 0.5
    assert METRICS["phonemes"](outputs, labels) == pytest.approx(1 - 1 / 5)
