"""Histograms that grow: the counts are those of one histogram over the final range."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.quantization.histogram import LEAST, Histogram, load, save

BINS = 256
SIZES = st.floats(2.0**-60, 1e6, width=32)
VALUES = st.lists(SIZES | SIZES.map(lambda size: -size) | st.just(0.0), min_size=1, max_size=30)


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_counts_do_not_depend_on_the_order_of_ranges(parts: list[list[float]]) -> None:
    arrays = [np.array(part, np.float32) for part in parts]
    grown = Histogram(BINS)
    for array in arrays:
        grown.add(array)
    whole = np.concatenate(arrays).astype(np.float64)
    assert (grown.low, grown.high) == (whole.min(), whole.max())
    some = whole[whole != 0]
    assert grown.counts.sum() == some.size
    if some.size and grown.exponent is not None:
        top = 2.0**grown.exponent
        assert top / 2 <= np.abs(some).max() < top
        expected = np.bincount(np.floor(some / top * BINS).astype(np.int64) + BINS, minlength=2 * BINS)
        assert np.array_equal(grown.counts, expected)
        assert grown.edges[-1] == top
        assert grown.magnitudes.sum() == some.size


def test_long_arrays_are_counted_whole(tmp_path: Path) -> None:
    """Blocks and what is left over behind them, zeros among them; and the same back from a file."""
    x = np.random.default_rng(4).normal(size=5 * 1024 + 7).astype(np.float32)
    x[::3] = 0
    histogram = Histogram(BINS)
    histogram.add(x)
    top = 2.0 ** (histogram.exponent or 0)
    assert np.array_equal(histogram.counts, np.histogram(x[x != 0], 2 * BINS, (-top, top))[0])
    save(tmp_path / "histograms.npz", {"a": histogram, "b": Histogram(BINS)})
    again = load(tmp_path / "histograms.npz")["a"]
    assert np.array_equal(again.counts, histogram.counts)
    assert (again.low, again.high, again.exponent) == (histogram.low, histogram.high, histogram.exponent)


def test_zeros_alone_have_no_range() -> None:
    histogram = Histogram(BINS)
    histogram.add(np.zeros((2, 3), np.float32))
    assert (histogram.magnitude, histogram.exponent, histogram.counts.sum()) == (0.0, None, 0)


def test_numbers_too_small_for_any_scale_stay_in_the_innermost_bins() -> None:
    histogram = Histogram(BINS)
    histogram.add(np.array([1e-38, 2e-45, 1e-30], np.float32))
    assert (histogram.exponent, histogram.counts[BINS], histogram.counts.sum()) == (LEAST, 3, 3)


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
