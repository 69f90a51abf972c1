"""
Picking by index, and putting by index: what GATHER and SCATTER mean, element by element.

An index counts along one axis; a negative one counts from the end. An index beyond either end picks a zero, and puts
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.arithmetic.casts import narrow, widen
from simulator.arithmetic.functions import FUNCTIONS

Array = NDArray[Any]
Combine = Callable[[Array, Array], Array]


def gather(x: Array, index: Array, axis: int) -> Array:
    """
    `out[…, i, …] = x[…, index[…, i, …], …]`, the index on `axis`; in the type of `x`.

    `index` is int32. Its extents and those of `x` but for `axis` are equal, or 1, which serves all.
    """
    length = x.shape[axis]
    place = np.where(index < 0, index.astype(np.int64) + length, index)
    held = (place >= 0) & (place < length)
    made = np.take_along_axis(x, np.where(held, place, 0), axis)
    return made if held.all() else np.where(held, made, np.zeros((), x.dtype))


def scatter(
    x: Array, index: Array, updates: Array, axis: int, function: str, first: int = 0, rows: int | None = None
) -> Array:
    """
    `x` with updates put in: `x[…, index[…, i, …], …]` becomes `function` of itself and `updates[…, i, …]`, for each i
    of `axis` in rising order. Each step is rounded to the type of `x`.

    `x` may be a part of the whole tensor, from row `first` of its `rows` on `axis`: indices speak of the whole. `index`
    is int32, and its extents are those of `updates`, or 1, which serves all.
    """
    made, combine = x.copy(), COMBINE[function]
    length = made.shape[axis] if rows is None else rows
    place = np.broadcast_to(index, updates.shape).astype(np.int64)
    place = np.where(place < 0, place + length, place) - first
    moved, told, given = (np.moveaxis(array, axis, -1) for array in (made, place, updates))
    others: list[Array] = [np.arange(n).reshape(-1, *(1,) * (told.ndim - 2 - i)) for i, n in enumerate(told.shape[:-1])]
    for i in range(told.shape[-1]):
        here = told[..., i]
        held = (here >= 0) & (here < moved.shape[-1])
        at = (*(np.broadcast_to(other, here.shape)[held] for other in others), here[held])
        moved[at] = combine(moved[at], given[..., i][held])
    return made


def _stored(function: str, on_integers: Combine) -> Combine:
    """A step in the type of its operands: integers wrap, floats are rounded once."""
    on_floats = FUNCTIONS[function]

    def step(a: Array, b: Array) -> Array:
        return on_integers(a, b) if a.dtype.kind in "iu" else narrow(on_floats(widen(a), widen(b)), a.dtype)

    return step


def _put(a: Array, b: Array) -> Array:
    return b


COMBINE: Mapping[str, Combine] = {
    "set": _put,
    "add": _stored("add", np.add),
    "mul": _stored("mul", np.multiply),
    "max": _stored("max", np.maximum),
    "min": _stored("min", np.minimum),
}
"""By function of SCATTER: what a place then holds, from what it held and the update."""
