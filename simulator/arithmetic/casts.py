"""Between storage types (numerics.md §1): exact widening, rounding to the nearest even, quantising, and the clamp."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import ml_dtypes
import numpy as np
from numpy.typing import DTypeLike, NDArray

from simulator.arithmetic.native import native

Array = NDArray[Any]
Float32 = NDArray[Any]
"""An array of f32."""

BF16 = np.dtype(ml_dtypes.bfloat16)
Steps = float | Sequence[float]
"""One number for a tensor, or one for each index of an axis."""

_NAN_F16 = np.array(0x7E00, np.uint16).view(np.float16)


def widen(x: Array) -> Float32:
    """The same values as f32; `x` f32, bf16, f16, or an integer, which is rounded to nearest even."""
    if x.dtype == BF16:
        return (np.ascontiguousarray(x).view(np.uint16).astype(np.uint32) << np.uint32(16)).view(np.float32)
    return x.astype(np.float32, copy=False)


def narrow(x: Float32, dtype: DTypeLike) -> Array:
    """`x` f32 rounded to f32, bf16 or f16, to nearest even; overflow to ±inf; a NaN becomes 7FC00000, 7FC0 or 7E00."""
    kind = np.dtype(dtype)
    if kind == BF16:
        made = np.empty(x.shape, np.uint16)
        _to_bf16(np.ascontiguousarray(x).view(np.uint32).reshape(-1), made.reshape(-1))
        return made.view(BF16)
    unordered = np.isnan(x)
    with np.errstate(over="ignore", invalid="ignore"):
        made = np.array(x, kind, order="C")
    if unordered.any():
        made[unordered] = _NAN_F16 if kind == np.float16 else np.float32("nan")
    return made


def canonical(x: Float32) -> Float32:
    """`x` f32 with every NaN 7FC00000: what leaves accumulators in memory. Changes `x` and returns it."""
    if (unordered := np.isnan(x)).any():
        x[unordered] = np.float32("nan")
    return x


def store(x: Array, dtype: DTypeLike) -> Array:
    """
    A float or an integer in a plain type: no scale, no zero point.

    To a float type as `widen` and `narrow`; integer to integer wraps; float to integer is cut towards zero and
    saturated, NaN → 0.
    """
    kind = np.dtype(dtype)
    if kind.kind not in "iu":
        return narrow(widen(x), kind)
    if x.dtype.kind in "iu":
        return np.array(x, kind, order="C")
    limits, real = np.iinfo(kind.name), widen(x)
    wide = np.trunc(np.where(np.isnan(real), np.float32(0), real)).astype(np.float64)
    return np.clip(wide, limits.min, limits.max).astype(kind)


def quantise(x: Float32, scale: Steps, zero: Steps, dtype: DTypeLike, axis: int = -1) -> Array:
    """
    `rne(x ÷ scale)` in f32, NaN → 0, then + zero, saturated to i8 or u8.

    With an `axis`, scale and zero have an entry for each of its indices.
    """
    limits = np.iinfo(np.dtype(dtype).name)
    with np.errstate(all="ignore"):
        steps = np.rint(np.asarray(x, np.float32) / along(scale, axis, x.ndim, np.float32))
    steps = np.where(np.isnan(steps), np.float32(0), steps)
    return np.clip(steps + along(zero, axis, x.ndim, np.float32), limits.min, limits.max).astype(dtype)


def dequantise(q: Array, scale: Steps, zero: Steps, axis: int = -1) -> Float32:
    """`f32(q - zero)·scale`, one rounding; `q` i8, u8 or i32. `axis` as in `quantise`."""
    with np.errstate(over="ignore"):
        steps = (q.astype(np.int32) - along(zero, axis, q.ndim, np.int32)).astype(np.float32)
        return steps * along(scale, axis, q.ndim, np.float32)


def steps(read: Any) -> Steps:
    """What JSON made of one number, or of those of an axis."""
    return tuple(cast(list[float], read)) if isinstance(read, list) else read


def along(values: Steps, axis: int, rank: int, kind: DTypeLike) -> Any:
    """One number, or those of an axis as an array that broadcasts over a tensor of that rank."""
    made = np.asarray(values, kind)
    return made[()] if axis < 0 else made.reshape(-1, *(1,) * (rank - axis - 1))


def clamp(x: Float32, low: float, high: float) -> Float32:
    """`minimum(maximum(x, low), high)` of IEEE 754-2019: NaN stays, -0 < +0. An infinite bound does nothing."""
    if low > -np.inf:
        x = maximum(x, np.float32(low))
    if high < np.inf:
        x = minimum(x, np.float32(high))
    return x


def maximum(a: Float32, b: Float32 | np.float32) -> Float32:
    """IEEE 754-2019 maximum: a NaN operand makes NaN, and -0 < +0."""
    made = np.maximum(a, b)
    zeros = (made == 0) & (a == 0) & (b == 0)
    if not zeros.any():
        return made
    with np.errstate(all="ignore"):
        return np.where(zeros, a + b, made)


def minimum(a: Float32, b: Float32 | np.float32) -> Float32:
    """IEEE 754-2019 minimum: a NaN operand makes NaN, and -0 < +0."""
    made = np.minimum(a, b)
    zeros = (made == 0) & (a == 0) & (b == 0)
    if not zeros.any():
        return made
    with np.errstate(all="ignore"):
        return np.where(zeros, -((-a) + (-b)), made)


@native
def _to_bf16(bits: Array, made: Array) -> None:  # pragma: no cover
    for i in range(bits.size):
        b = bits[i]
        rounded = (b + np.uint32(0x7FFF) + ((b >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
        unordered = (b & np.uint32(0x7FFFFFFF)) > np.uint32(0x7F800000)
        made[i] = np.uint16(0x7FC0) if unordered else np.uint16(rounded)
