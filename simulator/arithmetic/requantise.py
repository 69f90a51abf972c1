"""Integer results back to eight bits (numerics.md §2, §4): requantise, the int8 sum and product, the table."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from simulator.arithmetic.native import native

Array = NDArray[Any]


def requantise(
    acc: Array,
    multiplier: ArrayLike,
    shift: ArrayLike,
    zero: int,
    low: float,
    high: float,
    dtype: DTypeLike,
    bias: ArrayLike = 0,
) -> Array:
    """
    `clamp((s ? (a·m + 2^(s-1)) >> s : a·m) + zero, low, high)` with `a = acc + bias` in int32, the rest in int64.

    `multiplier` (|m| < 2^31), `shift` (0…62) and `bias` (int32) broadcast to `acc` int32. Returns i8 or u8 of the
    shape of `acc`.
    """
    first, last = _varying(acc.ndim, np.shape(multiplier), np.shape(shift), np.shape(bias))
    kept = tuple(n if first <= i < last else 1 for i, n in enumerate(acc.shape))
    biases, multipliers, shifts = (
        _row(bias, kept, np.int32),
        _row(multiplier, kept, np.int64),
        _row(shift, kept, np.int64),
    )
    made = np.empty(acc.shape, np.uint8)
    if acc.size:
        blocks = (-1, biases.size, prod(acc.shape[last:]))
        source = np.ascontiguousarray(acc, np.int32)
        _requantise(
            source.reshape(blocks), biases, multipliers, shifts, zero, int(low), int(high), made.reshape(blocks)
        )
    return made.view(dtype)


def requantise_channels(acc: Array, rows: Array, zero: int, low: float, high: float, dtype: DTypeLike) -> Array:
    """`requantise` of `acc` int32 (n, c, h, w) by `rows` int32 (c, 3): bias, multiplier and shift of each channel."""
    n, c, h, w = acc.shape
    made = np.empty(acc.shape, np.uint8)
    biases, (multipliers, shifts) = rows[:, 0].copy(), rows[:, 1:].T.astype(np.int64, order="C")
    source = np.ascontiguousarray(acc).reshape(n, c, h * w)
    _requantise(source, biases, multipliers, shifts, zero, int(low), int(high), made.reshape(source.shape))
    return made.view(dtype)


def dequantise_sums(acc: Array, multiplier: ArrayLike, shift: ArrayLike, bias: ArrayLike = 0) -> Array:
    """
    `f32(acc + bias) · f32(m · 2^-shift)`, the sum in int32: what eight-bit operands make as real numbers.

    `multiplier`, `shift` (0…62) and `bias` broadcast to `acc` int32. Returns f32 of the shape of `acc`.
    """
    whole = np.add(acc, np.asarray(bias, np.int32), dtype=np.int32)
    factor = np.ldexp(np.asarray(multiplier, np.float64), -np.asarray(shift, np.int32)).astype(np.float32)
    return whole.astype(np.float32) * factor


def rescale_add(
    a: Array, b: Array, za: int, zb: int, ma: int, mb: int, shift: int, zy: int, low: float, high: float,
    dtype: DTypeLike,
) -> Array:  # fmt: skip
    """`clamp((((a-za)·ma + (b-zb)·mb + half) >> shift) + zy)`, half = 2^(shift-1) or 0; `a`, `b` i8|u8 broadcast."""
    return _on_pairs(_add, a, b, za, zb, (ma, mb, shift, zy, int(low), int(high)), dtype)


def rescale_mul(
    a: Array, b: Array, za: int, zb: int, multiplier: int, shift: int, zy: int, low: float, high: float,
    dtype: DTypeLike,
) -> Array:  # fmt: skip
    """`(a-za)·(b-zb)`, requantised by `multiplier` and `shift`; `a`, `b` i8|u8 broadcast."""
    return _on_pairs(_mul, a, b, za, zb, (multiplier, shift, zy, int(low), int(high)), dtype)


def lookup(x: Array, table: Array) -> Array:
    """`table[x & 0xFF]`: `x` i8|u8, `table` 256 bytes or floats of any shape. Returns its dtype in the shape of `x`."""
    if table.itemsize > 1:
        return table.reshape(-1)[x.view(np.uint8)]
    return np.frombuffer(bytearray(x.tobytes()).translate(table.tobytes()), table.dtype).reshape(x.shape)


def numbered(x: Array, which: Array) -> NDArray[np.uint16]:
    """`which·256 + (x & 0xFF)`, an element's place in the tables one after the other; `which` u8 broadcasts to `x`."""
    return which.astype(np.uint16) * np.uint16(256) + x.view(np.uint8)


def _row(value: ArrayLike, shape: tuple[int, ...], kind: DTypeLike) -> Array:
    """The value of each index of `shape`, one after another."""
    array = np.asarray(value)
    return np.ascontiguousarray(array if array.shape == shape else np.broadcast_to(array, shape), kind).reshape(-1)


def _varying(rank: int, *shapes: tuple[int, ...]) -> tuple[int, int]:
    """The axes, from the first to before the second, outside of which parameters of these shapes stay the same."""
    full = [(1,) * (rank - len(s)) + s for s in shapes]
    axes = [i for i in range(rank) if any(s[i] != 1 for s in full)]
    return (axes[0], axes[-1] + 1) if axes else (0, 0)


def _on_pairs(
    kernel: Any, a: Array, b: Array, za: int, zb: int, parameters: tuple[int, ...], dtype: DTypeLike
) -> Array:
    (left, za), (right, zb) = _unsigned(a, za), _unsigned(b, zb)
    left, right = (np.ascontiguousarray(v) for v in np.broadcast_arrays(left, right))
    made = np.empty(left.shape, np.uint8)
    kernel(left.reshape(-1), right.reshape(-1), za, zb, *parameters, made.reshape(-1))
    return made.view(dtype)


def _unsigned(x: Array, zero: int) -> tuple[Array, int]:
    """The same differences to the zero point as u8."""
    return (x, zero) if x.dtype == np.uint8 else (x.view(np.uint8) ^ np.uint8(128), zero + 128)


@native
def _requantise(
    acc: Array, bias: Array, multiplier: Array, shift: Array, zero: int, low: int, high: int, made: Array
) -> None:  # pragma: no cover
    outer, channels, inner = acc.shape
    for o in range(outer):
        for c in range(channels):
            b, m, s = bias[c], multiplier[c], shift[c]
            half = (np.int64(1) << s) >> 1
            for i in range(inner):
                value = np.int64(np.int32(acc[o, c, i] + b)) * m
                value = ((value + half) >> s) + zero
                made[o, c, i] = np.uint8(min(max(value, low), high) & 255)


@native
def _add(
    a: Array, b: Array, za: int, zb: int, ma: int, mb: int, shift: int, zy: int, low: int, high: int, made: Array
) -> None:  # pragma: no cover
    half = ((np.int64(1) << shift) >> 1) - za * ma - zb * mb
    for i in range(made.size):
        value = ((np.int64(a[i]) * ma + np.int64(b[i]) * mb + half) >> shift) + zy
        made[i] = np.uint8(min(max(value, low), high) & 255)


@native
def _mul(
    a: Array, b: Array, za: int, zb: int, multiplier: int, shift: int, zy: int, low: int, high: int, made: Array
) -> None:  # pragma: no cover
    half = (np.int64(1) << shift) >> 1
    for i in range(made.size):
        value = (((np.int64(a[i]) - za) * (np.int64(b[i]) - zb) * multiplier + half) >> shift) + zy
        made[i] = np.uint8(min(max(value, low), high) & 255)
