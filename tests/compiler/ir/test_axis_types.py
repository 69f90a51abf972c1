"""Types by axis where values move: what a stored number means moves with it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from compiler.dialects.quant import UniformType
from compiler.ir.axis_types import joined, reshaped, taken
from compiler.ir.network import Array
from simulator.arithmetic.casts import dequantise

DIMS = st.lists(st.integers(1, 4), min_size=2, max_size=4)


def by_axis(count: int, axis: int) -> UniformType:
    scales = [0.25 * (i + 1) for i in range(count)]
    return UniformType.per_axis(scales, [3 * i - 2 for i in range(count)], axis)


def real(stored: Array, element: object) -> Array:
    assert isinstance(element, UniformType)
    pairs = zip(element.scales, element.zero_points, strict=True)
    scales, zeros = zip(*((scale.data, zero.data) for scale, zero in pairs), strict=True)
    axis = element.axis.data
    return dequantise(stored, *((scales, zeros) if axis >= 0 else (scales[0], zeros[0])), axis)


def numbers(*dims: int) -> Array:
    return (np.arange(np.prod(dims)) % 200 - 100).astype(np.int8).reshape(dims)


@given(DIMS, st.data())
def test_a_view_means_the_same(dims: list[int], data: st.DataObject) -> None:
    axis = data.draw(st.integers(0, len(dims) - 1))
    x, element = numbers(*dims), by_axis(dims[axis], axis)
    for extents in ((*dims, 1), (1, *dims), (int(np.prod(dims[:axis])), dims[axis], int(np.prod(dims[axis + 1 :])))):
        made = reshaped(element, tuple(dims), extents)
        np.testing.assert_array_equal(real(x.reshape(extents), made), real(x, element).reshape(extents))


def test_a_view_without_the_axis_holds_plain_steps() -> None:
    assert reshaped(by_axis(3, 1), (2, 3, 5), (6, 5)) == UniformType.per_tensor(1.0)


@given(DIMS, st.data())
def test_some_indices_keep_their_scales(dims: list[int], data: st.DataObject) -> None:
    axis, along = (data.draw(st.integers(0, len(dims) - 1)) for _ in range(2))
    indices = data.draw(st.lists(st.integers(0, dims[along] - 1), min_size=1, max_size=3))
    x, element = numbers(*dims), by_axis(dims[axis], axis)
    found = real(np.take(x, indices, along), taken(element, along, indices))
    np.testing.assert_array_equal(found, np.take(real(x, element), indices, along))


def test_joined_parts_keep_theirs() -> None:
    a, b = UniformType.per_tensor(0.5, 7), by_axis(2, 1)
    whole = joined([a, b], [3, 2], 1)
    x, y = numbers(2, 3), numbers(2, 2)
    expected = np.concatenate([real(x, a), real(y, b)], 1)
    np.testing.assert_array_equal(real(np.concatenate([x, y], 1), whole), expected)
    assert joined([a, a], [1, 2], 1) == a
