"""
Contractions of weights in 8 bits and activations in 16: W8F16 in a qtable, as TPU-MLIR calls it.

The cube multiplies bytes at twice the rate of 16 bits, and weights of 8 bits are half the traffic. So an activation in
16 bits is two in 8: `x ≈ step · (256·high + low)`, each multiplied by the same weights, loaded once; the two sums meet
in f32. An activation that is stored in 8 bits anyway is multiplied as it is. Results are f32.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import add

import numpy as np
from xdsl.dialects.builtin import TensorType, f32, i32
from xdsl.ir import Attribute, Operation, SSAValue

from compiler.dialects.fields import TRUE, integer
from compiler.dialects.formula import Apply, Operand, Term
from compiler.dialects.quant import UniformType
from compiler.dialects.top.contraction import ConvOp, MatMulOp
from compiler.dialects.tpu import contraction as tpu
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.product import BatchMatMulOp
from compiler.ir.interface import Interface
from compiler.ir.network import Array, name_of, shape
from compiler.ir.storage import is_quantised
from compiler.lowering.borders import real, rounded
from compiler.lowering.floating import formula_op, to_float
from compiler.lowering.int8 import bias_values, quantise_for
from compiler.lowering.integers import I32
from compiler.lowering.job import Job, shared
from compiler.lowering.layout import as_matrix, chip_filter, chip_right
from compiler.lowering.rows import fills_lanes
from compiler.lowering.surround import within_reach
from compiler.quantization.fixed_point import multiplier_and_shift
from compiler.quantization.quantised_weights import Quantised
from compiler.quantization.types import I8

HALF = 256
"""Steps of the lower half that are one of the upper."""

ROOM = 8
"""How many times the calibrated range 16 bits reach: calibration cuts ranges for 8 bits, of 16 three are to spare."""

Halves = list[SSAValue]
"""An activation as 8-bit numbers: it alone, or its upper and its lower half."""


@Interface
def to_wide(op: Operation, job: Job) -> TpuOp:
    """The op that computes `op` by 8-bit weights and 16-bit activations, its result f32. Raises Unlowerable."""
    raise NotImplementedError


def to_wide_or_float(op: Operation, job: Job) -> TpuOp:
    """A contraction in W8F16; whatever else in f32."""
    return to_float(op, job) if to_wide.answer_of(type(op)) is None else to_wide(op, job)


@to_wide.on(ConvOp)
def conv(op: ConvOp, job: Job) -> TpuOp:
    filters = job.constant(op.filter, "filter")
    depth, groups = shape(op.input)[1], op.groups
    if groups not in (1, depth) or (groups > 1 and len(filters) != depth):
        raise job.refusal(f"{groups} groups of {depth} channels aren't computed in W8F16")
    x = within_reach(op, op.input if is_quantised(op.input) else real(op.input, job), job)
    halves = _halves(x, name_of(op.input), job)
    made = quantise_for(halves[-1], filters, bias_values(op.bias, job), job)
    weights = job.weight("filter", chip_filter(made.weights), I8)
    attributes = {"group": integer(groups), **_plain(shared(op, tpu.ConvOp))}
    extents = (shape(x)[0], len(filters), *shape(op.output)[2:])

    def sums(half: SSAValue, params: SSAValue) -> TpuOp:
        kind = TensorType(I32, extents)
        return tpu.ConvOp(operands=[half, weights, params], result_types=[kind], attributes=attributes)

    return _joined(op, halves, made, sums, (1, -1, 1, 1), job)


@to_wide.on(MatMulOp)
def matmul(op: MatMulOp, job: Job) -> TpuOp:
    right = chip_right(op, job.constant(op.right, "right operand"), job)
    x = op.input if is_quantised(op.input) else real(op.input, job)
    halves = _halves(x, name_of(op.input), job)
    made = quantise_for(halves[-1], right[0, :, :, 0], bias_values(op.bias, job), job)
    if fills_lanes(shape(op.input), right.shape[1]):
        return _rows(op, halves, made, job)
    weights = job.weight("right", made.weights.reshape(right.shape), I8)

    def sums(half: SSAValue, params: SSAValue) -> TpuOp:
        matrix = as_matrix(op, half, job)
        kind = TensorType(I32, (shape(matrix)[0], right.shape[1]))
        return tpu.MatMulOp(operands=[matrix, weights, params], result_types=[kind])

    return job.viewed(_joined(op, halves, made, sums, (1, -1), job), shape(op.output), "matrix")


def _rows(op: MatMulOp, halves: Halves, made: Quantised, job: Job) -> TpuOp:
    """With rows in the lanes each half's sums become f32 at once, in its own steps."""
    weights = job.weight("right", made.weights[None], I8)
    parts = list[TpuOp]()
    for i, half in enumerate(halves):
        last = i == len(halves) - 1
        start = made.params[:, 0] if last else np.zeros(len(made.params), np.int32)
        factors = [multiplier_and_shift(float(np.float32(unit))) for unit in _units(halves, i, made)]
        params = job.weight(f"params{i}", np.column_stack([start, factors]).reshape(1, -1, 1, 3), i32)
        kind = TensorType(f32, (*shape(half)[:2], len(made.weights)))
        attributes = {"right_transpose": TRUE}
        parts.append(BatchMatMulOp(operands=[half, weights, params], result_types=[kind], attributes=attributes))
    if len(parts) == 1 and not op.do_relu:
        return parts[0]
    operands = [job.insert(part, f"sums{i}") for i, part in enumerate(parts)]
    return formula_op(op.activate(sum_of([Operand(i) for i in range(len(operands))])), operands, parts[0].output.type)


