"""Resampling against the definition, one number at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.arithmetic.resampling import resample

KINDS = [np.float32, np.float16, np.int8, np.uint8, np.int32]


@given(st.data(), st.sampled_from(KINDS), st.sampled_from([2, 3]), st.integers(0, 99))
def test_each_result_is_the_sum_of_its_taps(data: st.DataObject, kind: type[np.generic], axis: int, seed: int) -> None:
    rng, first, zx = np.random.default_rng(seed), data.draw(st.integers(0, 3)), data.draw(st.integers(-3, 3))
    taps, length = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 5))
    x = (rng.normal(0, 40, (2, 2, 4, 5))).astype(kind)
    starts = rng.integers(0, x.shape[axis] - taps + 1, length)
    weights = (rng.normal(0, 2, (length, taps)) * rng.choice([0, 1], (length, taps), p=[0.2, 0.8])).astype(np.float32)
    whole = np.dtype(kind).kind in "iu"
    stored = (weights * 100).astype(np.int32) if whole else weights.view(np.int32)
    table = np.column_stack([(starts + first).astype(np.int32), stored])
    made = resample("sum", x, table, axis=axis, first=first, zx=zx if whole else 0)
    for place in np.ndindex(made.shape):
        total = np.int32(0) if whole else np.float32(0)
        for t in range(taps):
            source = list(place)
            source[axis] = int(starts[place[axis]]) + t
            weight = (stored if whole else weights)[place[axis], t]
            if weight != 0:
                value = np.int32(int(x[tuple(source)]) - zx) if whole else np.float32(x[tuple(source)])
                total = total + weight * value
        assert made[place] == total
    assert made.dtype == (np.int32 if whole else np.float32)


def test_picked_values_keep_their_bits_and_weightless_taps_may_lie_outside() -> None:
    x = np.array([np.nan, -0.0, 7.0], np.float16).reshape(1, 1, 3, 1)
    picked = resample("pick", x, np.array([[2], [0], [1]], np.int32), axis=2)
    assert picked.tobytes() == x[:, :, [2, 0, 1]].tobytes()
    weights = np.array([[0.0, 1.0], [1.0, 0.0]], np.float32).view(np.int32)
    table = np.column_stack([np.array([-1, 2], np.int32), weights])
    assert resample("sum", np.full((1, 1, 3, 1), 5, np.float32), table, axis=2).ravel().tolist() == [5.0, 5.0]


def test_an_index_outside_is_an_error() -> None:
    with pytest.raises(IndexError, match="index 3 to 3 of 3"):
        resample("pick", np.zeros((1, 1, 3, 1), np.int8), np.array([[3]], np.int32), axis=2)
