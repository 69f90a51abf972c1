"""Pooling windows, and reductions with a carried accumulator, in row-major order (numerics.md §5)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from simulator.arithmetic.casts import clamp, narrow, widen
from simulator.arithmetic.columns import Window
from simulator.arithmetic.native import native
from simulator.arithmetic.requantise import requantise

Array = NDArray[Any]

LOWEST = np.iinfo(np.int32).min
_NAN = 0x7FC00000


def pool(
    function: str,
    x: Array,
    *,
    kernel: tuple[int, int],
    strides: tuple[int, int],
    pads: tuple[int, int, int, int],
    dilations: tuple[int, int],
    count_pad: bool,
    zx: int,
    params: Array | None,
    zy: int,
    low: float,
    high: float,
    dtype: DTypeLike,
) -> Array:
    """
    `max` or `avg` of each window of `x` (n, c, h, w), f32, bf16, f16, i8 or u8. Returns (n, c, oh, ow) of `dtype`.

    Padding never wins a maximum. A float average is the sum, from +0.0 in row-major order over the taps that aren't
    padding, ÷ f32(count); count is of those taps, or with `count_pad` of all. An int8 average is Σ(x - zx),
    requantised to zero point `zy` by the row of `params` i32 (…, rows, 3) = count, multiplier, shift that has its
    count; raises ValueError if none does. An int8 maximum is one of stored values. [`low`, `high`] clamp the result.
    """
    window = Window(kernel, strides, pads, dilations)
    whole = x.dtype.kind in "iu"
    shape = (*x.shape[:2], *window.output(*x.shape[2:]))
    place = (*kernel, *strides, *dilations, *pads[:2])
    if function == "max":
        keys = np.ascontiguousarray(x) if whole else _keys(widen(x))
        best = np.full(shape, np.iinfo(x.dtype).min if whole else int(_keys(np.array(-np.inf))[()]), keys.dtype)
        _pool_max(keys, *place, best)
        return _stored_max(best.astype(np.int32, copy=False), whole, low, high, dtype)
    if whole:
        sums = np.zeros(shape, np.int32)
        _pool_sum(np.ascontiguousarray(x, np.int32) - np.int32(zx), *place, sums)
    else:
        sums = np.zeros(shape, np.float32)
        _pool_sum(np.ascontiguousarray(widen(x)), *place, sums)
    counts = _counts(window, x.shape[2:], shape[2:], count_pad)
    if not whole:
        with np.errstate(all="ignore"):
            return narrow(clamp(sums / counts.astype(np.float32), low, high), dtype)
    if params is None:
        raise ValueError("an int8 average needs params: count, multiplier and shift")
    rows = params.reshape(-1, 3)
    rows = rows[np.argsort(rows[:, 0])]
    chosen = rows[np.minimum(np.searchsorted(rows[:, 0], counts), len(rows) - 1)]
    if (strange := chosen[..., 0] != counts).any():
        raise ValueError(f"params of an int8 average have no row for windows of {np.unique(counts[strange])} taps")
    multiplier, shift = chosen[..., 1], chosen[..., 2]
    return requantise(sums, multiplier, shift, zy, low, high, dtype)


def reduce_start(function: str, shape: tuple[int, ...], whole: bool) -> Array:
    """The accumulator of nothing: `shape` (n, c, 1|h, 1|w), int32 for integer input (`whole`), else f32."""
    limits = (LOWEST, ~LOWEST) if whole else (-np.inf, np.inf)
    first = {"max": limits[0], "min": limits[1], "prod": 1}.get(function, 0)
    return np.full(shape, first, np.int32 if whole else np.float32)


def reduce_step(function: str, acc: Array, x: Array, *, over_h: bool, over_w: bool, zx: int = 0) -> Array:
    """
    The accumulator after `x` (n, c, h, w), row-major over the reduced axes. `acc` isn't changed.

    `max` and `min` keep the greatest or least stored value (as IEEE has it for floats); `sum` and `mean` add `x`, or
    `x - zx` of an int8; `prod` multiplies. Integers wrap in int32.
    """
    n, c, h, w = x.shape
    axes = (n * c, h if over_h else 1, 1 if over_h else h, w if over_w else 1, 1 if over_w else w)
    whole = acc.dtype == np.int32
    values = np.ascontiguousarray(x, np.int32) if whole else np.ascontiguousarray(widen(x))
    if function in ("max", "min"):
        flip = _opposite if function == "min" else _same
        keys, best = (flip(v) if whole else _keys(flip(v)) for v in (values, acc))
        best = np.array(best, order="C")
        _reduce_max(np.ascontiguousarray(keys).reshape(axes), best.reshape(axes[0], axes[2], axes[4]))
        return flip(best if whole else _from_keys(best))
    made = np.array(acc, order="C")
    flat = made.reshape(axes[0], axes[2], axes[4])
    if function == "prod":
        _reduce_product(values.reshape(axes), flat)
    else:
        _reduce_sum(values.reshape(axes), acc.dtype.type(zx if whole else 0), flat)
    return made


def _same(x: Array) -> Array:
    return x


def _opposite(x: Array) -> Array:
    """Values in the opposite order: -x of a float, -1 - x of an integer."""
    return ~x if x.dtype == np.int32 else -x


def reduce_finish(
    function: str,
    acc: Array,
    *,
    count: int,
    multiplier: int,
    shift: int,
    zy: int,
    low: float,
    high: float,
    dtype: DTypeLike,
) -> Array:
    """
    The stored result of an accumulator. A float mean is acc ÷ f32(`count`).

    An int8 sum or mean is requantised to zero point `zy` by `multiplier` and `shift`; an int8 maximum or minimum is
    kept, and so is whatever is stored as int32.
    """
    whole = acc.dtype == np.int32
    if np.dtype(dtype) == np.int32:
        return acc
    if function in ("max", "min"):
        return _stored_max(acc if whole else _keys(acc), whole, low, high, dtype)
    if whole:
        return requantise(acc, multiplier, shift, zy, low, high, dtype)
    with np.errstate(all="ignore"):
        value: Array = acc / np.float32(count) if function == "mean" else acc
        return narrow(clamp(value, low, high), dtype)


def _stored_max(best: Array, whole: bool, low: float, high: float, dtype: DTypeLike) -> Array:
    if whole:
        return np.clip(best, max(int(low), -128), min(int(high), 255)).astype(dtype)
    return narrow(clamp(_from_keys(best), low, high), dtype)


def _keys(x: Array) -> Array:
    """int32 in the order of f32's IEEE maximum: -inf < … < -0 < +0 < … < inf < NaN, every NaN the same."""
    bits = np.array(x, np.float32, order="C").view(np.int32)
    bits[np.isnan(x)] = _NAN
    return bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))


