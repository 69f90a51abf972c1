"""
Frames that fill the lanes: reductions and elementwise ops whose values lie in few of them move to another frame.

What isn't beside a convolution in local memory can have any frame: a view in global memory costs nothing, a turn of two
axes on the way in costs only shorter runs. Every element is computed as before, from the same elements in the same
order, so no bit changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isqrt

import numpy as np
from xdsl.dialects.builtin import ArrayAttr, StringAttr, TensorType, UnitAttr
from xdsl.ir import SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from compiler.dialects.fields import ints
from compiler.dialects.structure import InputOp, WeightOp
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.elementwise import LutOp
from compiler.dialects.tpu.movement import PermuteOp, ReshapeOp
from compiler.dialects.tpu.pooling import ReduceOp
from compiler.ir.network import Network, Shape, name_of, named, shape, size, tensor
from compiler.ir.storage import storage
from compiler.lowering.axes import permuted
from compiler.lowering.job import Job
from compiler.lowering.region import (
    EU_BYTES,
    LANES,
    POINTWISE,
    Region,
    cost,
    in_few_lanes,
    largest,
    space_of,
    varying,
)
from compiler.lowering.turning import Turn, source_of

LEAST = 256
"""Cycles that a move to another frame has to save: what a group of ops costs by being one."""


def fill_lanes(network: Network) -> None:
    """Move every region where that saves time, those of reductions first."""
    names = {name_of(value) for op in network.ops for value in op.results}
    tried = set[TpuOp]()
    for kinds in ((ReduceOp,), POINTWISE):
        for op in list(network.ops):
            if not isinstance(op, kinds) or op in tried or op.parent is None or not in_few_lanes(op):
                continue
            region = Region(space_of(op) if isinstance(op, ReduceOp) else (1, 1, size(shape(op.output))))
            region.grow(op)
            if cut := _cut(region):
                _Move(network, region, cut, names).apply()
            tried.update(region.ops)


@dataclass(frozen=True)
class Cut:
    """The inner axis in so many `rows`, each a channel; the first factor of all channels may be `images` instead."""

    rows: int
    images: int = 1


def _cut(region: Region) -> Cut | None:
    """How the space is best cut; None if the region should stay."""
    now = sum(cost(op, largest(op)) for op in region.ops)
    offers = {
        cut: sum(cost(op, _frame(region, largest_value(op), cut)) for op in region.ops) + _moved(region, cut)
        for cut in _cuts(region)
    }

    def ranked(cut: Cut) -> tuple[int, bool, int]:
        return offers[cut], region.space[0] * cut.rows % LANES > 0, cut.rows

    best = min(offers, key=ranked, default=None)
    return best if best and offers[best] + LEAST < now and 2 * offers[best] < now else None


def _cuts(region: Region) -> Iterator[Cut]:
    """Every number of rows; images where a turn on the way in makes them, so that it need not be joined in lanes."""
    for rows in _divisors(region.space[2]):
        made = {_turned(_source(region, value, rows)) for value in region.entries() if _is_turned(region, value)}
        yield Cut(rows)
        yield from (Cut(rows, dims[0]) for dims in made if len(dims) == 4)


def _divisors(number: int) -> list[int]:
    """Those above 1."""
    small = [i for i in range(1, isqrt(number) + 1) if number % i == 0]
    return sorted({*small, *(number // i for i in small)} - {1})


def largest_value(op: TpuOp) -> SSAValue:
    """The value that an op goes over."""
    return op.input if isinstance(op, ReduceOp) else op.output


def _frame(region: Region, value: SSAValue, cut: Cut) -> tuple[int, int, int, int]:
    outer, axis, inner = region.space
    return cut.images, outer * cut.rows // cut.images, axis if value in region.full else 1, inner // cut.rows


def _moved(region: Region, cut: Cut) -> int:
    """Cycles of the moves, one a burst: what was local is stored and loaded, turns have short runs."""
    total = 0
    for value in (*region.entries(), *region.exits()):
        runs = size(shape(value)) // (region.space[2] // cut.rows)
        run = region.space[2] // cut.rows * storage(value).itemsize
        turned = runs * -(-run // EU_BYTES)
        whole = -(-size(shape(value)) * storage(value).itemsize // EU_BYTES)
        if not _is_outside(value, region):
            total += 2 * whole
        if _is_turned(region, value):
            source = _source(region, value, cut.rows)
            twice = value.owner not in region.ops and isinstance(source.value.owner, PermuteOp)
            joined = _turned(source) != tuple(extent for extent in _frame(region, value, cut) if extent != 1)
            total += turned + (whole if twice else -whole) + (2 * whole if joined else 0)
    return total


def _is_turned(region: Region, value: SSAValue) -> bool:
    """Whether a value comes in, or goes, with its axes turned."""
    return value in region.full and region.space[1] > 1


def _turned(turn: Turn) -> Shape:
    """Extents after a turn, those of 1 left out."""
    return tuple(turn.dims[axis] for axis in turn.order)


def _source(region: Region, value: SSAValue, rows: int) -> Turn:
    """The turn that brings a value in, with what turned it before."""
    outer, axis, inner = region.space
    return source_of(value, (outer, axis, rows, inner // rows), (0, 2, 1, 3))


def _is_outside(value: SSAValue, region: Region) -> bool:
    """Whether a value passes through global memory in any case, and no convolution has it beside it."""
    if value.owner in region.ops:
        return all(not isinstance(use.operation, TpuOp) for use in value.uses if use.operation not in region.ops)
    return isinstance(value.owner, InputOp | PermuteOp) or not isinstance(value.owner, TpuOp)


@dataclass
class _Move:
    """The rewriting of one region; `placed` are its values in the new frame."""

    network: Network
    region: Region
    cut: Cut
    names: set[str]
    placed: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])

    def apply(self) -> None:
        """Copy each op into the new frame, then take the old ones out; the last copy answers for what then is gone."""
        left = {value.owner for value in self.region.exits()}
        passed, folded = list[TpuOp](), list[StringAttr]()
        last, *_ = self.region.ops
        for op in [op for op in self.network.ops if isinstance(op, TpuOp) and op in self.region.ops]:
            job = Job(self.network, op, names=self.names)
            for value in varying(op):
                if value not in self.placed:
                    self.placed[value], chain = self._entered(value, job)
                    passed += chain
            if isinstance(op, ReshapeOp):
                self.placed[op.output] = self.placed[op.input]
            else:
                last = self._copy(op, job)
                self.placed[op.output] = job.insert(last, "lanes")
            if op in left:
                self._leave(op, job)
        gone = [op for op in self.network.ops if isinstance(op, TpuOp) and (op in self.region.ops or op in passed)]
        for op in reversed(gone):
            if not any(result.uses for result in op.results):
                Rewriter.erase_op(op)
                folded += [StringAttr(name_of(op))] if op.internal is None and op not in left else []
        if folded:
            last.folds = ArrayAttr([*(last.folds or ()), *folded])

    def _copy(self, op: TpuOp, job: Job) -> TpuOp:
        made = self._extents(op.output)
        mapped = {value: self.placed[value] for value in varying(op)}
        for i, value in enumerate(op.operands):
            if isinstance(value.owner, WeightOp) and not (isinstance(op, LutOp) and i == 1):
                mapped[value] = self._constant(value, op.output, job)
        copy = op.clone(dict(mapped))
        Rewriter.replace_value_with_new_type(copy.output, TensorType(tensor(op.output).element_type, made))
        if isinstance(copy, ReduceOp):
            copy.axes = ints(2)
        return copy

    def _extents(self, value: SSAValue) -> Shape:
        return _frame(self.region, value, self.cut)

    def _constant(self, value: SSAValue, output: SSAValue, job: Job) -> SSAValue:
        """A constant as it meets the result in the new frame, with one element along axes on which it doesn't vary."""
        array = job.array(value)
        assert array is not None
        outer, axis, inner = self.region.space
        axis = axis if output in self.region.full else 1
        dims = (*(1,) * (len(shape(output)) - array.ndim), *array.shape)
        whole = np.broadcast_to(array.reshape(dims), shape(output)).reshape(
            outer, axis, self.cut.rows, inner // self.cut.rows
        )
        made = whole.swapaxes(1, 2).reshape(self._extents(output))
        for i in range(4):
            first = made.take([0], i)
            if np.array_equal(np.broadcast_to(first, made.shape), made):
                made = first
        return job.weight("lanes", np.ascontiguousarray(made), tensor(value).element_type)

    def _entered(self, value: SSAValue, job: Job) -> tuple[SSAValue, list[TpuOp]]:
        """A value from outside in the new frame, and the moves before it that need not be made any more."""
        extents = self._extents(value)
        if extents[2] == 1:
            return job.reshape(value, extents, "rows"), []
        start = _source(self.region, value, self.cut.rows)
        x = job.reshape(start.value, start.dims, "parts")
        return job.reshape(job.insert(permuted(x, start.order, job), "turned"), extents, "rows"), start.passed

    def _leave(self, op: TpuOp, job: Job) -> None:
        """The value as it was, under its name, for those outside."""
        outer, axis, inner = self.region.space
        value = op.output
        x, dims = self.placed[value], shape(value)
        if value in self.region.full and axis > 1:
            x = job.reshape(x, (outer, self.cut.rows, axis, inner // self.cut.rows), "leaving")
            x = job.insert(permuted(x, (0, 2, 1, 3), job), "back")
        back = ReshapeOp(operands=[x], result_types=[TensorType(tensor(value).element_type, dims)])
        back.internal = UnitAttr() if op.internal is not None else None
        Rewriter.insert_op(named(back, name_of(op)), InsertPoint.before(op))
        for use in list(value.uses):
            if use.operation not in self.region.ops:
                use.operation.operands[use.index] = back.output