def _joined(
    op: ConvOp | MatMulOp,
    halves: Halves,
    made: Quantised,
    sums: Callable[[SSAValue, SSAValue], TpuOp],
    frame: tuple[int, ...],
    job: Job,
) -> TpuOp:
    """The int32 sums of all halves as one f32 result; `frame` is that of a number for each output channel."""
    operands, terms = list[SSAValue](), list[Term]()
    for i, half in enumerate(halves):
        told = made.params.copy()
        if i < len(halves) - 1:
            told[:, 0] = 0
        params = job.weight(f"params{i}", told.reshape(1, -1, 1, 3), i32)
        steps = job.weight(f"steps{i}", _units(halves, i, made).reshape(frame), f32)
        terms.append(Operand(len(operands)) * Operand(len(operands) + 1))
        operands += [job.insert(sums(half, params), f"sums{i}"), steps]
    return formula_op(op.activate(sum_of(terms)), operands, TensorType(f32, shape(operands[0])))


def _units(halves: Halves, number: int, made: Quantised) -> Array:
    """(oc): what the integer sums of a half are in steps of."""
    return made.units * (HALF if number < len(halves) - 1 else 1)


def sum_of(terms: list[Term]) -> Term:
    """The terms added up, from the first on."""
    first, *others = terms
    return reduce(add, others, first)


def _halves(x: SSAValue, name: str, job: Job) -> Halves:
    """The tensor `name`, as it is stored in 8 bits, or as two halves of its range. Raises Unlowerable."""
    if job.name not in job.scales or name not in job.scales:
        raise job.refusal(f"W8F16 needs the ranges of {name!r} and of the result, which weren't calibrated")
    if is_quantised(x):
        return [x]
    kind = job.scales[name]
    zero, step = kind.zero_points.data[0].data, max(each.data for each in kind.scales.data)
    reach = step * max(kind.maximum.data - zero, zero - kind.minimum.data)
    fine = float(np.float32(ROOM * reach / (127 * HALF)))
    steps = Operand(0) * float(np.float32(1 / (HALF * fine)))
    rest = steps * float(HALF) - Apply("round", (steps,)) * float(HALF)
    return [_stored(x, steps, HALF * fine, "upper", job), _stored(x, rest, fine, "lower", job)]


def _stored(x: SSAValue, term: Term, step: float, suffix: str, job: Job) -> SSAValue:
    element = UniformType.per_tensor(step, storage=I8)
    if (x, element) not in job.known:
        made = formula_op(rounded(term, element), [x], TensorType(element, shape(x)))
        job.known[x, element] = job.insert(made, suffix, of=name_of(x))
    return job.known[x, element]


def _plain(attributes: dict[str, Attribute]) -> dict[str, Attribute]:
    """Without the Relu, which waits for the sum of the halves."""
    return {key: value for key, value in attributes.items() if key not in ("do_relu", "relu_limit")}
