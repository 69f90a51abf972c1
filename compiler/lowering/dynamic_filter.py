"""Convolution by a filter that is an activation: brought into the chip's layout as the network runs, in float."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from xdsl.dialects.builtin import TensorType, f32
from xdsl.ir import SSAValue

from compiler.dialects.fields import integer, ints
from compiler.dialects.top.base import is_present
from compiler.dialects.top.contraction import ConvOp
from compiler.dialects.top.transposed import DeconvOp
from compiler.dialects.tpu import contraction, windows
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.movement import ConcatOp, PermuteOp, SliceOp
from compiler.dialects.transposed import Transposed
from compiler.ir.network import shape, size, tensor
from compiler.lowering.borders import cast, real
from compiler.lowering.job import Job, shared
from compiler.lowering.layout import per_channel
from compiler.lowering.phases import attributes_of, met
from compiler.lowering.surround import surrounded, within_reach

Part = Callable[[SSAValue, SSAValue, SSAValue, int], TpuOp]
"""From input channels, their filter (1, oc, ic, kh·kw), their bias and the op's `group`, the convolution."""


def dynamic_conv(op: ConvOp, job: Job) -> TpuOp:
    """A convolution by a filter (oc, ic / group, kh, kw) that isn't constant."""
    x = within_reach(op, real(op.input, job), job)
    filters = job.reshape(real(op.filter, job), (1, *shape(op.filter)[:2], size(shape(op.filter)[2:])), "taps")

    def make(x: SSAValue, filters: SSAValue, bias: SSAValue, group: int) -> TpuOp:
        result = TensorType(job.element, (shape(x)[0], shape(filters)[1], *shape(op.output)[2:]))
        attributes = shared(op, contraction.ConvOp) | {"group": integer(group)}
        return contraction.ConvOp(operands=[x, filters, bias], result_types=[result], attributes=attributes)

    return _by_groups(op, x, filters, job, make)


def dynamic_deconv(op: DeconvOp, job: Job) -> TpuOp:
    """A transposed convolution by a filter (ic, oc / group, kh, kw) that isn't constant."""
    filters, axes = real(op.filter, job), (op.window.rows, op.window.columns)
    lacking = [max(axis.stride - axis.taps, 0) for axis in axes]
    if any(lacking):
        filters = job.insert(surrounded(filters, [(0, 0), (0, 0), *((0, n) for n in lacking)], 0.0, job), "longer")
    rows, columns = (replace(axis, taps=axis.taps + n) for axis, n in zip(axes, lacking, strict=True))
    if not (rows.is_plain and columns.is_plain):
        raise job.refusal("a stride and a dilation that share a factor, and a filter that isn't constant")
    x, window = met(op, real(op.input, job), Transposed(rows, columns), job)
    parts = [_turned(part, window, job, str(g)) for g, part in enumerate(_parts(filters, op.groups, 0, job, "filter"))]

    def make(x: SSAValue, filters: SSAValue, bias: SSAValue, group: int) -> TpuOp:
        result = TensorType(job.element, (shape(x)[0], shape(filters)[1], *shape(op.output)[2:]))
        attributes = attributes_of(op, window, group)
        return windows.DeconvOp(operands=[x, filters, bias], result_types=[result], attributes=attributes)

    return _by_groups(op, x, _concat(parts, 1, job, "filters"), job, make)


def _turned(filters: SSAValue, window: Transposed, job: Job, tag: str) -> SSAValue:
    """(ic, oc, kh, kw) of one group → (1, oc, ic, kh·kw), the taps in the order of the phases."""
    ic, oc, *kernel = shape(filters)
    flat = job.reshape(filters, (ic, oc, size(tuple(kernel))), f"flat{tag}")
    turned = TensorType(tensor(flat).element_type, (oc, ic, shape(flat)[2]))
    filters = job.insert(
        PermuteOp(operands=[flat], result_types=[turned], attributes={"order": ints(1, 0, 2)}), f"turned{tag}"
    )
    if (order := window.order()) != list(range(len(order))):
        taps = [_slice(filters, 2, tap, 1, job, f"tap{tag}_{tap}") for tap in order]
        filters = _concat(taps, 2, job, f"taps{tag}")
    return job.reshape(filters, (1, oc, ic, len(order)), f"filter{tag}")


def _by_groups(op: ConvOp | DeconvOp, x: SSAValue, filters: SSAValue, job: Job, make: Part) -> TpuOp:
    """Dense or depthwise, or group by group; `filters` (1, oc, ic / group, kh·kw)."""
    ic, oc, groups = shape(x)[1], shape(filters)[1], op.groups
    bias = _bias(op, job)
    if groups == 1 or groups == ic == oc:
        return make(x, filters, bias, groups)
    inputs, parts = _parts(x, groups, 1, job, "in"), _parts(filters, groups, 1, job, "group_filter")
    offsets = _parts(bias, groups, 1, job, "bias") if is_present(bias) else [bias] * groups
    made = [
        job.insert(make(*operands, 1), f"group{g}")
        for g, operands in enumerate(zip(inputs, parts, offsets, strict=True))
    ]
    result = TensorType(job.element, shape(op.output))
    return ConcatOp(operands=[made], result_types=[result], attributes={"axis": integer(1)})


def _bias(op: ConvOp | DeconvOp, job: Job) -> SSAValue:
    """The bias in f32 (1, oc, 1, 1), in every float format; absent stays absent."""
    if not is_present(op.bias):
        return job.none()
    if (array := job.array(op.bias)) is not None:
        return job.weight("params", per_channel(array), f32)
    return job.reshape(cast(op.bias, f32, job), (1, size(shape(op.bias)), 1, 1), "params")


def _parts(value: SSAValue, count: int, axis: int, job: Job, role: str) -> Sequence[SSAValue]:
    """A value cut evenly along an axis."""
    if count == 1:
        return [value]
    length = shape(value)[axis] // count
    return [_slice(value, axis, g * length, length, job, f"{role}{g}") for g in range(count)]


def _slice(value: SSAValue, axis: int, start: int, length: int, job: Job, suffix: str) -> SSAValue:
    dims = shape(value)
    made = TensorType(tensor(value).element_type, (*dims[:axis], length, *dims[axis + 1 :]))
    offset = ints(*(start if i == axis else 0 for i in range(len(dims))))
    attributes = {"offset": offset, "steps": ints(*(1 for _ in dims))}
    return job.insert(SliceOp(operands=[value], result_types=[made], attributes=attributes), suffix)


def _concat(parts: Sequence[SSAValue], axis: int, job: Job, suffix: str) -> SSAValue:
    if len(parts) == 1:
        return parts[0]
    dims = shape(parts[0])
    extents = (*dims[:axis], sum(shape(part)[axis] for part in parts), *dims[axis + 1 :])
    result = TensorType(tensor(parts[0]).element_type, extents)
    made = ConcatOp(operands=[parts], result_types=[result], attributes={"axis": integer(axis)})
    return job.insert(made, suffix)
