"""The chip's arithmetic one element at a time, in Python: what docs/numerics.md says, written a second time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Pair = tuple[int, int]

QUIET = np.uint32(0x7FC00000)


def canonical_bits(x: Array) -> Array:
    """The bits of f32 numbers, every NaN the same."""
    bits = np.array(x, np.float32).view(np.uint32)
    bits[np.isnan(x)] = QUIET
    return bits


def windows(
    shape: tuple[int, ...], kernel: Pair, strides: Pair, pads: tuple[int, ...], dilations: Pair
) -> Iterator[tuple[Pair, list[tuple[int, int, int, int]]]]:
    """For each output (y, x): its taps (i, j, row, column) in row-major order, those on padding left out."""
    h, w = shape[-2:]
    (kh, kw), (sh, sw), (dh, dw), (top, left, bottom, right) = kernel, strides, dilations, pads
    for y in range((h + top + bottom - dh * (kh - 1) - 1) // sh + 1):
        for x in range((w + left + right - dw * (kw - 1) - 1) // sw + 1):
            taps = [(i, j, y * sh + i * dh - top, x * sw + j * dw - left) for i in range(kh) for j in range(kw)]
            yield (y, x), [tap for tap in taps if 0 <= tap[2] < h and 0 <= tap[3] < w]


def convolve_float(
    x: Array, w: Array, start: Array, strides: Pair, pads: tuple[int, ...], dilations: Pair, depthwise: bool
) -> Array:
    """f32 (n, oc, oh, ow): each product rounded, then each sum, taps in the order (ic, kh, kw)."""
    made = start.copy()
    channels = range(w.shape[1])
    for (y, z), taps in windows(x.shape, (w.shape[2], w.shape[3]), strides, pads, dilations):
        for b in range(len(x)):
            for o in range(len(w)):
                total = np.float32(start[b, o, y, z])
                for c in channels:
                    for i, j, row, column in taps:
                        product = np.float32(w[o, c, i, j]) * np.float32(x[b, o if depthwise else c, row, column])
                        total = np.float32(total + np.float32(product))
                made[b, o, y, z] = total
    return made


def convolve_integer(
    x: Array, w: Array, zx: int, strides: Pair, pads: tuple[int, ...], dilations: Pair, depthwise: bool
) -> dict[tuple[int, int, int, int], int]:
    """The exact sums by output index, as Python integers."""
    made: dict[tuple[int, int, int, int], int] = {}
    for (y, z), taps in windows(x.shape, (w.shape[2], w.shape[3]), strides, pads, dilations):
        for b in range(len(x)):
            for o in range(len(w)):
                made[b, o, y, z] = sum(
                    int(w[o, c, i, j]) * (int(x[b, o if depthwise else c, row, column]) - zx)
                    for c in range(w.shape[1])
                    for i, j, row, column in taps
                )
    return made


def requantise(acc: int, multiplier: int, shift: int, zero: int, low: int, high: int) -> int:
    """Round half up at 2^shift, then the zero point, then the clamp."""
    scaled = acc * multiplier
    rounded = (scaled + (1 << (shift - 1))) >> shift if shift else scaled
    return min(max(rounded + zero, low), high)


def maximum(a: float, b: float) -> float:
    """IEEE 754-2019 maximum of two f32 numbers."""
    if np.isnan(a) or np.isnan(b):
        return float("nan")
    if a == b == 0:
        return b if np.signbit(a) else a
    return a if a > b else b


def minimum(a: float, b: float) -> float:
    """IEEE 754-2019 minimum of two f32 numbers."""
    if np.isnan(a) or np.isnan(b):
        return float("nan")
    if a == b == 0:
        return a if np.signbit(a) else b
    return a if a < b else b