def _from_keys(keys: Array) -> Array:
    return (keys ^ ((keys >> 31) & np.int32(0x7FFFFFFF))).view(np.float32)


def _counts(window: Window, extents: tuple[int, ...], made: tuple[int, ...], count_pad: bool) -> Array:
    """Taps of each window that count, (oh, ow)."""
    rows, columns = (
        np.array([k if count_pad else sum(0 <= o * s + i * d - p < n for i in range(k)) for o in range(m)], np.int32)
        for k, s, d, p, n, m in zip(
            window.kernel, window.strides, window.dilations, window.pads[:2], extents, made, strict=True
        )
    )
    return rows[:, None] * columns


@native
def _pool_max(
    x: Array, kh: int, kw: int, sh: int, sw: int, dh: int, dw: int, top: int, left: int, best: Array
) -> None:  # pragma: no cover
    n, c, h, w = x.shape
    _, _, oh, ow = best.shape
    for plane in range(n * c):
        source, to = x[plane // c, plane % c], best[plane // c, plane % c]
        for y in range(oh):
            for i in range(kh):
                row = y * sh + i * dh - top
                if row < 0 or row >= h:
                    continue
                for j in range(kw):
                    shift = j * dw - left
                    first = max(0, (sw - 1 - shift) // sw)
                    last = max(first, min(ow, (w - 1 - shift) // sw + 1))
                    read, made = source[row, first * sw + shift :], to[y, first:last]
                    for z in range(made.size):
                        made[z] = max(made[z], read[z * sw])


@native
def _pool_sum(
    x: Array, kh: int, kw: int, sh: int, sw: int, dh: int, dw: int, top: int, left: int, sums: Array
) -> None:  # pragma: no cover
    n, c, h, w = x.shape
    _, _, oh, ow = sums.shape
    for plane in range(n * c):
        source, to = x[plane // c, plane % c], sums[plane // c, plane % c]
        for y in range(oh):
            for i in range(kh):
                row = y * sh + i * dh - top
                if row < 0 or row >= h:
                    continue
                for j in range(kw):
                    shift = j * dw - left
                    first = max(0, (sw - 1 - shift) // sw)
                    last = max(first, min(ow, (w - 1 - shift) // sw + 1))
                    read, made = source[row, first * sw + shift :], to[y, first:last]
                    for z in range(made.size):
                        made[z] += read[z * sw]


@native
def _reduce_max(x: Array, best: Array) -> None:  # pragma: no cover
    planes, rows, kept_rows, columns, kept_columns = x.shape
    for p in range(planes):
        for r in range(rows):
            for y in range(kept_rows):
                for s in range(columns):
                    for z in range(kept_columns):
                        best[p, y, z] = max(best[p, y, z], x[p, r, y, s, z])


@native
def _reduce_product(x: Array, made: Array) -> None:  # pragma: no cover
    planes, rows, kept_rows, columns, kept_columns = x.shape
    for p in range(planes):
        for r in range(rows):
            for y in range(kept_rows):
                for s in range(columns):
                    for z in range(kept_columns):
                        made[p, y, z] *= x[p, r, y, s, z]


@native
def _reduce_sum(x: Array, zero: Any, sums: Array) -> None:  # pragma: no cover
    planes, rows, kept_rows, columns, kept_columns = x.shape
    for p in range(planes):
        for r in range(rows):
            for y in range(kept_rows):
                for s in range(columns):
                    for z in range(kept_columns):
                        sums[p, y, z] += x[p, r, y, s, z] - zero
