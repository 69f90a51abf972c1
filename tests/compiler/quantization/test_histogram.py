"""Histograms that grow: the counts are those of one histogram over the final range."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.quantization.histogram import Histogram

BINS = 256
VALUES = st.lists(st.floats(-1e6, 1e6, width=32) | st.just(0.0), min_size=1, max_size=30)


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_counts_do_not_depend_on_the_order_of_ranges(parts: list[list[float]]) -> None:
    arrays = [np.array(part, np.float32) for part in parts]
    grown = Histogram(BINS)
    for array in arrays:
        grown.add(array)
    whole = np.concatenate(arrays).astype(np.float64)
    assert (grown.low, grown.high) == (whole.min(), whole.max())
    size = np.abs(whole[whole != 0])
    assert grown.counts.sum() == size.size
    if size.size and grown.exponent is not None:
        top = 2.0**grown.exponent
        assert top / 2 <= size.max() < top
        expected = np.bincount((size / top * BINS).astype(np.int64), minlength=BINS)
        assert np.array_equal(grown.counts, expected)
        assert grown.edges[-1] == top


def test_zeros_alone_have_no_range() -> None:
    histogram = Histogram(BINS)
    histogram.add(np.zeros((2, 3), np.float32))
    assert (histogram.magnitude, histogram.exponent, histogram.counts.sum()) == (0.0, None, 0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_and_not_counted(bad: float) -> None:
    histogram = Histogram(BINS)
    with pytest.raises(ValueError, match="finite"):
        histogram.add(np.array([1, bad], np.float32))
    assert histogram.counts.sum() == 0


@pytest.mark.parametrize("bins", [0, 255, 257])
def test_bins_that_cannot_be_merged_are_refused(bins: int) -> None:
    with pytest.raises(ValueError, match="even number"):
        Histogram(bins)
