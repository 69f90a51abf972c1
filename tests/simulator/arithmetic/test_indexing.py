"""Picking and putting by index, against one element at a time in Python."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulator.arithmetic.casts import narrow
from simulator.arithmetic.indexing import COMBINE, gather, scatter
from simulator.isa.table import SCATTERING
from simulator.memory import NUMPY

Array = NDArray[Any]


def put(a: Any, b: Any) -> Any:
    """What a place holds once `b` is put where `a` is."""
    return b


STEPS: dict[str, Callable[[Any, Any], Any]] = {
    "set": put,
    "add": operator.add,
    "mul": operator.mul,
    "max": max,
    "min": min,
}


def drawn(draw: st.DrawFn, dims: list[int]) -> Array:
    """Small whole numbers of some element type."""
    kind = draw(st.sampled_from(list(NUMPY.values())))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    values = rng.integers(0, 12, dims)
    return values.astype(kind) if kind.kind in "iu" else narrow(values.astype(np.float32), kind)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Array, Array, Array, int]:
    """A tensor, an index that is shared along some axes, updates, and the axis. Some indices are beyond the ends."""
    dims, axis = draw(st.lists(st.integers(1, 4), min_size=4, max_size=4)), draw(st.integers(0, 3))
    told = [n if draw(st.booleans()) else 1 for n in dims]
    told[axis] = draw(st.integers(1, 5))
    rows, rng = dims[axis], np.random.default_rng(draw(st.integers(0, 99)))
    index = rng.integers(-rows - 1, rows + 1, told).astype(np.int32)
    x = drawn(draw, dims)
    return x, index, drawn(draw, [*dims[:axis], told[axis], *dims[axis + 1 :]]).astype(x.dtype), axis


@given(cases())
def test_gather_takes_each_element_from_its_row(case: tuple[Array, Array, Array, int]) -> None:
    x, index, updates, axis = case
    told = np.broadcast_to(index, updates.shape)
    expected = np.zeros(updates.shape, x.dtype)
    for at in np.ndindex(*updates.shape):
        row = int(told[at])
        row += x.shape[axis] if row < 0 else 0
        if 0 <= row < x.shape[axis]:
            expected[at] = x[(*at[:axis], row, *at[axis + 1 :])]
    made = gather(x, index, axis)
    assert made.dtype == x.dtype
    assert np.broadcast_to(made, updates.shape).tobytes() == expected.tobytes()


@given(cases(), st.sampled_from(SCATTERING), st.data())
def test_scatter_puts_one_update_after_another_in_any_part(
    case: tuple[Array, Array, Array, int], function: str, data: st.DataObject
) -> None:
    x, index, updates, axis = case
    told, step = np.broadcast_to(index, updates.shape), STEPS[function]
    expected = x.copy()
    for at in sorted(np.ndindex(*updates.shape), key=lambda place: place[axis]):
        row = int(told[at])
        row += x.shape[axis] if row < 0 else 0
        if 0 <= row < x.shape[axis]:
            place = (*at[:axis], row, *at[axis + 1 :])
            with np.errstate(over="ignore"):
                expected[place] = np.array(step(expected[place], updates[at])).astype(x.dtype)
    assert scatter(x, index, updates, axis, function).tobytes() == expected.tobytes()
    first, stop = sorted(data.draw(st.tuples(*[st.integers(0, x.shape[axis])] * 2)))
    part = (slice(None),) * axis + (slice(first, stop),)
    made = scatter(x[part], index, updates, axis, function, first, x.shape[axis])
    assert made.tobytes() == expected[part].tobytes()


@pytest.mark.parametrize("function", ["max", "min"])
def test_a_nan_stays(function: str) -> None:
    x, nan = np.ones((1, 1, 1, 1), np.float32), np.full((1, 1, 1, 1), np.nan, np.float32)
    assert np.isnan(scatter(x, np.zeros((1, 1, 1, 1), np.int32), nan, 0, function)).all()


def test_there_is_a_meaning_for_each_function_of_the_table() -> None:
    assert tuple(COMBINE) == SCATTERING
