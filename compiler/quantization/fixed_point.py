"""Real factors as integers: multipliers and shifts (numerics.md §7, requantise)."""

from __future__ import annotations

import math
from collections.abc import Sequence

SHIFT_LIMIT = 62


def multiplier_and_shift(factor: float) -> tuple[int, int]:
    """
    (m, s) with `m / 2^s` nearest a positive `factor`: 31 significant bits, m < 2^31, 0 ≤ s ≤ 62.

    A factor below 2^-32 has a smaller m. Raises ValueError where the factor is too large or isn't positive.
    """
    fraction, exponent = math.frexp(factor)
    if not 0 < fraction < 1 or exponent > 31:
        raise ValueError(f"a requantising factor lies in (0, 2^31), not {factor}")
    shift = min(31 - exponent, SHIFT_LIMIT)
    multiplier = round(math.ldexp(factor, shift))
    if multiplier == 1 << 31:
        multiplier, shift = (multiplier >> 1, shift - 1) if shift else (multiplier - 1, shift)
    return multiplier, shift


def common_shift(factors: Sequence[float]) -> tuple[list[int], int]:
    """
    Multipliers of positive factors under one shift: the largest in [2^14, 2^15), or more where its factor is.

    Raises ValueError where a factor is 2^22 or more: 8-bit values times it don't fit 32 bits.
    """
    largest = max(factors)
    fraction, exponent = math.frexp(largest)
    if not 0 < fraction < 1 or exponent > 22:
        raise ValueError(f"the factors of a rescaled sum lie in (0, 2^22), not {largest}")
    shift = min(max(15 - exponent, 0), SHIFT_LIMIT)
    if round(math.ldexp(largest, shift)) >= 1 << 15 and shift:
        shift -= 1
    return [round(math.ldexp(factor, shift)) for factor in factors], shift
