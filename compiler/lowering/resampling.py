"""Resizing: one axis after another, rows before columns; in int8 with 11-bit weights (numerics.md §7)."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import numpy as np
from xdsl.dialects.builtin import IntegerType, StringAttr, TensorType, f32, i32
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.fields import integer, ints
from compiler.dialects.formula import Operand
from compiler.dialects.top.resampling import InterpOp, Taps
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.movement import ReshapeOp
from compiler.dialects.tpu.windows import ResampleOp
from compiler.ir.network import Array, Shape, shape, size, tensor
from compiler.ir.storage import is_float, scale
from compiler.lowering.borders import real
from compiler.lowering.floating import formula_op, to_float
from compiler.lowering.int8 import step_of, stored, to_int8
from compiler.lowering.job import Job
from compiler.quantization.fixed_point import multiplier_and_shift

WEIGHT_BITS = 11
MOST = 1 << 31


@dataclass(frozen=True)
class Pass:
    """One axis to be resized, what its results are made of and, but for picked ones, the type they get."""

    axis: int
    taps: Taps
    element: Attribute | None = None
    factor: tuple[int, int] | None = None
    """Multiplier and shift of sums of integers."""


@to_float.on(InterpOp)
def interp(op: InterpOp, job: Job) -> TpuOp:
    """Sums are f32 between the axes; what is only picked keeps the type it has."""
    axes = [(axis, op.taps(axis)) for axis in op.axes()]
    if all(taps.picks for _, taps in axes) and not is_float(op.input):
        return _resized(op, op.input, [Pass(*each) for each in axes], job)
    if isinstance(tensor(op.input).element_type, IntegerType):
        raise job.refusal("sums of weighed integers; cast them to float, or take the nearest")
    passes = [
        Pass(axis, taps, None if taps.picks else job.element if i == len(axes) - 1 else f32)
        for i, (axis, taps) in enumerate(axes)
    ]
    made = _resized(op, real(op.input, job), passes, job)
    if (filling := op.filling()) is None:
        return made
    operands = [job.insert(made, "inside"), job.weight("outside", filling, job.element)]
    return formula_op(Operand(0) + Operand(1), operands, TensorType(job.element, shape(op.output)))


@to_int8.on(InterpOp)
def int8_interp(op: InterpOp, job: Job) -> TpuOp | None:
    """Picked values keep the operand's type. Sums over two axes at most are requantised once; else f32 is better."""
    axes, x = [(axis, op.taps(axis)) for axis in op.axes()], stored(op.input, job)
    if all(taps.picks for _, taps in axes):
        return _resized(op, x, [Pass(*each) for each in axes], job)
    worst = 255.0
    for _, taps in axes:
        worst *= np.abs(_whole(taps)).sum(axis=1).max()
    if len(axes) > 2 or worst >= MOST or op.filling() is not None:
        return None
    factor = multiplier_and_shift(scale(x) / step_of(job) / 2.0 ** (WEIGHT_BITS * len(axes)))
    passes = [Pass(*each, i32) for each in axes[:-1]] + [Pass(*axes[-1], job.scales[job.name], factor)]
    return _resized(op, x, passes, job)


def _resized(op: InterpOp, x: SSAValue, passes: list[Pass], job: Job) -> TpuOp:
    dims, made = list(shape(x)), None
    for each in passes:
        if made is not None:
            x = job.insert(made, f"axis{each.axis}")
        frame, along = _frame(tuple(dims), each.axis)
        made = _resample(job.reshape(x, frame, f"frame{each.axis}"), along, each, job)
        dims[each.axis] = len(each.taps.starts)
    if made is None:
        return ReshapeOp(operands=[x], result_types=[TensorType(tensor(x).element_type, shape(op.output))])
    return job.viewed(made, shape(op.output), "frame")


def _frame(dims: Shape, axis: int) -> tuple[Shape, int]:
    """A view of four axes with the one to be resized as rows or columns, and which of them it is."""
    rank = len(dims)
    if rank >= 4 and axis >= rank - 2:
        return (dims[0], size(dims[1:-2]), *dims[-2:]), axis - rank + 4
    if rank == 3 and axis == 2:
        return (*dims, 1), 2
    return (1, size(dims[:axis]), dims[axis], size(dims[axis + 1 :])), 2


def _resample(x: SSAValue, along: int, each: Pass, job: Job) -> ResampleOp:
    taps, table = each.taps, each.taps.starts[:, None].astype(np.int32)
    if each.element is not None:
        real_weights = is_float(x)
        weights = taps.weights.astype(np.float32).view(np.int32) if real_weights else _whole(taps)
        table = np.concatenate([table, weights], axis=1)
    table = np.ascontiguousarray(table if along == 2 else table.T)[None, None]
    attributes: dict[str, Attribute] = {
        "function": StringAttr("pick" if each.element is None else "sum"),
        "axis": integer(along),
        "reach": ints(*_reach(taps)),
    }
    if each.factor:
        attributes |= {"multiplier": integer(each.factor[0]), "rshift": integer(each.factor[1])}
    extents = tuple(len(taps.starts) if i == along else n for i, n in enumerate(shape(x)))
    result = TensorType(each.element or tensor(x).element_type, extents)
    weight = job.weight(f"taps{each.axis}", table, i32)
    return ResampleOp(operands=[x, weight], result_types=[result], attributes=attributes)


def _whole(taps: Taps) -> Array:
    """The weights in steps of 2^-11; what rounding adds up to goes to the largest of each result."""
    made = np.rint(taps.weights * (1 << WEIGHT_BITS))
    rest = np.rint(taps.weights.sum(axis=1) * (1 << WEIGHT_BITS)) - made.sum(axis=1)
    made[np.arange(len(made)), np.abs(made).argmax(axis=1)] += rest
    return made.astype(np.int32)


def _reach(taps: Taps) -> tuple[int, int, int, int]:
    """(scale, first, last, divisor) that hold every result's inputs: of three slopes the one that adds least."""
    starts, o = taps.starts, np.arange(len(taps.starts))
    ends, found = starts + taps.weights.shape[1] - 1, list[tuple[float, tuple[int, int, int, int]]]()
    for rise, run in ((int(ends.max()) + 1, len(o)), (int(starts[-1] - starts[0]), max(len(o) - 1, 1)), (0, 1)):
        if rise >= 0:
            up, by = rise // gcd(rise, run), run // gcd(rise, run)
            first, last = int((by * (starts + 1) - 1 - up * o).min()), int((by * ends - up * o).max())
            found.append(((last - first) / by, (up, first, last, by)))
    return min(found)[1]
