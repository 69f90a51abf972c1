"""Where a tensor changes its element type: casts between float and int8, and int8 from one scale to another."""

from __future__ import annotations

from math import prod

import numpy as np
from xdsl.dialects.builtin import StringAttr, TensorType, f32
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.formula import Apply, Operand, Term, evaluate
from compiler.dialects.quant import UniformType
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.elementwise import CastOp, ElementwiseOp, LutOp
from compiler.dialects.tpu.movement import ReshapeOp
from compiler.ir.axis_types import reshaped
from compiler.ir.network import Array, name_of, shape, tensor
from compiler.ir.storage import dtype_of, is_quantised, scale, scale_of, scales_of, storage, zero_of, zero_point
from compiler.lowering.job import Job
from simulator.arithmetic.casts import along

FRAME = 4
"""Axes that the chip addresses."""


def real(value: SSAValue, job: Job) -> SSAValue:
    """An activation in the job's float type: a quantised one is cast, and one of another float type."""
    return value if job.array(value) is not None else cast(value, job.element, job)


def cast(value: SSAValue, element: Attribute, job: Job) -> SSAValue:
    """
    `value` in another element type, made once: int8 to int8 through a table, floats to int8 around zero by a formula,
    everything else by a `tpu.Cast`.

    The internal tensor is named `<value>_int8`, `<value>_f32` and so on.
    """
    if tensor(value).element_type == element:
        return value
    if (value, element) not in job.known:
        result = TensorType(element, shape(value))
        suffix = _suffix(element)
        if _is_by_axis(tensor(value).element_type) or _is_by_axis(element):
            op = _by_axis(value, element, job)
        elif is_quantised(value) and isinstance(element, UniformType):
            table = job.weight(f"{name_of(value)}_table", values_of_table(Operand(0), value, element), element.storage)
            op = LutOp(operands=[value, table], result_types=[result])
            suffix = f"for_{job.name}"
        elif isinstance(element, UniformType) and not zero_of(element):
            term = rounded(Operand(0) * float(np.float32(1 / scale_of(element))), element)
            attributes = {"formula": StringAttr(str(term))}
            op = ElementwiseOp(operands=[[value]], result_types=[result], attributes=attributes)
        else:
            op = CastOp(operands=[value], result_types=[result])
        job.known[value, element] = job.insert(op, suffix, of=name_of(value))
    return job.known[value, element]


def _is_by_axis(element: Attribute) -> bool:
    return isinstance(element, UniformType) and element.is_per_axis


def _by_axis(value: SSAValue, element: Attribute, job: Job) -> TpuOp:
    """Between types of which one at least has scales along an axis: a product with them, or with their inverses."""
    given, dims = tensor(value).element_type, shape(value)
    axis = max(kind.axis.data for kind in (given, element) if isinstance(kind, UniformType))
    frame = dims if len(dims) <= FRAME else (prod(dims[:axis]), dims[axis], prod(dims[axis + 1 :]))
    factor = np.ones(dims[axis])
    x = job.reshape(value, frame, "frame")
    if isinstance(given, UniformType):
        factor *= scales_of(given)
        steps = np.arange(256, dtype=np.uint8).view(storage(value)).astype(np.float32) - zero_of(given)
        table = job.weight("steps_table", steps.reshape(1, 1, 1, 256), f32)
        x = job.insert(LutOp(operands=[x, table], result_types=[TensorType(f32, frame)]), "steps", of=name_of(value))
    term, result = Operand(0) * Operand(1), element
    if isinstance(element, UniformType):
        factor /= scales_of(element)
        term, result = rounded(term, element), reshaped(element, dims, frame)
    along_axis = [1] * len(frame)
    along_axis[axis if frame == dims else 1] = dims[axis]
    operands = [x, job.weight("factors", factor.reshape(along_axis), f32)]
    attributes = {"formula": StringAttr(str(term))}
    made = ElementwiseOp(operands=[operands], result_types=[TensorType(result, frame)], attributes=attributes)
    if frame == dims:
        return made
    return ReshapeOp(operands=[job.insert(made, "framed")], result_types=[TensorType(element, dims)])


def rounded(steps: Term, element: UniformType) -> Term:
    """What is stored of a number of steps. A product with their inverse takes fewer passes than a Cast's division."""
    zero = zero_of(element)
    nearest = Apply("round", (steps,))
    return nearest + zero if zero else nearest


def of_type(value: SSAValue, element: Attribute, job: Job) -> SSAValue:
    """An operand in an element type: an activation is cast, a constant is stored anew."""
    if (array := job.array(value)) is None:
        return cast(value, element, job)
    held = quantised_array(array, element) if isinstance(element, UniformType) else array
    return job.weight(name_of(value), held, element)


def values_of_table(term: Term, x: SSAValue, element: UniformType) -> Array:
    """
    (1, 1, 1, 256) bytes, in float64: for each raw byte of `x` the stored value of `term` in the type `element`.

    NaN becomes the zero point, as in a cast.
    """
    scale_of(element)
    return quantised_array(of_every_byte(term, x), element).reshape(1, 1, 1, 256)


def of_every_byte(term: Term, x: SSAValue) -> Array:
    """(256) in float64: `term` of what each raw byte of the quantised `x` means."""
    raw = np.arange(256, dtype=np.uint8).view(storage(x)).astype(np.float64)
    return evaluated(term, (raw - zero_point(x)) * scale(x))


def evaluated(term: Term, reals: Array) -> Array:
    """`term` of each real number, in float64."""
    with np.errstate(all="ignore"):
        return np.broadcast_to(evaluate(term, [reals]), reals.shape)


def quantised_array(values: Array, element: UniformType) -> Array:
    """Real numbers as stored values of a type: nearest even, saturated, NaN to the zero point."""
    zero = zero_of(element)
    with np.errstate(all="ignore"):
        scales = along(scales_of(element).tolist(), element.axis.data, values.ndim, np.float64)
        steps = np.nan_to_num(np.rint(values / scales), nan=0.0, posinf=1e9, neginf=-1e9)
    stored = np.clip(steps + zero, element.minimum.data, element.maximum.data)
    return stored.astype(dtype_of(element))


def _suffix(element: Attribute) -> str:
    return "int8" if isinstance(element, UniformType) else str(element)
