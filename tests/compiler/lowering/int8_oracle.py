"""From real numbers to bytes, one number at a time: docs/numerics.md §7 in Python's integers and fractions."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import frexp

import numpy as np

from tests.simulator.arithmetic.oracle import requantise


@dataclass(frozen=True)
class Type:
    """Steps of so much, the step that zero has, and the least and the greatest step."""

    step: float
    zero: int
    least: int
    most: int

    def stored(self, steps: int) -> int:
        return min(max(steps + self.zero, self.least), self.most)


def type_of(low: float, high: float, zero_point: bool) -> Type:
    """The type of a range: around zero, or from end to end with a zero point."""
    if zero_point:
        low, high = min(low, 0.0), max(high, 0.0)
        step = (high - low) / 255
        return Type(step, round(-low / step), 0, 255)
    if low >= 0:
        return Type(high / 255, 0, 0, 255)
    return Type(max(-low, high) / 127, 0, -128, 127)


def factor(value: float) -> tuple[int, int]:
    """The nearest m / 2^s of 31 significant bits, 0 ≤ s ≤ 62."""
    shift = min(31 - frexp(value)[1], 62)
    multiplier = round(Fraction(value) * 2**shift)
    return (multiplier >> 1, shift - 1) if multiplier == 2**31 else (multiplier, shift)


def sum_factors(values: list[float]) -> tuple[list[int], int]:
    """Multipliers under one shift, the larger in [2^14, 2^15), or at shift 0 beyond."""
    largest = max(values)
    shift = max(15 - frexp(largest)[1], 0)
    if round(Fraction(largest) * 2**shift) >= 2**15 and shift:
        shift -= 1
    return [round(Fraction(value) * 2**shift) for value in values], shift


def quantise(x: float, kind: Type) -> int:
    """A float as it enters: the f32 quotient to the nearest step, ties to even."""
    return kind.stored(round(float(np.float32(x) / np.float32(kind.step))))


def weights(row: list[float], bias: float, sx: float) -> tuple[list[int], int, float]:
    """The weights of an output channel as bytes, its bias in steps of the sum, and the weights' step."""
    step = max(abs(w) for w in row) / 127
    return [round(w / step) for w in row], round(bias / (sx * step)), step


def contracted(
    xs: list[int], row: list[float], bias: float, x: Type, y: Type, bounds: tuple[int, int] | None = None
) -> int:
    """One element of a contraction by weights; what padding stands for isn't among `xs`, nor are its weights."""
    stored, start, step = weights(row, bias, x.step)
    return scaled(start + dot([value - x.zero for value in xs], stored), x.step * step / y.step, y, bounds)


def dot(a: list[int], b: list[int]) -> int:
    """The exact sum of products."""
    return sum(p * q for p, q in zip(a, b, strict=True))


def scaled(total: int, by: float, y: Type, bounds: tuple[int, int] | None = None) -> int:
    """An integer sum requantised by a real factor."""
    multiplier, shift = factor(by)
    return requantise(total, multiplier, shift, y.zero, *(bounds or (y.least, y.most)))


def added(a: int, b: int, x: Type, other: Type, y: Type, sign: int) -> int:
    """One element of a sum, or of a difference."""
    (ma, mb), shift = sum_factors([x.step / y.step, other.step / y.step])
    total = (a - x.zero) * ma + sign * (b - other.zero) * mb
    return requantise(total, 1, shift, y.zero, y.least, y.most)


def taps(o: int, extent: int, times: int) -> list[tuple[int, int]]:
    """The inputs of a linearly resized axis' element, with half pixels, and their weights in steps of 2^-11."""
    place = Fraction(2 * o + 1, 2 * times) - Fraction(1, 2)
    first = place.__floor__()
    last = round((place - first) * 2**11)
    return [(min(max(i, 0), extent - 1), w) for i, w in ((first, 2**11 - last), (first + 1, last))]
