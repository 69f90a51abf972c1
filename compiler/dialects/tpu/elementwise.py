"""Ops of the lanes' element units, and casts."""

from __future__ import annotations

from abc import ABC

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import SSAValue
from xdsl.irdl import attr_def, irdl_op_definition, operand_def, var_operand_def
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.access import SAME, Access, Whole, broadcast
from compiler.dialects.fields import AnyTensor, Int, Ints
from compiler.dialects.formula import Apply, Term, arity, buffers, parse, whole_steps
from compiler.dialects.functions import FLOAT64, INT64
from compiler.dialects.tpu.base import Activated, TpuOp, frame_of
from compiler.ir.network import Shape, shape
from compiler.ir.storage import is_quantised, storage


def broadcast_shape(*operands: SSAValue) -> Shape:
    """The common extents of operands of one rank; an extent of 1 serves any. Raises VerifyException."""
    shapes = [shape(value) for value in operands]
    if len({len(s) for s in shapes}) != 1:
        raise VerifyException(f"operands {shapes} differ in rank; reshape them to one")
    made = tuple(max(extents) for extents in zip(*shapes, strict=True))
    if any(n not in (1, full) for s in shapes for n, full in zip(s, made, strict=True)):
        raise VerifyException(f"{shapes} don't broadcast")
    return made


@irdl_op_definition
class ElementwiseOp(TpuOp):
    """
    `output = formula(inputs)`: the last step stored in the result's type; operands broadcast.

    A step whose tensors are all plain integers is computed in 32 bits, two's complement, any other in float32. Integers
    stored in fewer bits wrap; floats stored as integers are cut towards zero and saturated, NaN as 0. Into a quantised
    type goes what the formula makes as the stored number, in steps, the zero point included.

    ```mlir
    "tpu.Elementwise"(%1) {formula = "(1.0 / (1.0 + exp((0.0 - x0))))"} : (tensor<1x8xf32>) -> tensor<1x8xf32>
    ```
    """

    name = "tpu.Elementwise"
    inputs = var_operand_def(AnyTensor)
    formula = attr_def(StringAttr)

    @property
    def term(self) -> Term:
        """The formula, parsed."""
        return parse(self.formula.data)

    def infer_shape(self) -> Shape:
        return broadcast_shape(*self.inputs)

    def reads(self) -> tuple[Access, ...]:
        return tuple(broadcast(frame_of(value), frame_of(self.output)) for value in self.inputs)

    def temporaries(self) -> int:
        return len(set(buffers(self.term).values()))

    def whole_steps(self) -> dict[Term, bool]:
        """For each operand and step of the formula, whether it is of integers."""
        return whole_steps(self.term, [storage(value).kind in "iu" for value in self.inputs])

    def verify_(self) -> None:
        try:
            needed = arity(self.term)
        except (SyntaxError, ValueError) as error:
            raise VerifyException(str(error)) from None
        if needed > len(self.inputs):
            raise VerifyException(f"the formula names {needed} operands, there are {len(self.inputs)}")
        if any(map(is_quantised, self.inputs)):
            raise VerifyException("a formula is over floats and plain integers, not over quantised numbers")
        for step, whole in self.whole_steps().items():
            if isinstance(step, Apply) and step.function not in (INT64 if whole else FLOAT64):
                raise VerifyException(f"{step} isn't a function of {'integers' if whole else 'floats'}")
        super().verify_()


@irdl_op_definition
class LutOp(TpuOp):
    """
    `output = table[input]`, of 8-bit input: the output is of 8 bits too, or a float.

    `table` (1, 1, 1, 256) is in the order of the input read as uint8, and stored like the output.
    """

    name = "tpu.Lut"
    input = operand_def(AnyTensor)
    table = operand_def(AnyTensor)

    def infer_shape(self) -> Shape:
        return shape(self.input)

    def reads(self) -> tuple[Access, ...]:
        return SAME, (Whole(),) * 4

    def verify_(self) -> None:
        if (table := storage(self.table)) != (made := storage(self.output)):
            raise VerifyException(f"the table holds {table}, the output {made}")
        super().verify_()


@irdl_op_definition
class LutsOp(TpuOp):
    """
    `output = tables[which, input]`, of 8-bit input: to each element its own of several tables.

    `tables` (1, 1, count, 256), each as a Lut has it; `which`, u8, broadcasts to the input.
    """

    name = "tpu.Luts"
    input = operand_def(AnyTensor)
    tables = operand_def(AnyTensor)
    which = operand_def(AnyTensor)

    def infer_shape(self) -> Shape:
        return shape(self.input)

    def reads(self) -> tuple[Access, ...]:
        return SAME, (Whole(),) * 4, broadcast(frame_of(self.which), frame_of(self.output))

    def verify_(self) -> None:
        if (table := storage(self.tables)) != (made := storage(self.output)):
            raise VerifyException(f"the tables hold {table}, the output {made}")
        super().verify_()


class Rescale(Activated, ABC):
    """An int8 op on two operands that broadcast; zero points are those of the types."""

    lhs = operand_def(AnyTensor)
    rhs = operand_def(AnyTensor)

    def infer_shape(self) -> Shape:
        return broadcast_shape(self.lhs, self.rhs)

    def reads(self) -> tuple[Access, ...]:
        made = frame_of(self.output)
        return broadcast(frame_of(self.lhs), made), broadcast(frame_of(self.rhs), made)


@irdl_op_definition
class RescaleAddOp(Rescale):
    """`clamp((((a - za)·m₀ + (b - zb)·m₁ + 2^(rshift-1)) >> rshift) + zy)`: one rounding (numerics.md §4)."""

    name = "tpu.RescaleAdd"
    multipliers = attr_def(Ints)
    rshift = attr_def(Int)


@irdl_op_definition
class RescaleMulOp(Rescale):
    """`requantise((a - za)·(b - zb))` by `multiplier` and `rshift` (numerics.md §4)."""

    name = "tpu.RescaleMul"
    multiplier = attr_def(Int)
    rshift = attr_def(Int)


@irdl_op_definition
class CastOp(TpuOp):
    """The same real values in another element type: `rne(x ÷ scale) + zp` to int8, `f32(q - zp)·scale` from it."""

    name = "tpu.Cast"
    input = operand_def(AnyTensor)

    def infer_shape(self) -> Shape:
        return shape(self.input)

    def reads(self) -> tuple[Access, ...]:
        return (SAME,)
