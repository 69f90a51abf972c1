"""Exact int8 contractions against sums of Python integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulator.arithmetic import integer, tile
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


def test_a_kernel_row_far_below_the_input_sees_padding_alone() -> None:
    """Its copy into the columns would end before the first of them."""
    x, w = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3), np.arange(1, 7, dtype=np.int8).reshape(1, 2, 3, 1)
    place: dict[str, Any] = {"strides": (1, 1), "pads": (0, 0, 5, 0), "dilations": (3, 1)}
    made = integer.convolve(x, w, zx=255, **place, depthwise=False, start=None)
    assert made[0, 0, 0].tolist() == [int(x[0, :, 0, z].astype(int) @ [1, 4]) - 255 * 5 for z in range(3)]


@given(st.integers(1, 9), st.integers(1, 70), st.integers(1, 9), INPUTS, st.integers(0, 2**32 - 1))
def test_product_is_exact(m: int, k: int, n: int, dtype: type[np.generic], seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, w, start = bytes_of(rng, (m, k), dtype), bytes_of(rng, (n, k), np.int8), rng.integers(-999, 999, (m, n))
    made = integer.multiply(a, w, zx=7, start=start.astype(np.int32))
    exact = (a.astype(np.int64) - 7) @ w.astype(np.int64).T + start
    assert np.array_equal(made, exact)


@pytest.mark.parametrize("m", [1, tile.WHOLE_ROWS, 2 * tile.WHOLE_ROWS + 1])
@pytest.mark.parametrize("n", [1, tile.LANES, tile.WHOLE_WIDTH, 2 * tile.WHOLE_WIDTH + tile.LANES + 1])
@pytest.mark.parametrize("k", [1, 4, 7, 130])
def test_every_edge_of_a_tile(m: int, n: int, k: int) -> None:
    rng = np.random.default_rng(m * n + k)
    w, x = bytes_of(rng, (m, k), np.int8), bytes_of(rng, (k, n), np.uint8)
    assert np.array_equal(integer.product(w, x, 9), w.astype(np.int64) @ (x.astype(np.int64) - 9))


@given(st.integers(1, 9), st.integers(1, 30), st.integers(1, 20), INPUTS, INPUTS, st.integers(0, 2**32 - 1))
def test_both_zero_points_of_a_product(
    m: int, k: int, n: int, left: type[np.generic], right: type[np.generic], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    a, b = bytes_of(rng, (2, m, k), left), bytes_of(rng, (2, k, n), right)
    za, zb = (int(rng.integers(-128, 128)) if kind is np.int8 else int(rng.integers(256)) for kind in (left, right))
    exact = (a.astype(np.int64) - za) @ (b.astype(np.int64) - zb)
    assert np.array_equal(integer.products(a, b, za=za, zb=zb, start=None), exact)


def test_sums_wrap_and_never_saturate() -> None:
    depth = 100_005
    a, w = np.full((2, depth), 255, np.uint8), np.full((3, depth), -128, np.int8)
    a[1, 0] = 0
    assert integer.multiply(a, w, zx=0, start=None).tolist() == [
        [wrapped(255 * -128 * depth)] * 3,
        [wrapped(255 * -128 * (depth - 1))] * 3,
    ]


def test_a_saturating_kernel_fails_the_self_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the older dot product of bytes does: sums of two products held in 16 bits."""

    def saturating(w: NDArray[Any], x: NDArray[Any], zero: int) -> NDArray[Any]:
        left, right = w.astype(np.int64), x.astype(np.int64) + 128
        sums = sum(np.clip(left[:, k : k + 2] @ right[k : k + 2], -(2**15), 2**15 - 1) for k in range(0, len(right), 2))
        return sums - (zero + 128) * left.sum(1, keepdims=True)

    integer.require_exact()
    monkeypatch.setattr(integer, "_product", saturating)
    integer.require_exact.cache_clear()
    with pytest.raises(RuntimeError, match="kernels don't multiply exactly"):
        integer.require_exact()
    integer.require_exact.cache_clear()
