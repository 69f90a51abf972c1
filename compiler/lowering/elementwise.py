"""Elementwise ops over floats, integers and bools, computed as they are: nothing here is quantised."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import IntegerType, Signedness, StringAttr, TensorType
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.formula import Apply, Constant, Term, maximum, minimum, whole_steps
from compiler.dialects.top.elementwise import Elementwise
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.elementwise import ElementwiseOp, LutOp
from compiler.ir.network import shape, tensor
from compiler.ir.storage import dtype_of, is_quantised
from compiler.lowering.axes import together
from compiler.lowering.borders import of_every_byte, real
from compiler.lowering.floating import to_float
from compiler.lowering.integers import I8, LEAST, MOST, U8, chip_element, held
from compiler.lowering.job import Job
from compiler.lowering.layout import aligned
from compiler.lowering.terms import bound
from simulator.arithmetic.casts import store


@to_float.on(Elementwise)
def elementwise(op: Elementwise, job: Job) -> TpuOp:
    """One op of the whole formula; constants get the rank of the result, or stand in the formula if scalar."""
    term, values = bound(op, job)
    if len(values) == 1 and is_quantised(values[0]) and chip_element(tensor(op.output).element_type) in (I8, U8):
        return _by_table(op, term, values[0], job)
    operands = [_operand(value, aligned(value, op.output), i, job) for i, value in enumerate(values)]
    whole = [isinstance(tensor(value).element_type, IntegerType) for value in operands]
    term = _in_range(_fitted(term, whole, job), whole, op.output)
    operands, extents = together(operands, shape(op.output), job)
    element = chip_element(tensor(op.output).element_type) or job.element
    made = ElementwiseOp(
        operands=[operands],
        result_types=[TensorType(element, extents)],
        attributes={"formula": StringAttr(str(term))},
    )
    return job.viewed(made, shape(op.output), "merged")


def _by_table(op: Elementwise, term: Term, x: SSAValue, job: Job) -> TpuOp:
    """Bools or bytes of a quantised operand: a result for each of its 256 values, stored as the chip stores floats."""
    element = I8 if chip_element(tensor(op.output).element_type) == I8 else U8
    made = store(of_every_byte(term, x).astype(np.float32), dtype_of(element))
    table = job.weight("table", made.reshape(1, 1, 1, 256), element)
    lut = LutOp(operands=[x, table], result_types=[TensorType(element, shape(x))])
    return job.viewed(lut, shape(op.output), "values")


def _operand(value: SSAValue, extents: tuple[int, ...], index: int, job: Job) -> SSAValue:
    """An operand in the rank of the result: integers as the chip has them, floats in the job's type."""
    element, array = chip_element(tensor(value).element_type), job.array(value)
    if array is None:
        return job.reshape(value if element else real(value, job), extents, f"x{index}")
    if element:
        return job.weight(f"x{index}", held(array, job).reshape(extents), element)
    return job.weight(f"x{index}", array.reshape(extents), job.element)


def _fitted(term: Term, whole: list[bool], job: Job) -> Term:
    """The formula with the bounds of integers that 32 bits can't hold moved to what they can. Raises Unlowerable."""
    known = whole_steps(term, whole)

    def fit(inner: Term) -> Term:
        if not isinstance(inner, Apply):
            return inner
        terms = tuple(map(fit, inner.terms))
        if known[inner]:
            terms = tuple(_scalar(t, inner.function, job) if isinstance(t, Constant) else t for t in terms)
        return Apply(inner.function, terms)

    return fit(term)


def _scalar(constant: Constant, function: str, job: Job) -> Constant:
    if function in ("max", "min"):
        return Constant(float(np.clip(constant.value, LEAST, MOST)))
    if not LEAST <= constant.value <= MOST or constant.value % 1:
        raise job.refusal(f"{constant} beside integers is no integer of 32 bits, which the chip's have")
    return constant


def _in_range(term: Term, whole: list[bool], output: SSAValue) -> Term:
    """A result of 16 bits, which the chip stores in 32, brought into its range: integers wrap, floats saturate."""
    element: Attribute = tensor(output).element_type
    if not isinstance(element, IntegerType) or element.width.data != 16:
        return term
    signed = element.signedness.data is not Signedness.UNSIGNED
    if not whole_steps(term, whole).get(term, False):
        low, high = (-32768.0, 32767.0) if signed else (0.0, 65535.0)
        return minimum(maximum(term, low), high)
    if not signed:
        return Apply("bitand", (term, Constant(65535.0)))
    return Apply("shr", (Apply("shl", (term, Constant(16.0))), Constant(16.0)))
