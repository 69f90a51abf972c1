"""
Top to Tpu in int8: activations by tensor, weights by output channel; whatever has no rule here is computed in f32.

A rule may return None: the op is better off in f32.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from xdsl.dialects.builtin import StringAttr, TensorType, f32, i32
from xdsl.ir import Attribute, Operation, SSAValue

from compiler.dialects.fields import integer, ints
from compiler.dialects.formula import Operand
from compiler.dialects.quant import I8
from compiler.dialects.structure import WeightOp
from compiler.dialects.top.base import is_present
from compiler.dialects.top.contraction import ConvOp
from compiler.dialects.top.elementwise import AddOp, Elementwise, MulOp, SubOp
from compiler.dialects.top.pooling import AvgPoolOp
from compiler.dialects.top.quantised import FakeQuantOp
from compiler.dialects.tpu import contraction as tpu
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.elementwise import LutOp, RescaleAddOp, RescaleMulOp
from compiler.dialects.tpu.movement import ReshapeOp
from compiler.dialects.tpu.pooling import PoolOp, ReduceOp
from compiler.ir.axis_types import reshaped, taken
from compiler.ir.interface import Interface
from compiler.ir.network import Array, Shape, name_of, shape, size, tensor
from compiler.ir.storage import is_quantised, scale, scale_of, scales_of, uniform, zero_point
from compiler.lowering.axes import together
from compiler.lowering.borders import cast, evaluated, quantised_array, values_of_table
from compiler.lowering.floating import formula_op, to_float
from compiler.lowering.job import Contracted, Job, shared
from compiler.lowering.layout import PLANE, activation, aligned, by_groups, chip_filter, per_channel
from compiler.lowering.surround import within_reach
from compiler.lowering.tables import tables
from compiler.lowering.terms import bound
from compiler.quantization.fixed_point import common_shift, multiplier_and_shift
from compiler.quantization.float_ops import serves_float, stays_float
from compiler.quantization.quantised_weights import Quantised, quantise
from compiler.quantization.types import symmetric


@Interface
def to_int8(op: Operation, job: Job) -> TpuOp | None:
    """The op that computes `op` on int8 operands, its result of type `job.scales[job.name]`; None: better in f32."""
    raise NotImplementedError


def to_int8_or_float(op: Operation, job: Job) -> TpuOp:
    """
    int8 where there is a rule for it and calibration saw all the op's tensors, else f32 between casts.

    What is done on the way to a softmax or a layer's norm alone is f32 as that is: a mask would spoil the scale of
    scores, a few large elements that of sums.
    """
    ready = to_int8.answer_of(type(op)) is not None and _is_calibrated(op, job) and not stays_float(op, job.formats)
    if ready and (made := to_int8(op, job)) is not None:
        return made
    return to_float(op, job)


@to_int8.on(ConvOp)
def conv(op: ConvOp, job: Job) -> TpuOp | None:
    if (filters := job.array(op.filter)) is None:
        return None
    x = within_reach(op, stored(op.input, job), job)
    return by_groups(op, x, filters, job, partial(_conv, op, job))


def _conv(op: ConvOp, job: Job, x: SSAValue, filters: Array, channels: slice, tag: str) -> TpuOp:
    depth = shape(x)[1] // filters.shape[1]
    made = quantise_for(x, filters, bias_values(op.bias, job, channels), job, channels)
    operands = [
        x,
        weights_of(made, f"filter{tag}", chip_filter(made.weights), job, channels),
        params_of(made, job, tag),
    ]
    extents = (shape(x)[0], filters.shape[0], *shape(op.output)[2:])
    attributes = shared(op, tpu.ConvOp) | {"group": integer(depth)}
    if not serves_float(op, job.formats):
        return tpu.ConvOp(operands=operands, result_types=[part_type(extents, job, channels)], attributes=attributes)
    plain = {name: value for name, value in attributes.items() if name not in activation(op)}
    sums = tpu.ConvOp(operands=operands, result_types=[TensorType(i32, extents)], attributes=plain)
    steps = job.weight(f"steps{tag}", per_channel(made.units), f32)
    term = op.activate(Operand(0) * Operand(1))
    return formula_op(term, [job.insert(sums, f"sums{tag}"), steps], TensorType(f32, extents))


@to_int8.on(AvgPoolOp)
def avg_pool(op: AvgPoolOp, job: Job) -> TpuOp | None:
    """One requantising factor for each number of taps that a window can count."""
    x, result = stored(op.input, job), result_type(shape(op.output), job)
    ratio = scale(x) / step_of(job)
    if op.covers_plane:
        multiplier, shift = multiplier_and_shift(ratio / size(shape(x)[2:]))
        attributes = activation(op) | {"function": StringAttr("mean"), "axes": PLANE}
        attributes |= {"multiplier": integer(multiplier), "rshift": integer(shift)}
        return ReduceOp(operands=[x], result_types=[result], attributes=attributes)
    rows = [(count, *multiplier_and_shift(ratio / count)) for count in _tap_counts(op)]
    params = job.weight("params", np.array(rows).reshape(1, 1, -1, 3), i32)
    attributes = {**shared(op, PoolOp), "function": StringAttr("avg")}
    return PoolOp(operands=[x, params], result_types=[result], attributes=attributes)


@to_int8.on(Elementwise)
def elementwise(op: Elementwise, job: Job) -> TpuOp | None:
    """A table of the whole formula where only one operand varies."""
    term, values = bound(op, job)
    if len(values) != 1 or not is_quantised(values[0]):
        return None
    x, element = values[0], job.scales[job.name]
    if uniform(x).is_per_axis or element.is_per_axis:
        return job.viewed(tables(x, element, lambda reals: evaluated(term, reals), job), shape(op.output), "values")
    table = job.weight("table", values_of_table(term, x, element), element.storage)
    return job.viewed(LutOp(operands=[x, table], result_types=[result_type(shape(x), job)]), shape(op.output), "values")


@to_int8.on(FakeQuantOp)
def fake_quant(op: FakeQuantOp, job: Job) -> TpuOp | None:
    """A view of a tensor that is stored in these steps already; else from the tensor's own steps to them."""
    x, wanted = stored(op.input, job), job.scales[job.name]
    if tensor(x).element_type != wanted:
        return elementwise(op, job)
    return ReshapeOp(operands=[x], result_types=[result_type(shape(x), job)])


