"""Values of elements and parameters: ordinary ones, and those that break things."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from random import Random

from simulator.isa.table import DType
from tests.simulator.oracle.numbers import INTEGERS, F, limits, written

SPECIAL = {
    DType.F32: (0, 0x80000000, 0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00000, 0x7F800001, 0xFFFFFFFF, 1, 0x80000001,
                0x007FFFFF, 0x00800000, 0x7F7FFFFF, 0xFF7FFFFF, 0x3F800000, 0xBF800000, 0x3F000000, 0x3FC00000,
                0x477FE000, 0x477FEFFF, 0x477FF000, 0x33000000, 0x33000001, 0x7F7F8000, 0x7F7F7FFF, 0x4F000000,
                0xCF000000, 0x4EFFFFFF, 0x4B800000, 0x3EAAAAAB, 0x437F8000, 0x42FF0000, 0xC3008000),
    DType.BF16: (0, 0x8000, 0x7F80, 0xFF80, 0x7FC0, 0xFFC0, 0x7F81, 0xFFFF, 1, 0x8001, 0x007F, 0x0080, 0x7F7F, 0xFF7F,
                 0x3F80, 0xBF80, 0x3F00, 0x4F00, 0xCF00),
    DType.F16: (0, 0x8000, 0x7C00, 0xFC00, 0x7E00, 0xFE00, 0x7C01, 0xFFFF, 1, 0x8001, 0x03FF, 0x0400, 0x7BFF, 0xFBFF,
                0x3C00, 0xBC00, 0x3800),
}  # fmt: skip
"""Bits of zeros, infinities, NaNs, subnormals, extremes, ties between numbers of shorter types, edges of integers."""

EDGES = (0, 1, -1, 2, -2, 3, -3, 7, 31, 32, 33, -31, -32, 127, 128, -128, 255, 256, 65535, 1 << 24, (1 << 24) + 1,
         (1 << 31) - 1, -(1 << 31), 1 << 30, -(1 << 30))  # fmt: skip
SCALES = (1e-3, 0.1, 1.0, 1.0, 10.0, 100.0, 1e4)


def drawing(random: Random, kind: DType) -> Callable[[], bytes]:
    """How to draw the elements of one operand; each has a manner of its own."""
    manner = random.random()
    if kind == DType.I32:
        return lambda: written(whole(random), kind)
    if kind in INTEGERS:
        low, high = limits(kind)
        if manner < 0.25:
            return lambda: written(random.choice((low, high, 0, 1)), kind)
        return lambda: random.getrandbits(8).to_bytes(1, "little")
    size, scale = kind.itemsize, random.choice(SCALES)
    special = 0.5 if manner < 0.15 else 0.08 if manner < 0.35 else 0.0

    def real() -> bytes:
        if special and random.random() < special:
            return random.choice(SPECIAL[kind]).to_bytes(size, "little")
        return written(F(random.gauss(0, scale)), kind)

    if manner < 0.75:
        return real
    if manner < 0.85:
        return lambda: written(F(random.randint(-600, 600) * 0.25), kind)
    if manner < 0.93:
        return lambda: (random.getrandbits(8 * size) & ~0x1FFF | random.choice((0, 0x1000, 0xFFF, 0x1001))).to_bytes(
            size, "little"
        )
    return lambda: random.getrandbits(8 * size).to_bytes(size, "little")


def whole(random: Random) -> int:
    """An i32: mostly small, or at an edge, or any."""
    match random.randrange(4):
        case 0:
            return random.choice(EDGES)
        case 1:
            return random.randint(-(1 << 31), (1 << 31) - 1)
        case _:
            return random.randint(-300, 300)


def real(random: Random) -> float:
    """An f32 parameter."""
    return struct.unpack("<f", drawing(random, DType.F32)())[0]


def zero_point(random: Random, kind: DType) -> int:
    """Of an eight-bit type."""
    low, high = limits(kind)
    return random.choice((low, high, 0, random.randint(low, high)))


def scaling(random: Random, terms: int = 1) -> tuple[int, int]:
    """Multiplier and shift for a sum of so many products of bytes: into eight bits, ties, or any."""
    match random.randrange(4):
        case 0:
            return random.choice((1, -1, 3, 5)), random.randint(0, 8)
        case 1:
            edge = random.choice(((1 << 31) - 1, 1 - (1 << 31), 0, 1 << 30, random.getrandbits(31)))
            return edge, random.choice((0, 1, 31, 61, 62, random.randint(0, 62)))
        case _:
            size = random.randint(1 << 30, (1 << 31) - 1)
            return random.choice((size, size, -size)), 31 + random.randint(2, 8) + terms.bit_length()


def bounds(random: Random, kind: DType) -> dict[str, float]:
    """A clamp that the type allows."""
    if kind == DType.I32:
        return {}
    if kind in INTEGERS:
        low, high = limits(kind)
        if random.random() < 0.4:
            low, high = sorted((random.randint(low, high), random.randint(low, high)))
        return {"low": low, "high": high}
    low, high = random.choice(REAL_BOUNDS)
    return {"low": low, "high": high}


INF = float("inf")
REAL_BOUNDS: Sequence[tuple[float, float]] = (
    (-INF, INF), (-INF, INF), (-INF, INF), (0.0, INF), (-0.0, INF), (0.0, 6.0), (-1.0, 1.0), (-INF, -0.0), (0.0, 0.0),
    (-INF, 1e-40), (2.5, 2.5), (-INF, -INF), (INF, INF), (-0.0, 0.0), (0.0, -0.0),
)  # fmt: skip
