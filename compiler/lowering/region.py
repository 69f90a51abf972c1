"""Ops of the element units that work on one index space (outer, axis, inner), and what they cost in a frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import prod

from xdsl.ir import Operation, SSAValue

from compiler.dialects.access import Frame
from compiler.dialects.fields import numbers
from compiler.dialects.formula import steps
from compiler.dialects.structure import WeightOp
from compiler.dialects.tpu.base import TpuOp, frame_of
from compiler.dialects.tpu.elementwise import CastOp, ElementwiseOp, LutOp, Rescale
from compiler.dialects.tpu.movement import ReshapeOp
from compiler.dialects.tpu.pooling import ReduceOp
from compiler.ir.network import Shape, shape, size
from compiler.ir.storage import is_quantised, storage
from simulator.passes import PASSES

LANES, EU_BYTES = 64, 64
"""Of the largest chip, whatever the network is compiled for: what fills these fills fewer too."""

Space = tuple[int, int, int]
"""Extents (outer, axis, inner) of what a region's ops see all of; reduced values lack the middle one."""

POINTWISE = (ElementwiseOp, CastOp, LutOp, Rescale)


@dataclass
class Region:
    """
    Ops over one space, grown from a reduction or from an elementwise op (whose axis is 1).

    `full` holds the values that have all of the space, `flat` those that lack its axis.
    """

    space: Space
    ops: dict[TpuOp, None] = field(default_factory=dict[TpuOp, None])
    full: dict[SSAValue, None] = field(default_factory=dict[SSAValue, None])
    flat: dict[SSAValue, None] = field(default_factory=dict[SSAValue, None])

    def grow(self, seed: TpuOp) -> None:
        """Take in a seed, then every neighbour that fits and that is in few lanes where it is, views included."""
        pending = [seed]
        while pending:
            op = pending.pop()
            if op in self.ops or not self._takes(op):
                continue
            self.ops[op] = None
            values = (*varying(op), op.output)
            owners = [value.owner for value in values]
            near = [*owners, *(use.operation for value in values for use in value.uses)]
            pending += [other for other in near if isinstance(other, TpuOp) and _is_movable(other)]

    def _takes(self, op: TpuOp) -> bool:
        """Whether the op works on the space; then its values are known to."""
        match op:
            case ReduceOp():
                fits = self.space[1] > 1 and space_of(op) == self.space
                roles = {op.input: self.full, op.output: self.flat}
            case ReshapeOp():
                known = next((k for k in (self.full, self.flat) for v in (op.input, op.output) if v in k), None)
                fits, roles = known is not None, dict.fromkeys((op.input, op.output), known or self.full)
            case _:
                made = self._kind(op)
                fits, roles = made is not None, dict[SSAValue, dict[SSAValue, None]]()
                for value in (*varying(op), op.output) if made is not None else ():
                    roles[value] = made or {}
                    if shape(value) != shape(op.output):
                        roles[value] = self.flat
                        fits = fits and made is self.full and _broadcasts(value, op.output, self.space)
        if not fits or any(value in (self.flat if role is self.full else self.full) for value, role in roles.items()):
            return False
        for value, role in roles.items():
            role[value] = None
        return True

    def _kind(self, op: TpuOp) -> dict[SSAValue, None] | None:
        """Which values the result of an elementwise op belongs to, as far as a neighbour or its size says."""
        extent = size(shape(op.output))
        if extent == prod(self.space):
            return self.full
        return self.flat if extent == self.space[0] * self.space[2] else None

    def entries(self) -> Iterator[SSAValue]:
        """What ops of the region read and none of them makes."""
        read = dict.fromkeys(value for op in self.ops for value in varying(op))
        return (value for value in read if value.owner not in self.ops)

    def exits(self) -> Iterator[SSAValue]:
        """What ops outside read."""
        made = (op.output for op in self.ops)
        return (value for value in made if any(use.operation not in self.ops for use in value.uses))


def varying(op: TpuOp) -> list[SSAValue]:
    """The operands that a region follows: no constants."""
    return [value for value in op.operands if not isinstance(value.owner, WeightOp)]


def space_of(op: ReduceOp) -> Space:
    """What a reduction works on."""
    dims, axes = shape(op.input), numbers(op.axes)
    return prod(dims[: axes[0]]), prod(dims[axes[0] : axes[-1] + 1]), prod(dims[axes[-1] + 1 :])


def cost(op: TpuOp, frame: Frame) -> int:
    """Cycles of the element units of a full chip for an op whose largest tensor lies in a frame."""
    n, c, h, w = frame
    wide = max(storage(value).itemsize for value in (*varying(op), op.output))
    return n * -(-c // LANES) * -(-h * w * wide // EU_BYTES) * passes(op)


def largest(op: TpuOp) -> Frame:
    """The frame of what an op goes over."""
    return frame_of(op.input if isinstance(op, ReduceOp) else op.output)


def passes(op: TpuOp) -> int:
    """Passes of the element units over each vector."""
    match op:
        case ElementwiseOp():
            done = [step.function for step in steps(op.term)] or ["copy"]
            return sum(PASSES["SELECT" if function == "select" else function].count for function in done)
        case CastOp():
            kind = "quantise" if is_quantised(op.output) else "dequantise" if is_quantised(op.input) else ""
            return PASSES[f"CAST {kind}".strip()].count
        case ReduceOp():
            return PASSES["REDUCE"].count
        case ReshapeOp():
            return 0
        case _:
            return PASSES["LUT"].count


def _is_movable(op: Operation) -> bool:
    """Whether a region may take the op in: a view, or one that fills less than half of the lanes."""
    if isinstance(op, ReshapeOp):
        return True
    return isinstance(op, (ReduceOp, *POINTWISE)) and in_few_lanes(op)


def in_few_lanes(op: TpuOp) -> bool:
    """Whether an op takes more than twice the time that it would with its elements over all lanes."""
    frame = largest(op)
    return cost(op, frame) > 2 * cost(op, (1, LANES, 1, -(-prod(frame) // LANES)))


def _broadcasts(value: SSAValue, output: SSAValue, space: Space) -> bool:
    """Whether an operand lacks the axis of the space, and that alone."""
    dims, made = shape(value), shape(output)
    if len(dims) != len(made):
        return False
    lost = [i for i, (mine, whole) in enumerate(zip(dims, made, strict=True)) if mine != whole]
    first, last = lost[0], lost[-1]
    block = made[first : last + 1]
    return _around(made, first, last) == space and prod(dims[first : last + 1]) == 1 and prod(block) == space[1]


def _around(made: Sequence[int], first: int, last: int) -> Shape:
    return prod(made[:first]), prod(made[first : last + 1]), prod(made[last + 1 :])
