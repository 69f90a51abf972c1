"""Pools that only pass values on, in every number format."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import StringAttr, TensorType
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.fields import ints
from compiler.dialects.top.pooling import MaxPoolOp
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.pooling import PoolOp
from compiler.ir.network import shape, tensor
from compiler.lowering.carry import carry
from compiler.lowering.job import Job, shared

LARGE = 2
"""How many times more taps a plane's window has than one of its rows and one of its columns, before it is two."""


@carry.on(MaxPoolOp)
def max_pool(op: MaxPoolOp, operands: Sequence[SSAValue], result: Attribute, job: Job) -> TpuOp:
    """A large window is one over rows, then one over columns: fewer taps, and less to hold at a time."""
    (kh, kw), (oh, _), attributes = op.window.kernel, shape(op.output)[2:], shared(op, PoolOp)
    attributes["function"] = StringAttr("max")
    x = operands[0]
    if kh * kw >= LARGE * (kh + kw):
        down = TensorType(tensor(x).element_type, (*shape(x)[:2], oh, shape(x)[3]))
        x = job.insert(PoolOp(operands=[x, job.none()], result_types=[down], attributes=_one_axis(op, 0)), "rows")
        attributes |= _one_axis(op, 1)
    return PoolOp(operands=[x, job.none()], result_types=[result], attributes=attributes)


def _one_axis(op: MaxPoolOp, axis: int) -> dict[str, Attribute]:
    """The window along one axis alone."""
    window, (top, left, bottom, right) = op.window, op.window.pads
    pads = ((top, 0, bottom, 0), (0, left, 0, right))[axis]

    def only(pair: tuple[int, int]) -> Attribute:
        return ints(*(n if i == axis else 1 for i, n in enumerate(pair)))

    return {
        "kernel_shape": only(window.kernel),
        "strides": only(window.strides),
        "dilations": only(window.dilations),
        "pads": ints(*pads),
        "function": StringAttr("max"),
    }