@to_int8.on(AddOp, SubOp)
def add(op: AddOp | SubOp, job: Job) -> TpuOp | None:
    """Both operands by 15-bit multipliers, one shift, one rounding."""
    if (pair := _pair(op, job)) is None:
        return elementwise(op, job)
    (ma, mb), shift = common_shift([scale(value) / step_of(job) for value in pair])
    attributes = shared(op, RescaleAddOp) | {
        "multipliers": ints(ma, -mb if isinstance(op, SubOp) else mb),
        "rshift": integer(shift),
    }
    operands, extents = together(pair, shape(op.output), job)
    made = RescaleAddOp(operands=operands, result_types=[result_type(extents, job)], attributes=attributes)
    return job.viewed(made, shape(op.output), "merged")


@to_int8.on(MulOp)
def mul(op: MulOp, job: Job) -> TpuOp | None:
    """The product of the stored values, requantised."""
    if (pair := _pair(op, job)) is None:
        return elementwise(op, job)
    multiplier, shift = multiplier_and_shift(scale(pair[0]) * scale(pair[1]) / step_of(job))
    attributes = shared(op, RescaleMulOp) | {"multiplier": integer(multiplier), "rshift": integer(shift)}
    operands, extents = together(pair, shape(op.output), job)
    made = RescaleMulOp(operands=operands, result_types=[result_type(extents, job)], attributes=attributes)
    return job.viewed(made, shape(op.output), "merged")


def _pair(op: Elementwise, job: Job) -> list[SSAValue] | None:
    """The two int8 operands of an op in the result's rank, constants quantised; None if there aren't two."""
    _, values = bound(op, job)
    if len(values) != 2 or len(op.operands) != 2 or not all(_is_ready(value, job) for value in values):
        return None
    made = list[SSAValue]()
    for i, value in enumerate(values):
        array = job.array(value)
        if array is None:
            made.append(job.reshape(stored(value, job), aligned(value, op.output), f"x{i}"))
        else:
            element = symmetric(float(array.min()), float(array.max()))
            held = quantised_array(array.reshape(aligned(value, op.output)), element)
            made.append(job.weight(f"x{i}", held, element))
    return made


