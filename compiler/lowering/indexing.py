"""Picking and putting by index, and the ops that find indices, in every number format."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from xdsl.dialects.builtin import StringAttr, TensorType, f32
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.fields import integer, ints
from compiler.dialects.formula import Apply, Constant, Operand, Term
from compiler.dialects.top.indexing import (
    ArgOp,
    GatherElementsOp,
    GatherNDOp,
    GatherOp,
    Putting,
    ReverseSequenceOp,
    ScatterElementsOp,
    TopKOp,
)
from compiler.dialects.tpu import movement as tpu
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.pooling import ReduceOp
from compiler.ir.network import Array, Shape, shape, size, tensor
from compiler.lowering.axes import gathered, joined, permuted, picked, sliced, typed
from compiler.lowering.borders import of_type, real
from compiler.lowering.carry import carry
from compiler.lowering.floating import formula_op, to_float
from compiler.lowering.int8 import to_int8
from compiler.lowering.integers import I32, chip_element
from compiler.lowering.job import Job

EXACT = 1 << 24
"""Whole numbers up to here are exact in f32, in which indices are looked for."""
ORDERED = 2048
"""Elements of an axis that TopK compares with each other at most; their squares are work."""


@carry.on(GatherOp)
def gather(op: GatherOp, operands: Sequence[SSAValue], result: Attribute, job: Job) -> TpuOp:
    """Rows of the axis; known indices are a slice where they can be."""
    (x, index), axis = operands, op.axis.value.data % len(shape(op.input))
    if (known := job.array(index)) is not None:
        rows = _from_start(known.ravel(), shape(x)[axis], job)
        return job.viewed(picked(x, rows, axis, job), shape(op.output), "picked")
    told = job.reshape(_as_index(index, job), (1, size(shape(index)), 1), "index")
    return gathered(x, told, axis, shape(op.output), job)


@carry.on(GatherElementsOp)
def gather_elements(op: GatherElementsOp, operands: Sequence[SSAValue], result: Attribute, job: Job) -> TpuOp:
    """The other axes of the input may be longer than the index's: what is beyond isn't read."""
    (x, index), axis = operands, op.axis.value.data % len(shape(op.input))
    x = _within(x, shape(index), axis, job)
    table, told = (job.reshape(value, _rows(value, axis), "rows") for value in (x, _as_index(index, job)))
    made = tpu.GatherOp(
        operands=[table, told], result_types=[typed(table, shape(told))], attributes={"axis": integer(1)}
    )
    return job.viewed(made, shape(op.output), "gathered")


@carry.on(GatherNDOp)
def gather_nd(op: GatherNDOp, operands: Sequence[SSAValue], result: Attribute, job: Job) -> TpuOp:
    """The axes that a tuple names are made one, and each tuple one index."""
    (x, index), batch, depth = operands, op.batch_dims.value.data, op.depth
    dims = shape(x)
    named, rest = dims[batch : batch + depth], prod(dims[batch + depth :])
    told = _joint_index(index, named, (prod(dims[:batch]), -1, 1), job)
    table = job.reshape(x, (prod(dims[:batch]), prod(named), rest), "table")
    extents = (shape(told)[0], shape(told)[1], rest)
    made = tpu.GatherOp(operands=[table, told], result_types=[typed(table, extents)], attributes={"axis": integer(1)})
    return job.viewed(made, shape(op.output), "gathered")


@carry.on(ReverseSequenceOp)
def reverse_sequence(op: ReverseSequenceOp, operands: Sequence[SSAValue], result: Attribute, job: Job) -> TpuOp:
    """Row i of a sequence of n is its row n - 1 - i, and row i from the n-th on."""
    x, lengths = operands
    batch, time = op.batch_axis.value.data, op.time_axis.value.data
    order = [batch, time, *(axis for axis in range(len(shape(x))) if axis not in (batch, time))]
    turned = job.insert(permuted(x, order, job), "turned")
    extents = (*shape(turned)[:2], size(shape(turned)[2:]))
    rows = job.weight("rows", np.arange(extents[1]).reshape(1, -1, 1), I32)
    lengths = job.reshape(_as_index(lengths, job), (extents[0], 1, 1), "lengths")
    i, n = Operand(0), Operand(1)
    mirrored = i + Apply("lt", (i, n)) * (n - 1.0 - i - i)
    told = job.insert(formula_op(mirrored, [rows, lengths], TensorType(I32, (*extents[:2], 1))), "index")
    table = job.reshape(turned, extents, "table")
    made = tpu.GatherOp(operands=[table, told], result_types=[typed(table, extents)], attributes={"axis": integer(1)})
    reversed_ = job.insert(job.viewed(made, shape(turned), "frame"), "reversed")
    return permuted(reversed_, [order.index(axis) for axis in range(len(order))], job)


@to_float.on(Putting)
def scatter(op: Putting, job: Job) -> TpuOp:
    element = chip_element(tensor(op.input).element_type) or job.element
    return _scatter(op, element, job)


@to_int8.on(Putting)
def int8_scatter(op: Putting, job: Job) -> TpuOp | None:
    """In the result's scale, which sums and products don't keep."""
    return None if op.reduction.data in ("add", "mul") else _scatter(op, job.scales[job.name], job)


def _scatter(op: Putting, element: Attribute, job: Job) -> TpuOp:
    x, updates = (_held(value, element, job) for value in (op.input, op.updates))
    index, made = _held(op.indices, I32, job), shape(op.input)
    function = StringAttr("set" if op.reduction.data == "none" else op.reduction.data)
    if not isinstance(op, ScatterElementsOp):
        depth = shape(index)[-1]
        rest = prod(made[depth:])
        told = _joint_index(index, made[:depth], (1, -1, 1), job)
        rows = (1, prod(made[:depth]), rest)
        return job.viewed(_put(x, told, updates, rows, function, job), made, "scattered")
    axis = op.axis.value.data % len(made)
    part = _within(x, shape(index), axis, job)
    told = job.reshape(index, _rows(index, axis), "index")
    put = job.viewed(_put(part, told, updates, _rows(part, axis), function, job), shape(part), "scattered")
    return _beside(x, put, job)


def _put(x: SSAValue, index: SSAValue, updates: SSAValue, rows: Shape, function: StringAttr, job: Job) -> TpuOp:
    """Updates into the rows (outer, rows, inner) of `x`."""
    x = job.reshape(x, rows, "rows")
    updates = job.reshape(updates, (rows[0], shape(index)[1], rows[2]), "updates")
    attributes: dict[str, Attribute] = {"axis": integer(1), "function": function}
    return tpu.ScatterOp(operands=[x, index, updates], result_types=[x.type], attributes=attributes)


def _beside(x: SSAValue, put: TpuOp, job: Job) -> TpuOp:
    """What was put into the beginning of `x`, and beside it the rest of `x`."""
    for axis in reversed(range(len(shape(x)))):
        have, whole = shape(put.output), shape(x)
        if have[axis] == whole[axis]:
            continue
        rest = [range(n) for n in have]
        rest[axis] = range(have[axis], whole[axis])
        beyond = job.insert(sliced(x, rest, job), f"beyond{axis}")
        put = joined([job.insert(put, f"within{axis}"), beyond], axis, job)
    return put


@to_float.on(ArgOp)
def arg(op: ArgOp, job: Job) -> TpuOp:
    """Where an element is the largest, its distance from the far end; the largest of these says which is taken."""
    x, function = _plain(op.input, job), "min" if op.mode.data == "ArgMin" else "max"
    axis = op.axis.value.data % len(shape(op.input))
    outer, rows, inner = _rows(x, axis)
    if rows > EXACT:
        raise job.refusal(f"an index into {rows} elements; the chip finds them among up to {EXACT}")
    x = job.reshape(x, (1, outer, rows, inner), "in")
    most = job.insert(_reduce(function, x, (1, outer, 1, inner), tensor(x).element_type), "most")
    last = bool(op.select_last_index)
    distance = np.arange(1, rows + 1) if last else np.arange(rows, 0, -1)
    far = job.weight("distance", distance.reshape(1, 1, -1, 1), f32)
    told = Apply("eq", (Operand(0), Operand(1))) * Operand(2)
    found = job.insert(formula_op(told, [x, most, far], TensorType(f32, shape(x))), "found")
    nearest = job.insert(_reduce("max", found, (1, outer, 1, inner), f32), "nearest")
    index = Operand(0) - 1.0 if last else Constant(float(rows)) - Operand(0)
    made = formula_op(index, [nearest], TensorType(I32, shape(nearest)))
    return job.viewed(made, shape(op.output), "index")


@to_float.on(TopKOp)
def top_k(op: TopKOp, job: Job) -> TpuOp:
    """An element's place is how many are before it: those that are larger, and the equal ones of lower index."""
    x, whole = _plain(op.input, job), chip_element(tensor(op.input).element_type)
    axis, count = op.axis.value.data % len(shape(op.input)), op.count.value.data
    outer, rows, inner = _rows(x, axis)
    if rows > ORDERED:
        raise job.refusal(f"the largest of {rows} elements; the chip orders up to {ORDERED}")
    kept = [i for i in range(len(shape(x))) if i != axis]
    lines = job.insert(permuted(x, [*kept, axis], job), "lines") if inner > 1 else x
    lanes = outer * inner
    mine, theirs = (job.reshape(lines, (lanes, *line, 1), "line") for line in ((rows, 1), (1, rows)))
    lower = job.weight("lower", np.tri(rows, k=-1).reshape(1, rows, rows, 1), f32 if whole is None else I32)
    a, b = Operand(0), Operand(1)
    beyond = Apply("lt", (a, b) if op.largest else (b, a))
    before: Term = Apply("max", (beyond, Apply("eq", (a, b)) * Operand(2)))
    ahead = job.insert(formula_op(before, [mine, theirs, lower], TensorType(f32, (lanes, rows, rows, 1))), "ahead")
    places = job.reshape(job.insert(_reduce("sum", ahead, (lanes, rows, 1, 1), f32), "sum"), (lanes, rows, 1), "places")
    told = job.insert(formula_op(Operand(0), [places], TensorType(I32, shape(places))), "index")
    empty = job.weight("empty", np.zeros((lanes, count, 1)), I32)
    named = job.weight("named", np.tile(np.arange(rows).reshape(1, -1, 1), (lanes, 1, 1)), I32)
    attributes: dict[str, Attribute] = {"axis": integer(1), "function": StringAttr("set")}
    put = tpu.ScatterOp(operands=[empty, told, named], result_types=[empty.type], attributes=attributes)
    if inner == 1:
        return job.viewed(put, shape(op.output), "ordered")
    extents = [shape(op.output)[i] for i in (*kept, axis)]
    ordered = job.insert(job.viewed(put, tuple(extents), "frame"), "ordered")
    return permuted(ordered, [*range(axis), len(extents) - 1, *range(axis, len(extents) - 1)], job)


