"""Bits to numbers and back: integers are Python's, floats are scalars of f32 whatever they are stored in."""

from __future__ import annotations

import math
import struct

import numpy as np

from simulator.isa.table import DType

F = np.float32
Number = int | F

INTEGERS = (DType.I8, DType.U8, DType.I32)
CANONICAL = {DType.F32: 0x7FC00000, DType.BF16: 0x7FC0, DType.F16: 0x7E00}
"""The bits of a stored NaN."""
SHAPE = {DType.BF16: (8, -133, 2.0**128), DType.F16: (11, -24, 2.0**16)}
"""Binary digits, exponent of the smallest number, and the least number that is beyond the type."""


def read(raw: bytes, kind: DType) -> Number:
    """The number that bytes stand for."""
    if kind in INTEGERS:
        return int.from_bytes(raw, "little", signed=kind != DType.U8)
    if kind == DType.F16:
        return F(struct.unpack("<e", raw)[0])
    # A bf16 is the upper half of an f32.
    return F(struct.unpack("<f", bytes(2) + raw if kind == DType.BF16 else raw)[0])


def written(value: Number, kind: DType) -> bytes:
    """The bytes of a number of the type, or of an f32 rounded to it: to nearest, ties to even, beyond it to ±∞."""
    if kind in INTEGERS:
        return int(value).to_bytes(kind.itemsize, "little", signed=kind != DType.U8)
    if np.isnan(value):
        return CANONICAL[kind].to_bytes(kind.itemsize, "little")
    if kind == DType.F32:
        return struct.pack("<f", value)
    rounded = narrowed(float(value), kind)
    return struct.pack("<e", rounded) if kind == DType.F16 else struct.pack("<f", rounded)[2:]


def narrowed(value: float, kind: DType) -> float:
    """The nearest number of bf16 or f16."""
    if value == 0 or math.isinf(value):
        return value
    digits, smallest, beyond = SHAPE[kind]
    unit = max(math.frexp(value)[1] - digits, smallest)
    # Python's round is to even; scaling by a power of two is exact in its floats.
    made = math.ldexp(round(math.ldexp(value, -unit)), unit)
    return math.copysign(math.inf if abs(made) >= beyond else made, value)


def wrapped(value: int, kind: DType = DType.I32) -> int:
    """The low bits of an integer."""
    bits = 8 * kind.itemsize
    low = value % (1 << bits)
    return low - (1 << bits) if kind != DType.U8 and low >> (bits - 1) else low


def limits(kind: DType) -> tuple[int, int]:
    """Least and greatest number of an integer type."""
    bits = 8 * kind.itemsize
    return (0, (1 << bits) - 1) if kind == DType.U8 else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def saturated(value: int, kind: DType) -> int:
    """The nearest number of an integer type."""
    low, high = limits(kind)
    return min(max(value, low), high)


def converted(value: Number, kind: DType) -> Number:
    """To a plain type, without scale: integers wrap, floats are cut towards zero and saturated, NaN makes 0."""
    if kind not in INTEGERS:
        return F(value)
    if isinstance(value, int):
        return wrapped(value, kind)
    if np.isnan(value):
        return 0
    return limits(kind)[bool(value > 0)] if np.isinf(value) else saturated(int(value), kind)


def maximum(a: F, b: F) -> F:
    """IEEE 754-2019: a NaN makes NaN, and -0 < +0."""
    if np.isnan(a) or np.isnan(b):
        return F(math.nan)
    if a == b == 0:
        return b if np.signbit(a) else a
    return a if a > b else b


def minimum(a: F, b: F) -> F:
    """IEEE 754-2019: a NaN makes NaN, and -0 < +0."""
    if np.isnan(a) or np.isnan(b):
        return F(math.nan)
    if a == b == 0:
        return a if np.signbit(a) else b
    return a if a < b else b


def clamped(value: F, low: float, high: float) -> F:
    """An f32 result between bounds."""
    return minimum(maximum(value, F(low)), F(high))


def requantised(acc: int, multiplier: int, shift: int, zero: int, low: float, high: float) -> int:
    """An i32 accumulator, scaled with one rounding, half up; then the zero point and the clamp."""
    scaled = acc * multiplier
    if shift:
        scaled = (scaled + (1 << (shift - 1))) >> shift
    return min(max(scaled + zero, int(low)), int(high))
