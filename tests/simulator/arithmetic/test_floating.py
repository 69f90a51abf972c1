"""Defined-order float against one rounding after the other in numpy scalars; bits, not values, are compared."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulator.arithmetic import floating, tile
from tests.simulator.arithmetic import oracle
from tests.simulator.arithmetic.oracle import canonical_bits
from tests.simulator.arithmetic.strategies import Case, cases, floats

Array = NDArray[Any]


def check(case: Case, x: Array, w: Array, start: Array, depthwise: bool) -> None:
    made = floating.convolve(
        x, w, strides=case.strides, pads=case.pads, dilations=case.dilations, depthwise=depthwise, start=start
    )
    with np.errstate(all="ignore"):
        wide = x.astype(np.float32), w.astype(np.float32)
        expected = oracle.convolve_float(*wide, start, case.strides, case.pads, case.dilations, depthwise)
    assert np.array_equal(canonical_bits(made), canonical_bits(expected))


@settings(max_examples=60)
@given(cases(largest=8), st.booleans(), st.sampled_from([0.0, 0.05, 0.6]))
def test_convolution_keeps_the_order(case: Case, depthwise: bool, wild: float) -> None:
    rng = np.random.default_rng(case.seed)
    x = floats(rng, (case.n, case.ic, *case.extents), wild)
    w = floats(rng, (case.ic, 1, *case.kernel) if depthwise else (case.oc, case.ic, *case.kernel), wild)
    check(case, x, w, floats(rng, (case.n, len(w), *case.made), wild), depthwise)


@settings(max_examples=40)
@given(cases(largest=5, channels=4), st.booleans(), st.booleans())
def test_negative_zero_lives_on_through_padding(case: Case, depthwise: bool, infinite: bool) -> None:
    """Starts of -0, inputs and weights of ±0: only a padded tap that was added could turn a sum to +0, or to NaN."""
    rng = np.random.default_rng(case.seed)
    zeros = np.array([0.0, -0.0], np.float32)
    x = rng.choice(zeros, (case.n, case.ic, *case.extents), p=[0.2, 0.8])
    shape = (case.ic, 1, *case.kernel) if depthwise else (case.oc, case.ic, *case.kernel)
    w = np.where(rng.random(shape) < 0.1, rng.choice(zeros, shape), np.float32(1.5))
    if infinite:
        w[0] = np.inf
        x = np.ones_like(x)
    check(case, x, w, np.full((case.n, len(w), *case.made), -0.0, np.float32), depthwise)


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.float16])
@settings(max_examples=15)
@given(case=cases(largest=5))
def test_sixteen_bit_inputs_are_widened(dtype: type[np.generic], case: Case) -> None:
    rng = np.random.default_rng(case.seed)
    x, w = (
        floats(rng, shape, 0.0).astype(dtype)
        for shape in ((case.n, case.ic, *case.extents), (case.oc, case.ic, *case.kernel))
    )
    check(case, x, w, floats(rng, (case.n, case.oc, *case.made), 0.0), depthwise=False)


@pytest.mark.parametrize("m", [1, tile.ROWS, 2 * tile.ROWS + 1])
@pytest.mark.parametrize("n", [1, tile.LANES, tile.WIDTH - 1, tile.WIDTH, 2 * tile.WIDTH + tile.LANES + 1])
@pytest.mark.parametrize("k", [1, 7, tile.DEPTH, tile.DEPTH + 3])
def test_every_edge_of_a_tile(m: int, n: int, k: int) -> None:
    rng = np.random.default_rng(m * n + k)
    w, a = rng.normal(size=(m, k)).astype(np.float32), rng.normal(size=(n, k)).astype(np.float32)
    start = rng.normal(size=(n, m)).astype(np.float32)
    expected = start.copy()
    for step in range(k):
        expected = expected + a[:, step, None] * w[None, :, step]
    made = floating.multiply(a, w, start=start)
    assert np.array_equal(made.view(np.uint32), expected.view(np.uint32))


def test_a_cut_reduction_has_the_same_bits() -> None:
    rng = np.random.default_rng(5)
    a, w = rng.normal(size=(33, 300)).astype(np.float32), rng.normal(size=(20, 300)).astype(np.float32)
    zero = np.zeros((33, 20), np.float32)
    whole = floating.multiply(a, w, start=zero)
    part = floating.multiply(a[:, :123], w[:, :123], start=zero)
    assert np.array_equal(floating.multiply(a[:, 123:], w[:, 123:], start=part), whole)
    assert not np.array_equal((a @ w.T), whole), "another order would be seen"


def test_products_are_not_fused() -> None:
    """(1 + 2⁻¹²)² - 1 keeps a bit that a fused multiply-add wouldn't drop."""
    x = np.full((1, 1), 1 + 2.0**-12, np.float32)
    assert floating.multiply(x, x, start=np.full((1, 1), -1, np.float32))[0, 0] == 2.0**-11


def test_subnormals_are_kept() -> None:
    floating.require_subnormals()
    x = np.full((1, 1), 2.0**-100, np.float32)
    w = np.full((1, 1), 2.0**-49, np.float32)
    assert floating.multiply(x, w, start=np.zeros((1, 1), np.float32))[0, 0] == np.float32(2.0**-149)