def _plain(value: SSAValue, job: Job) -> SSAValue:
    """An operand as the chip compares it: integers as it holds them, floats in the job's type."""
    element = chip_element(tensor(value).element_type)
    return real(value, job) if element is None else _held(value, element, job)


def _reduce(function: str, x: SSAValue, extents: Shape, element: Attribute) -> ReduceOp:
    attributes: dict[str, Attribute] = {"function": StringAttr(function), "axes": ints(2)}
    return ReduceOp(operands=[x], result_types=[TensorType(element, extents)], attributes=attributes)


def _held(value: SSAValue, element: Attribute, job: Job) -> SSAValue:
    """An operand in an element type; integers that the chip holds otherwise are converted."""
    if job.array(value) is not None or chip_element(tensor(value).element_type) is None:
        return of_type(value, element, job)
    if tensor(value).element_type == element:
        return value
    return job.insert(formula_op(Operand(0), [value], TensorType(element, shape(value))), "integers")


def _as_index(value: SSAValue, job: Job) -> SSAValue:
    """Indices in 32 bits."""
    return _held(value, I32, job)


def _from_start(index: Array, rows: int, job: Job) -> Array:
    """Known indices counted from the start. Raises Unlowerable for one beyond the ends."""
    if ((index < -rows) | (index >= rows)).any():
        raise job.refusal(f"an index is beyond the {rows} rows that there are")
    return np.where(index < 0, index.astype(np.int64) + rows, index)


