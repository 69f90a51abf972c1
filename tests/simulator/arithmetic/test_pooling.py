"""Pooling and reductions against one element after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulator.arithmetic.casts import BF16, narrow
from simulator.arithmetic.pooling import pool, reduce_finish, reduce_start, reduce_step
from tests.simulator.arithmetic import oracle
from tests.simulator.arithmetic.oracle import canonical_bits
from tests.simulator.arithmetic.strategies import Case, bytes_of, cases, floats

Array = NDArray[Any]
INF = float("inf")
FLOATS = st.sampled_from([np.dtype(np.float32), np.dtype(np.float16), BF16])
WHOLE = st.sampled_from([np.uint8, np.int8])


def pooled(function: str, x: Array, case: Case, **more: Any) -> Array:
    standard: dict[str, Any] = {
        "count_pad": False,
        "zx": 0,
        "params": None,
        "zy": 0,
        "low": -INF,
        "high": INF,
        "dtype": x.dtype,
    }
    return pool(
        function,
        x,
        kernel=case.kernel,
        strides=case.strides,
        pads=case.pads,
        dilations=case.dilations,
        **standard | more,
    )


def each(case: Case, channels: int) -> list[tuple[tuple[int, int, int, int], list[tuple[int, int]]]]:
    """Every output index with the rows and columns under its window."""
    found = oracle.windows(case.extents, case.kernel, case.strides, case.pads, case.dilations)
    return [
        ((b, c, y, x), [(row, column) for _, _, row, column in taps])
        for (y, x), taps in found
        for b in range(case.n)
        for c in range(channels)
    ]


@settings(max_examples=60)
@given(cases(largest=6, channels=3), FLOATS, st.booleans(), st.sampled_from([0.0, 0.3]), st.sampled_from([-INF, 0.0]))
def test_float_pool(case: Case, dtype: np.dtype[Any], count_pad: bool, wild: float, low: float) -> None:
    x = narrow(floats(np.random.default_rng(case.seed), (case.n, case.ic, *case.extents), wild), dtype)
    wide = x.astype(np.float32)
    best, mean = pooled("max", x, case, low=low), pooled("avg", x, case, low=low, count_pad=count_pad)
    assert best.dtype == mean.dtype == dtype
    whole = case.kernel[0] * case.kernel[1]
    with np.errstate(all="ignore"):
        for index, places in each(case, case.ic):
            greatest, total = -INF, np.float32(0)
            for row, column in places:
                greatest = oracle.maximum(greatest, float(wide[(*index[:2], row, column)]))
                total = np.float32(total + wide[(*index[:2], row, column)])
            average = total / np.float32(whole if count_pad else len(places))
            for made, expected in ((best, greatest), (mean, average)):
                clamped = expected if low == -INF else oracle.maximum(float(expected), low)
                stored = narrow(np.array([clamped], np.float32), dtype)
                assert canonical_bits(made[index][None]) == canonical_bits(stored)


@settings(max_examples=60)
@given(cases(largest=6, channels=3), WHOLE, st.booleans())
def test_integer_pool(case: Case, dtype: type[np.generic], count_pad: bool) -> None:
    rng = np.random.default_rng(case.seed)
    limits = np.iinfo(np.dtype(dtype).name)
    x = bytes_of(rng, (case.n, case.ic, *case.extents), dtype)
    zx, zy = (int(v) for v in rng.integers(limits.min, limits.max + 1, 2))
    whole = case.kernel[0] * case.kernel[1]
    params = np.array([(n, (1 << 30) // max(n, 1), 30) for n in rng.permutation(whole + 1)], np.int32)
    mean = pooled(
        "avg", x, case, zx=zx, zy=zy, params=params.reshape(1, 1, -1, 3), low=limits.min, high=limits.max,
        count_pad=count_pad,
    )  # fmt: skip
    best = pooled("max", x, case, low=limits.min, high=limits.max)
    for index, places in each(case, case.ic):
        taps = [int(x[(*index[:2], row, column)]) for row, column in places]
        count = whole if count_pad else len(taps)
        total = sum(taps) - zx * len(taps)
        assert mean[index] == oracle.requantise(total, (1 << 30) // max(count, 1), 30, zy, limits.min, limits.max)
        assert best[index] == max(taps, default=limits.min)


def test_an_average_without_its_count_is_refused() -> None:
    case = Case(1, 1, 1, (3, 3), (2, 2), (1, 1), (1, 0, 0, 0), (1, 1), 0)
    x = np.zeros((1, 1, 3, 3), np.uint8)
    row = np.array([[4, 1 << 28, 30]], np.int32)
    with pytest.raises(ValueError, match=r"windows of \[2\] taps"):
        pooled("avg", x, case, params=row, low=0, high=255)
    with pytest.raises(ValueError, match="needs params"):
        pooled("avg", x, case, low=0, high=255)


@settings(max_examples=60)
@given(
    st.sampled_from(["max", "sum", "mean"]),
    st.sampled_from([(True, True), (True, False), (False, True)]),
    FLOATS | WHOLE,
    st.integers(0, 2**32 - 1),
)
def test_reduction_is_row_major_under_any_cut(function: str, over: tuple[bool, bool], kind: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    dtype = np.dtype(kind)
    whole = dtype.kind in "iu"
    n, c, h, w = (int(v) for v in rng.integers(1, 7, 4))
    x = bytes_of(rng, (n, c, h, w), kind) if whole else narrow(floats(rng, (n, c, h, w), 0.1), dtype)
    zx = int(rng.integers(0, 100)) if whole else 0
    over_h, over_w = over
    shape = (n, c, 1 if over_h else h, 1 if over_w else w)
    acc = reduce_start(function, shape, whole)
    axis, extent = (2, h) if over_h else (3, w)
    cut = int(rng.integers(0, extent + 1))
    for part in np.split(x, [cut], axis):
        if part.size:
            acc = reduce_step(function, acc, part, over_h=over_h, over_w=over_w, zx=zx)
    count = (h if over_h else 1) * (w if over_w else 1)
    low, high = (np.iinfo(dtype.name).min, np.iinfo(dtype.name).max) if whole else (-INF, INF)
    multiplier = (1 << 30) // count
    made = reduce_finish(
        function, acc, count=count, multiplier=multiplier, shift=30, zy=3, low=low, high=high, dtype=dtype
    )
    with np.errstate(all="ignore"):
        for index in np.ndindex(shape):
            rows, columns = range(h) if over_h else [index[2]], range(w) if over_w else [index[3]]
            values = [x[(*index[:2], row, column)] for row in rows for column in columns]
            if whole:
                total = sum(int(v) - zx for v in values)
                expected = (
                    max(values)
                    if function == "max"
                    else oracle.requantise(total, multiplier, 30, 3, int(low), int(high))
                )
                assert made[index] == expected
                continue
            greatest, sums = -INF, np.float32(0)
            for v in values:
                greatest, sums = oracle.maximum(greatest, float(v)), np.float32(sums + np.float32(v))
            result = {"max": greatest, "sum": sums, "mean": sums / np.float32(count)}[function]
            stored = narrow(np.array([result], np.float32), dtype)
            assert canonical_bits(made[index][None]) == canonical_bits(stored)


def test_any_nan_wins_a_maximum() -> None:
    case = Case(1, 1, 1, (1, 3), (1, 2), (1, 1), (0, 0, 0, 0), (1, 1), 0)
    negative = np.array([0xFFC00001], np.uint32).view(np.float32)[0]
    x = np.array([negative, 1, INF], np.float32).reshape(1, 1, 1, 3)
    assert canonical_bits(pooled("max", x, case)).ravel().tolist() == [0x7FC00000, 0x7F800000]
