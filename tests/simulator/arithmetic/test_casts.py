"""Casts: every 16-bit number, rounding at every kind of tie, and the clamp's zeros and NaNs."""

from __future__ import annotations

import math
import struct
from fractions import Fraction
from typing import Any, cast

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulator.arithmetic.casts import BF16, clamp, dequantise, maximum, minimum, narrow, quantise, widen
from tests.simulator.arithmetic import oracle
from tests.simulator.arithmetic.oracle import canonical_bits
from tests.simulator.arithmetic.strategies import SPECIALS

SMALL = [(BF16, 8, 133, 0x7FC0), (np.dtype(np.float16), 11, 24, 0x7E00)]
"""Type, bits of significand, minus the exponent of the smallest subnormal, the NaN."""

HALVES = st.integers(0, 65535)
NEAR_TIES = HALVES.flatmap(
    lambda high: (HALVES | st.sampled_from([0, 0x7FFF, 0x8000, 0x8001, 0x1000, 0x0FFF, 0x3000])).map(
        lambda low: high << 16 | low
    )
)
"""Bits of f32 numbers, many of them half way between numbers of a 16-bit type, or a bit to the side."""


def f32(bits: int) -> float:
    """The f32 number of these bits, exactly, without numpy."""
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def rounded(value: float, precision: int, least: int, top: float) -> float:
    """The nearest number with `precision` bits, a multiple of 2^-least, ties to even; infinity beyond `top`."""
    if value == 0 or math.isinf(value):
        return value
    exact = Fraction(value)
    step = max(math.frexp(value)[1] - precision, -least)
    unit = Fraction(2) ** step
    made = float(round(exact / unit) * unit)
    return math.copysign(math.inf if abs(made) > top else made, value)


@pytest.mark.parametrize(("dtype", "precision", "least", "nan"), SMALL)
@given(bits=st.lists(NEAR_TIES, min_size=1, max_size=20))
def test_narrow_rounds_to_nearest_even(
    dtype: np.dtype[Any], precision: int, least: int, nan: int, bits: list[int]
) -> None:
    x = np.array(bits, np.uint32).view(np.float32)
    made: list[Any] = list(narrow(x, dtype))
    top = float(cast("Any", ml_dtypes.finfo(dtype).max))
    for each, stored in zip(bits, made, strict=True):
        value = f32(each)
        if math.isnan(value):
            assert stored.view(np.uint16) == nan
        else:
            expected = rounded(value, precision, least, top)
            assert float(stored) == expected
            assert math.copysign(1, float(stored)) == math.copysign(1, expected)


@pytest.mark.parametrize("dtype", [BF16, np.dtype(np.float16)])
def test_widening_is_exact_and_undone_by_narrowing(dtype: np.dtype[Any]) -> None:
    every = np.arange(65536, dtype=np.uint16).view(dtype)
    wide = widen(every)
    assert np.array_equal(canonical_bits(wide), canonical_bits(every.astype(np.float32)))
    ordered = ~np.isnan(wide)
    assert np.array_equal(narrow(wide, dtype)[ordered].view(np.uint16), every[ordered].view(np.uint16))


def test_a_stored_nan_is_canonical() -> None:
    odd = np.array([0x7F800001, 0xFFC00000, 0xFFFFFFFF], np.uint32).view(np.float32)
    assert narrow(odd, np.float32).view(np.uint32).tolist() == [0x7FC00000] * 3
    assert narrow(odd, BF16).view(np.uint16).tolist() == [0x7FC0] * 3
    assert narrow(odd, np.float16).view(np.uint16).tolist() == [0x7E00] * 3


@given(
    st.lists(st.floats(width=32) | st.sampled_from(SPECIALS.tolist()), min_size=1, max_size=20),
    st.floats(2.0**-20, 2.0**20, width=32),
    st.integers(0, 255),
    st.booleans(),
)
def test_quantise(values: list[float], scale: float, zero: int, signed: bool) -> None:
    dtype, low = (np.int8, -128) if signed else (np.uint8, 0)
    zero += low
    x = np.array(values, np.float32)
    made = quantise(x, scale, zero, dtype)
    for value, stored in zip(values, made, strict=True):
        with np.errstate(all="ignore"):
            steps = float(np.float32(value) / np.float32(scale))
        if math.isnan(steps):
            assert stored == zero
        elif math.isinf(steps):
            assert stored == (low + 255 if steps > 0 else low)
        else:
            assert stored == min(max(round(steps) + zero, low), low + 255)


def test_dequantise_rounds_once() -> None:
    q = np.arange(-128, 128).astype(np.int8)
    made = dequantise(q, 0.1, 5)
    assert made.tolist() == [float(np.float32(np.float32(int(v) - 5) * np.float32(0.1))) for v in q]
    assert dequantise(np.array([200], np.uint8), 1.0, 255)[0] == -55


@given(st.lists(st.tuples(*(st.sampled_from(SPECIALS.tolist()) | st.floats(width=32),) * 2), min_size=1, max_size=20))
def test_maximum_and_minimum_are_ieee(pairs: list[tuple[float, float]]) -> None:
    a, b = (np.array(side, np.float32) for side in zip(*pairs, strict=True))
    for function, expected in ((maximum, oracle.maximum), (minimum, oracle.minimum)):
        made: NDArray[Any] = function(a, b)
        wanted = np.array([expected(x, y) for x, y in pairs], np.float32)
        assert np.array_equal(canonical_bits(made), canonical_bits(wanted))


def test_clamp() -> None:
    x = np.array([-0.0, 0.0, np.nan, -3, 7, np.inf], np.float32)
    relu6 = clamp(x, 0.0, 6.0)
    assert canonical_bits(relu6).tolist() == canonical_bits(np.array([0.0, 0, np.nan, 0, 6, 6])).tolist()
    assert canonical_bits(clamp(x, -np.inf, np.inf)).tolist() == canonical_bits(x).tolist()
