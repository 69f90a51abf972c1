"""What becomes of a quantised type by axis where values move: the scales go with the indices that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from xdsl.dialects.builtin import ArrayAttr, FloatData, IntAttr
from xdsl.ir import Attribute

from compiler.dialects.quant import UniformType
from compiler.ir.network import Shape

Pairs = list[tuple[float, int]]
"""Scale and zero point, one pair an index."""


def reshaped(element: Attribute, dims: Shape, extents: Shape) -> Attribute:
    """
    The element type of a tensor of extents `dims` under other extents.

    A type by an axis that isn't one of `extents` becomes that of the stored integers, scale 1: what they mean is known
    again where the axis is.
    """
    if not isinstance(element, UniformType) or not element.is_per_axis:
        return element
    axis = element.axis.data
    found = [i for i, n in enumerate(extents) if n == dims[axis] and prod(extents[i + 1 :]) == prod(dims[axis + 1 :])]
    return on_axis(element, found[0]) if found else UniformType.per_tensor(1.0, storage=element.storage)


def on_axis(element: UniformType, axis: int) -> UniformType:
    """The type by axis with its indices on another axis."""
    kept = element.storage, element.minimum, element.maximum, element.expressed
    return UniformType(*kept, IntAttr(axis), element.scales, element.zero_points)


def taken(element: Attribute, axis: int, indices: Sequence[int] | range | slice) -> Attribute:
    """The type of some indices of an axis: per tensor where they have one scale and zero point."""
    if not isinstance(element, UniformType) or element.axis.data != axis:
        return element
    pairs = _pairs(element)
    return _of_pairs(element, axis, pairs[indices] if isinstance(indices, slice) else [pairs[i] for i in indices])


def joined(elements: Sequence[UniformType], counts: Sequence[int], axis: int) -> UniformType:
    """The type of tensors of one storage type end to end on an axis, of which each has so many indices."""
    pairs = Pairs()
    for element, count in zip(elements, counts, strict=True):
        own = _pairs(element)
        pairs += own if element.is_per_axis else own * count
    return _of_pairs(elements[0], axis, pairs)


def _pairs(element: UniformType) -> Pairs:
    return [(s.data, z.data) for s, z in zip(element.scales, element.zero_points, strict=True)]


def _of_pairs(like: UniformType, axis: int, pairs: Pairs) -> UniformType:
    alike = len(set(pairs)) == 1
    kept = pairs[:1] if alike else pairs
    return UniformType(
        like.storage,
        like.minimum,
        like.maximum,
        like.expressed,
        IntAttr(-1 if alike else axis),
        ArrayAttr([FloatData(scale) for scale, _ in kept]),
        ArrayAttr([IntAttr(zero) for _, zero in kept]),
    )