def _rows(value: SSAValue, axis: int) -> tuple[int, int, int]:
    """(outer, rows, inner) of a tensor about an axis."""
    dims = shape(value)
    return prod(dims[:axis]), dims[axis], prod(dims[axis + 1 :])


def _within(x: SSAValue, told: Shape, axis: int, job: Job) -> SSAValue:
    """The beginning of `x` that is as long as the index on every other axis."""
    taken = [range(n if i == axis else m) for i, (n, m) in enumerate(zip(shape(x), told, strict=True))]
    if tuple(map(len, taken)) == shape(x):
        return x
    return job.insert(sliced(x, taken, job), "within")


def _joint_index(index: SSAValue, named: Shape, extents: tuple[int, int, int], job: Job) -> SSAValue:
    """Tuples of indices of axes `named` as indices of these axes made one; of `extents`, where -1 is what is left."""
    count = size(shape(index)) // len(named)
    made = (extents[0], count // extents[0], extents[2])
    strides = [prod(named[i + 1 :]) for i in range(len(named))]
    if (known := job.array(index)) is not None:
        columns = np.moveaxis(known.reshape(-1, len(named)), -1, 0)
        joint = sum(_from_start(c, n, job) * s for c, n, s in zip(columns, named, strides, strict=True))
        return job.weight("index", np.reshape(joint, made), I32)
    index = _as_index(index, job)
    if len(named) == 1:
        return job.reshape(index, made, "index")
    tuples = job.reshape(index, (count, len(named)), "tuples")
    columns = [job.insert(sliced(tuples, [range(count), range(i, i + 1)], job), f"at{i}") for i in range(len(named))]
    term: Term = Constant(0.0)
    for i, (extent, stride) in enumerate(zip(named, strides, strict=True)):
        from_start = Operand(i) + Apply("lt", (Operand(i), Constant(0.0))) * float(extent)
        term = from_start * float(stride) if i == 0 else term + from_start * float(stride)
    joint = job.insert(formula_op(term, columns, TensorType(I32, (count, 1))), "joint")
    return job.reshape(joint, made, "index")
