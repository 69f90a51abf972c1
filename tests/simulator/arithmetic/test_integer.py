"""Exact int8 contractions against sums of Python integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulator.arithmetic import integer
from tests.simulator.arithmetic import oracle
from tests.simulator.arithmetic.strategies import Case, bytes_of, cases

INPUTS = st.sampled_from([np.uint8, np.int8])


def wrapped(value: int) -> int:
    return (value + 2**31) % 2**32 - 2**31


@settings(max_examples=60)
@given(cases(), INPUTS, st.booleans(), st.booleans())
def test_convolution_is_exact(case: Case, dtype: type[np.generic], depthwise: bool, started: bool) -> None:
    rng = np.random.default_rng(case.seed)
    x = bytes_of(rng, (case.n, case.ic, *case.extents), dtype)
    w = bytes_of(rng, (case.ic, 1, *case.kernel) if depthwise else (case.oc, case.ic, *case.kernel), np.int8)
    limits = np.iinfo(np.dtype(dtype).name)
    zx = int(rng.integers(limits.min, limits.max + 1))
    shape = (case.n, len(w), *case.made)
    start = rng.integers(-(2**31), 2**31, shape).astype(np.int32) if started else None
    made = integer.convolve(
        x, w, zx=zx, strides=case.strides, pads=case.pads, dilations=case.dilations, depthwise=depthwise, start=start
    )
    sums = oracle.convolve_integer(x, w, zx, case.strides, case.pads, case.dilations, depthwise)
    assert made.shape == shape
    assert made.dtype == np.int32
    for index, total in sums.items():
        assert made[index] == wrapped(total + (0 if start is None else int(start[index])))


@given(st.integers(1, 9), st.integers(1, 70), st.integers(1, 9), INPUTS, st.integers(0, 2**32 - 1))
def test_product_is_exact(m: int, k: int, n: int, dtype: type[np.generic], seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, w, start = bytes_of(rng, (m, k), dtype), bytes_of(rng, (n, k), np.int8), rng.integers(-999, 999, (m, n))
    made = integer.multiply(a, w, zx=7, start=start.astype(np.int32))
    exact = (a.astype(np.int64) - 7) @ w.astype(np.int64).T + start
    assert np.array_equal(made, exact)


def test_longest_sums_are_cut_not_saturated() -> None:
    depth = 3 * integer.LONGEST + 5
    a, w = np.full((2, depth), 255, np.uint8), np.full((3, depth), -128, np.int8)
    a[1, 0] = 0
    assert integer.multiply(a, w, zx=0, start=None).tolist() == [
        [wrapped(255 * -128 * depth)] * 3,
        [wrapped(255 * -128 * (depth - 1))] * 3,
    ]


def test_the_slow_form_is_exact_too() -> None:
    assert integer.Multiplier(unsigned=True).is_exact()


def test_a_saturating_kernel_fails_the_self_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a processor without a dot-product instruction does: sums of two products held in 16 bits."""

    def saturating(_: Any, w: NDArray[Any], x: NDArray[Any], zero: int) -> NDArray[Any]:
        left, right = w.astype(np.int64), x.astype(np.int64)
        sums = sum(np.clip(left[:, k : k + 2] @ right[k : k + 2], -(2**15), 2**15 - 1) for k in range(0, len(right), 2))
        return sums - 128 * right.sum(0) - zero * left.sum(1, keepdims=True) + 128 * zero * len(right)

    fast = integer.Multiplier(unsigned=False)
    monkeypatch.setattr(integer.Multiplier, "__call__", saturating)
    assert not fast.is_exact()