def quantise_for(x: SSAValue, weights: Array, bias: Array | None, job: Job, channels: slice = slice(None)) -> Quantised:
    """
    The weights (oc, ic / group, …) and the bias (oc) of a contraction over the quantised `x` that makes these channels.

    Scales of the input's channels become the weights', those of the result's the requantising factors'.
    """
    kind, zero = uniform(x), zero_point(x)
    reach = max(kind.maximum.data - zero, zero - kind.minimum.data)
    steps = scales_of(job.scales[job.name])
    made = steps[channels] if len(steps) > 1 else float(steps[0])
    if kind.is_per_axis:
        return quantise(weights * by_column(scales_of(kind), weights), bias, 1.0, made, reach)
    return quantise(weights, bias, scale(x), made, reach)


def by_column(scales: Array, weights: Array) -> Array:
    """The scales (ic) of a contraction's input, as factors of its weights (oc, ic / group, …)."""
    outputs, depth, *taps = weights.shape
    groups = len(scales) // depth
    columns = np.repeat(scales.reshape(groups, depth), outputs // groups, axis=0)
    return columns.reshape(outputs, depth, *(1 for _ in taps))


def weights_of(made: Quantised, suffix: str, stored: Array, job: Job, channels: slice = slice(None)) -> SSAValue:
    """The weights of a contraction that makes these channels, as the chip has them, noted for what they stand for."""
    value = job.weight(suffix, stored, I8)
    job.contracted[name_of(value)] = Contracted(made, job.name, channels)
    return value


def bias_values(bias: SSAValue, job: Job, channels: slice = slice(None)) -> Array | None:
    """The bias (oc) of a contraction's channels; None where there is none."""
    return job.constant(bias, "bias").reshape(-1)[channels] if is_present(bias) else None


def params_of(made: Quantised, job: Job, tag: str = "") -> SSAValue:
    """Bias, multiplier and shift of each output channel, i32 (1, oc, 1, 3)."""
    return job.weight(f"params{tag}", made.params.reshape(1, -1, 1, 3), i32)


def stored(value: SSAValue, job: Job) -> SSAValue:
    """An activation in int8: as it is, or cast to the type that calibration gave it."""
    return value if is_quantised(value) else cast(value, job.scales[name_of(value)], job)


def _is_ready(value: SSAValue, job: Job) -> bool:
    return isinstance(value.owner, WeightOp) or is_quantised(value) or name_of(value) in job.scales


def _is_calibrated(op: Operation, job: Job) -> bool:
    present = [value for value in op.operands if is_present(value)]
    return job.name in job.scales and all(_is_ready(value, job) for value in present)


def result_type(extents: Shape, job: Job) -> TensorType[Attribute]:
    """The type that calibration gave the op's result, which is seen under these extents."""
    return TensorType(reshaped(job.scales[job.name], shape(job.op.results[0]), extents), extents)


def part_type(extents: Shape, job: Job, channels: slice) -> TensorType[Attribute]:
    """The type of these channels, on axis 1, of the op's result."""
    return TensorType(taken(job.scales[job.name], 1, channels), extents)


def step_of(job: Job) -> float:
    """The scale of the op's result. Raises PerAxis."""
    return scale_of(job.scales[job.name])


def _tap_counts(op: AvgPoolOp) -> list[int]:
    """The numbers of taps that some window counts, in rising order."""
    window, (extents, made) = op.window, (shape(value)[2:] for value in (op.input, op.output))
    if op.count_include_pad:
        return [size(window.kernel)]
    rows, columns = (
        {sum(0 <= o * window.strides[i] - window.pads[i] + tap < extents[i]
             for tap in range(0, window.reach[i], window.dilations[i]))
         for o in range(made[i])}
        for i in range(2)
    )  # fmt: skip
    return sorted({r * c for r in rows for c in columns} - {0})
