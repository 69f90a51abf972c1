"""Integer rescaling against Python integers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.arithmetic.requantise import lookup, requantise, requantise_channels, rescale_add, rescale_mul
from tests.simulator.arithmetic import oracle
from tests.simulator.arithmetic.strategies import bytes_of

SEEDS = st.integers(0, 2**32 - 1)
STORED = st.sampled_from([np.int8, np.uint8])
WIDE = [2**31 - 1, -(2**31), 0, 1, -1, 2**24 + 1]


def limits(dtype: type[np.generic]) -> tuple[int, int]:
    found = np.iinfo(np.dtype(dtype).name)
    return int(found.min), int(found.max)


@given(SEEDS, STORED, st.sampled_from([(1, 3, 1, 1), (1, 1, 1, 1), (2, 3, 4, 5), (1, 3, 4, 1), (3, 1, 1), ()]))
def test_requantise(seed: int, dtype: type[np.generic], parameters: tuple[int, ...]) -> None:
    rng = np.random.default_rng(seed)
    shape = (2, 3, 4, 5)
    acc = rng.integers(-(2**31), 2**31, shape).astype(np.int32)
    acc[rng.random(shape) < 0.2] = rng.choice(WIDE)
    multiplier, shift = rng.integers(-(2**31) + 1, 2**31, parameters), rng.integers(0, 63, parameters)
    low, high = sorted(rng.integers(*limits(dtype), 2).tolist())
    zero = int(rng.integers(*limits(dtype)))
    made = requantise(acc, multiplier, shift, zero, float(low), float(high), dtype)
    assert made.dtype == dtype
    full = np.broadcast_arrays(acc, multiplier, shift)
    for index in np.ndindex(shape):
        a, m, s = (int(values[index]) for values in full)
        assert made[index] == oracle.requantise(a, m, s, zero, low, high)


def test_bias_joins_the_accumulator() -> None:
    acc = np.arange(6, dtype=np.int32).reshape(1, 2, 3, 1)
    bias = np.array([10, -10], np.int32).reshape(1, 2, 1, 1)
    made = requantise(acc, 1, 0, 0, -128, 127, np.int8, bias=bias)
    assert made.ravel().tolist() == [10, 11, 12, -7, -6, -5]


@given(SEEDS, STORED, STORED, STORED, st.sampled_from([((2, 3, 4), (2, 3, 4)), ((2, 3, 4), (1, 3, 1))]))
def test_sum_and_product(
    seed: int, left: type[np.generic], right: type[np.generic], dtype: type[np.generic],
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
) -> None:  # fmt: skip
    rng = np.random.default_rng(seed)
    a, b = bytes_of(rng, shapes[0], left), bytes_of(rng, shapes[1], right)
    za, zb, zy = (int(rng.integers(*limits(kind))) for kind in (left, right, dtype))
    ma, mb, shift = int(rng.integers(0, 2**15)), int(rng.integers(0, 2**15)), int(rng.integers(0, 40))
    multiplier = int(rng.integers(-(2**31) + 1, 2**31))
    low, high = limits(dtype)
    total = rescale_add(a, b, za, zb, ma, mb, shift, zy, low, high, dtype)
    product = rescale_mul(a, b, za, zb, multiplier, shift, zy, low, high, dtype)
    full = np.broadcast_arrays(a, b)
    for index in np.ndindex(full[0].shape):
        x, y = int(full[0][index]) - za, int(full[1][index]) - zb
        assert total[index] == oracle.requantise(x * ma + y * mb, 1, shift, zy, low, high)
        assert product[index] == oracle.requantise(x * y, multiplier, shift, zy, low, high)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_lookup_reads_the_raw_byte(dtype: type[np.generic]) -> None:
    raw = np.arange(256, dtype=np.uint8)
    table = np.random.default_rng(0).permutation(256).astype(np.uint8).reshape(1, 1, 1, 256)
    made = lookup(raw.view(dtype).reshape(2, 128).T, table)
    assert np.array_equal(made, table.reshape(-1)[raw.reshape(2, 128).T])
    made[0, 0] = 1
    real = np.random.default_rng(1).normal(0, 1, (1, 1, 1, 256)).astype(np.float32)
    found = lookup(raw.view(dtype).reshape(2, 128).T, real)
    assert found.dtype == np.float32
    assert all(found[i, j] == real[0, 0, 0, 128 * j + i] for i in range(128) for j in range(2))


@given(SEEDS, STORED)
def test_rows_of_channels_are_bias_multiplier_and_shift(seed: int, dtype: type[np.generic]) -> None:
    rng = np.random.default_rng(seed)
    acc = rng.integers(-(2**30), 2**30, (2, 3, 4, 5)).astype(np.int32)
    rows = np.stack([rng.integers(-99, 99, 3), rng.integers(-(2**31), 2**31, 3), rng.integers(0, 63, 3)], 1)
    rows = rows.astype(np.int32)
    low, high = limits(dtype)
    made = requantise_channels(acc, rows, 3, low, high, dtype)
    for index in np.ndindex(acc.shape):
        bias, multiplier, shift = (int(v) for v in rows[index[1]])
        assert made[index] == oracle.requantise(int(acc[index]) + bias, multiplier, shift, 3, low, high)
