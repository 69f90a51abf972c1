"""Turns of axes one after the other, as one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from operator import mul

from xdsl.ir import SSAValue

from compiler.dialects.fields import numbers
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.movement import PermuteOp, ReshapeOp
from compiler.ir.network import Shape, shape


@dataclass(frozen=True)
class Turn:
    """`value` seen as `dims`, its axes then put in `order`; `passed` are the ops between it and where one began."""

    value: SSAValue
    dims: Shape
    order: tuple[int, ...]
    passed: list[TpuOp] = field(default_factory=list[TpuOp])


def source_of(value: SSAValue, dims: Shape, order: tuple[int, ...]) -> Turn:
    """The turn of `value`, seen as `dims`, as one of what views and turns made it of; axes of 1 are left out."""
    kept = [axis for axis, extent in enumerate(dims) if extent != 1]
    turn = Turn(value, tuple(dims[axis] for axis in kept), tuple(kept.index(a) for a in order if a in kept))
    while (before := _before(turn)) is not None:
        turn = before
    return turn


def _before(turn: Turn) -> Turn | None:
    """The same one view or turn earlier; None where neither made the value, or its axes don't fall into factors."""
    match turn.value.owner:
        case ReshapeOp() as view:
            return Turn(view.input, turn.dims, turn.order, [*turn.passed, view])
        case PermuteOp() as inner if factors := _common(turn.dims, shape(turn.value)):
            of_dim, of_axis = (_holders(dims, factors) for dims in (turn.dims, shape(turn.value)))
            origin = numbers(inner.permutation)
            given = sorted(range(len(factors)), key=lambda i: origin[of_axis[i]])
            wanted = [given.index(i) for dim in turn.order for i in range(len(factors)) if of_dim[i] == dim]
            return Turn(inner.input, tuple(factors[i] for i in given), tuple(wanted), [*turn.passed, inner])
        case _:
            return None


def _ends(dims: Sequence[int]) -> list[int]:
    """Products of the first extent, the first two and so on."""
    return list(accumulate(dims, mul))


def _holders(dims: Shape, factors: Sequence[int]) -> list[int]:
    """The axis of `dims` that each factor is part of."""
    return [bisect_right(_ends(dims), end // factor) for end, factor in zip(_ends(factors), factors, strict=True)]


def _common(*shapes: Shape) -> list[int]:
    """Factors in a row that make up the extents of each of the shapes, none of them 1; none where there aren't any."""
    ends = sorted({end for dims in shapes for end in _ends(dims)} - {1})
    if any(end % start for start, end in pairwise(ends)):
        return []
    return [end // start for start, end in zip([1, *ends], ends, strict=False)]
