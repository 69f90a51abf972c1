from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.quantization.fixed_point import common_shift, multiplier_and_shift

factors = st.floats(2.0**-31, 2.0**20)


@given(factors)
def test_a_multiplier_has_31_significant_bits(factor: float) -> None:
    multiplier, shift = multiplier_and_shift(factor)
    assert 1 << 30 <= multiplier < 1 << 31
    assert 0 <= shift <= 62
    assert abs(Fraction(multiplier, 1 << shift) / Fraction(factor) - 1) <= Fraction(1, 1 << 31)


@given(st.floats(2.0**-61, 2.0**-32))
def test_a_tiny_factor_has_a_small_multiplier(factor: float) -> None:
    multiplier, shift = multiplier_and_shift(factor)
    assert shift == 62
    assert abs(Fraction(multiplier, 1 << 62) - Fraction(factor)) <= Fraction(1, 1 << 63)


@pytest.mark.parametrize("factor", [0.0, -1.0, 2.0**31, float("inf"), float("nan")])
def test_other_factors_are_refused(factor: float) -> None:
    with pytest.raises(ValueError, match="requantising factor"):
        multiplier_and_shift(factor)


def test_rounding_up_to_a_power_of_two_stays_within_31_bits() -> None:
    assert multiplier_and_shift(1 - 2.0**-40) == (1 << 30, 30)


@given(st.floats(2.0**-40, 2.0**14), st.floats(2.0**-20, 1.0))
def test_the_larger_of_two_multipliers_has_15_bits(larger: float, share: float) -> None:
    (first, second), shift = common_shift([larger, larger * share])
    assert 1 << 14 <= first < 1 << 15
    assert 0 <= second <= first
    assert abs(Fraction(first, 1 << shift) / Fraction(larger) - 1) <= Fraction(1, 1 << 14)


def test_large_factors_keep_their_integer_part() -> None:
    assert common_shift([2.0**20, 3.0]) == ([1 << 20, 3], 0)
    with pytest.raises(ValueError, match="rescaled sum"):
        common_shift([2.0**23, 1.0])
