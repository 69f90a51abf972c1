"""
Elementwise arithmetic. Each op is its formula: all else about the family is said once, elsewhere.

Activation functions have a file of their own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import reduce

import numpy as np
from xdsl.dialects.builtin import BoolAttr, FloatAttr, f64
from xdsl.irdl import attr_def, irdl_op_definition, operand_def, traits_def, var_operand_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.fields import FALSE, Float
from compiler.dialects.formula import Apply, Operand, Term, maximum, minimum, steps
from compiler.dialects.top.base import Activated, AnyRank, OverIntegers, TopOp
from compiler.ir.network import Shape, shape, size

ONE = FloatAttr(1.0, f64)


class Elementwise(TopOp, ABC):
    """`output = term(operands)`, element by element; operands broadcast by numpy's rule."""

    traits = traits_def(Pure(), OverIntegers())

    @property
    def term(self) -> Term:
        """Fact: the op's whole meaning over its operands x0, x1, …, in the chip's functions, its Relu included."""
        made = self.over_operands()
        return self.activate(made) if isinstance(self, Activated) else made

    @abstractmethod
    def over_operands(self) -> Term:
        """The formula over x0, x1, …, without the Relu at the end."""

    def infer_shape(self) -> Shape:
        shapes = [shape(value) for value in self.operands]
        try:
            return np.broadcast_shapes(*shapes)
        except ValueError:
            raise VerifyException(f"{' and '.join(map(str, shapes))} don't broadcast") from None

    def flops(self) -> int:
        return size(shape(self.output)) * len(steps(self.term))


class Unary(Elementwise, ABC):
    """`output = formula(input)`."""

    input = operand_def(AnyRank)

    @abstractmethod
    def formula(self, x: Term) -> Term:
        """The op's meaning, in functions the chip has; written so that no finite `x` gives NaN."""

    def over_operands(self) -> Term:
        return self.formula(Operand(0))


class Nary(Elementwise, ABC):
    """`output = formula(formula(x0, x1), x2) …` over two operands or more."""

    inputs = var_operand_def(AnyRank)

    @abstractmethod
    def formula(self, a: Term, b: Term) -> Term:
        """The op's meaning for two operands."""

    def over_operands(self) -> Term:
        operands: list[Term] = [Operand(i) for i in range(len(self.inputs))]
        return reduce(self.formula, operands)

    def verify_(self) -> None:
        if not self.inputs:
            raise VerifyException("has no operand")
        super().verify_()


class WithConstant(Unary, Activated, ABC):
    """An op of a tensor and the number `const_val`."""

    const_val = attr_def(Float)

    @property
    def constant(self) -> float:
        """The number."""
        return self.const_val.value.data


@irdl_op_definition
class AddOp(Nary, Activated):
    """`a + b + …`; ONNX Add, Sum."""

    name = "top.Add"

    def formula(self, a: Term, b: Term) -> Term:
        return a + b


@irdl_op_definition
class SubOp(Nary, Activated):
    """`a - b`"""

    name = "top.Sub"

    def formula(self, a: Term, b: Term) -> Term:
        return a - b


@irdl_op_definition
class MulOp(Nary, Activated):
    """`a · b · …`"""

    name = "top.Mul"

    def formula(self, a: Term, b: Term) -> Term:
        return a * b


@irdl_op_definition
class DivOp(Nary, Activated):
    """`a / b`"""

    name = "top.Div"

    def formula(self, a: Term, b: Term) -> Term:
        return a / b


@irdl_op_definition
class MaxOp(Nary):
    """The larger of each; NaN wins."""

    name = "top.Max"

    def formula(self, a: Term, b: Term) -> Term:
        return maximum(a, b)


@irdl_op_definition
class MinOp(Nary):
    """The smaller of each; NaN wins."""

    name = "top.Min"

    def formula(self, a: Term, b: Term) -> Term:
        return minimum(a, b)


@irdl_op_definition
class AddConstOp(WithConstant):
    """`x + const_val`"""

    name = "top.AddConst"

    def formula(self, x: Term) -> Term:
        return x + self.constant


@irdl_op_definition
class SubConstOp(WithConstant):
    """`x - const_val`; `const_val - x` if `is_reverse`."""

    name = "top.SubConst"
    is_reverse = attr_def(BoolAttr, default_value=FALSE)

    def formula(self, x: Term) -> Term:
        return self.constant - x if self.is_reverse else x - self.constant


@irdl_op_definition
class MulConstOp(WithConstant):
    """`x · const_val`"""

    name = "top.MulConst"

    def formula(self, x: Term) -> Term:
        return x * self.constant


@irdl_op_definition
class DivConstOp(WithConstant):
    """`x / const_val`; `const_val / x` if `is_reverse`."""

    name = "top.DivConst"
    is_reverse = attr_def(BoolAttr, default_value=FALSE)

    def formula(self, x: Term) -> Term:
        return self.constant / x if self.is_reverse else x / self.constant


@irdl_op_definition
class MaxConstOp(Unary):
    """`max(x, const_val)`"""

    name = "top.MaxConst"
    const_val = attr_def(Float)

    def formula(self, x: Term) -> Term:
        return maximum(x, self.const_val.value.data)


@irdl_op_definition
class MinConstOp(Unary):
    """`min(x, const_val)`"""

    name = "top.MinConst"
    const_val = attr_def(Float)

    def formula(self, x: Term) -> Term:
        return minimum(x, self.const_val.value.data)


@irdl_op_definition
class ReciprocalOp(WithConstant):
    """`const_val / x`"""

    name = "top.Reciprocal"
    const_val = attr_def(Float, default_value=ONE)

    def formula(self, x: Term) -> Term:
        return self.constant / x


class OneFunction(Unary, ABC):
    """An op that the chip has as a function of the op's name in lower case."""

    def formula(self, x: Term) -> Term:
        return Apply(self.name.removeprefix("top.").lower(), (x,))


@irdl_op_definition
class AbsOp(OneFunction):
    """`|x|`"""

    name = "top.Abs"


@irdl_op_definition
class SqrtOp(OneFunction):
    """`√x`; NaN below zero."""

    name = "top.Sqrt"


@irdl_op_definition
class ExpOp(OneFunction):
    """`eˣ`"""

    name = "top.Exp"


@irdl_op_definition
class LogOp(OneFunction):
    """The natural logarithm; NaN below zero."""

    name = "top.Log"


@irdl_op_definition
class SinOp(OneFunction):
    """`sin x`, `x` in radians."""

    name = "top.Sin"


@irdl_op_definition
class CosOp(OneFunction):
    """`cos x`, `x` in radians."""

    name = "top.Cos"


@irdl_op_definition
class ErfOp(OneFunction):
    """Gauss's error function."""

    name = "top.Erf"


@irdl_op_definition
class FloorOp(OneFunction):
    """The largest integer ≤ x."""

    name = "top.Floor"


@irdl_op_definition
class CeilOp(OneFunction):
    """The smallest integer ≥ x."""

    name = "top.Ceil"


@irdl_op_definition
class RoundOp(OneFunction):
    """The nearest integer, ties to even."""

    name = "top.Round"
