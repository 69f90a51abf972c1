"""Lowering of the ops that only pass values on: the same in every number format, so said once."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Attribute, Operation, SSAValue

from compiler.dialects.fields import numbers
from compiler.dialects.top.movement import ConcatOp, ExpandOp, PermuteOp, SliceOp, TileOp, View
from compiler.dialects.tpu import movement as tpu
from compiler.dialects.tpu.base import TpuOp
from compiler.ir.interface import Interface
from compiler.ir.network import shape
from compiler.lowering.axes import expanded, joined, permuted, sliced
from compiler.lowering.job import Job


@Interface
def carry(op: Operation, operands: Sequence[SSAValue], result: Attribute, job: Job) -> TpuOp:
    """The Tpu op for one with the fact `PassesValues`; `result` has the element type that `operands` share."""
    raise NotImplementedError


@carry.on(ConcatOp)
def concat(op: ConcatOp, operands: Sequence[SSAValue], result: Attribute, job: Job) -> TpuOp:
    return joined(operands, op.axis.value.data, job)


@carry.on(View)
def view(op: View, operands: Sequence[SSAValue], result: Attribute, job: Job) -> TpuOp:
    return tpu.ReshapeOp(operands=[operands[0]], result_types=[result])


@carry.on(PermuteOp)
def permute(op: PermuteOp, operands: Sequence[SSAValue], result: Attribute, job: Job) -> TpuOp:
    return permuted(operands[0], numbers(op.order), job)


@carry.on(SliceOp)
def take(op: SliceOp, operands: Sequence[SSAValue], result: Attribute, job: Job) -> TpuOp:
    return sliced(operands[0], op.ranges(), job)


@carry.on(ExpandOp)
def expand(op: ExpandOp, operands: Sequence[SSAValue], result: Attribute, job: Job) -> TpuOp:
    return expanded(operands[0], shape(op.output), job)


@carry.on(TileOp)
def tile(op: TileOp, operands: Sequence[SSAValue], result: Attribute, job: Job) -> TpuOp:
    """Each axis that is repeated gets one of 1 before it, which is expanded."""
    dims, times = shape(op.input), numbers(op.tile)
    pairs = zip(dims, times, strict=True)
    before, after = zip(*(((1, n), (count, n)) for n, count in pairs), strict=True)
    x = job.reshape(operands[0], tuple(n for pair in before for n in pair), "pairs")
    made = expanded(x, tuple(n for pair in after for n in pair), job)
    return job.viewed(made, shape(op.output), "repeated")
