"""Rows or columns made of neighbouring ones, as a table says: picked, or summed by weights (numerics.md §5)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.arithmetic.casts import widen
from simulator.arithmetic.native import native

Array = NDArray[Any]


def resample(function: str, x: Array, table: Array, *, axis: int, first: int = 0, zx: int = 0) -> Array:
    """
    Index o of `axis` (2 or 3) of `x` (n, c, h, w) anew, from index `table[o, 0] - first` on.

    `pick` takes that index, and keeps the dtype. `sum` is of `weight · x`, or `weight · (x - zx)` for integers, in the
    order of the taps from +0.0; each product is rounded to f32, then each sum, for floats (f32, bf16, f16), which
    return f32; integers i8, u8 or i32 return int32, which wraps. A tap of weight 0 is skipped. `table` int32
    (length, 1 + taps) has the weights behind each start, those of floats as the bits of an f32. Raises IndexError
    where a tap that counts lies outside of `x`.
    """
    starts, extent = table[:, 0].astype(np.int64) - first, x.shape[axis]
    weights = table[:, 1:] if x.dtype.kind in "iu" else np.ascontiguousarray(table[:, 1:]).view(np.float32)
    counts = np.ones((len(table), 1), bool) if function == "pick" else weights != 0
    wanted = np.where(counts, starts[:, None] + np.arange(counts.shape[1]), np.clip(starts, 0, extent - 1)[:, None])
    if wanted.size and not 0 <= wanted.min() <= wanted.max() < extent:
        raise IndexError(f"index {wanted.min()} to {wanted.max()} of {extent}")
    if function == "pick":
        return np.take(x, starts, axis)
    values = np.array(x, np.int32, order="C") - np.int32(zx) if x.dtype.kind in "iu" else np.ascontiguousarray(widen(x))
    rows, columns = (x.shape[2], x.shape[3]) if axis == 2 else (x.shape[3], 1)
    made = np.zeros((*x.shape[:axis], len(table), *x.shape[axis + 1 :]), values.dtype)
    planes = values.reshape(-1, rows, columns)
    _sum(planes, starts, np.ascontiguousarray(weights), made.reshape(-1, len(table), columns))
    return made


@native
def _sum(x: Array, starts: Array, weights: Array, made: Array) -> None:  # pragma: no cover
    for p in range(made.shape[0]):
        for o in range(made.shape[1]):
            for t in range(weights.shape[1]):
                weight = weights[o, t]
                if weight == 0:
                    continue
                read, sums = x[p, starts[o] + t], made[p, o]
                for z in range(sums.size):
                    sums[z] += weight * read[z]
