"""Lowering of the ops that only pass values on: the same in every number format, so said once."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Attribute, Operation, SSAValue

from compiler.dialects.fields import integer
from compiler.dialects.top.movement import ConcatOp, PermuteOp, SliceOp, View
from compiler.dialects.top.pooling import MaxPoolOp
from compiler.dialects.tpu import movement as tpu
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.pooling import PoolOp
from compiler.ir.interface import Interface
from compiler.lowering.job import Job, shared


@Interface
def carry(op: Operation, operands: Sequence[SSAValue], result: Attribute, job: Job) -> TpuOp:
    """The Tpu op for one with the fact `PassesValues`; `result` has the element type that `operands` share."""
    raise NotImplementedError


@carry.on(MaxPoolOp)
def max_pool(op: MaxPoolOp, operands: Sequence[SSAValue], result: Attribute, job: Job) -> TpuOp:
    attributes = {**shared(op, PoolOp), "function": StringAttr("max")}
    return PoolOp(operands=[operands[0], job.none()], result_types=[result], attributes=attributes)


@carry.on(ConcatOp)
def concat(op: ConcatOp, operands: Sequence[SSAValue], result: Attribute, job: Job) -> TpuOp:
    axis = {"axis": integer(op.axis.value.data)}
    return tpu.ConcatOp(operands=[operands], result_types=[result], attributes=axis)


@carry.on(View)
def view(op: View, operands: Sequence[SSAValue], result: Attribute, job: Job) -> TpuOp:
    return tpu.ReshapeOp(operands=[operands[0]], result_types=[result])


@carry.on(PermuteOp)
def permute(op: PermuteOp, operands: Sequence[SSAValue], result: Attribute, job: Job) -> TpuOp:
    return tpu.PermuteOp(operands=[operands[0]], result_types=[result], attributes=shared(op, tpu.PermuteOp))


@carry.on(SliceOp)
def take(op: SliceOp, operands: Sequence[SSAValue], result: Attribute, job: Job) -> TpuOp:
    attributes: dict[str, Attribute] = {"offset": op.offset, "steps": op.steps}
    return tpu.SliceOp(operands=[operands[0]], result_types=[result], attributes=attributes)
