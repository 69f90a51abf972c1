"""Activation functions: elementwise ops of one operand."""

from __future__ import annotations

import math
from functools import reduce
from operator import mul

from xdsl.dialects.builtin import FloatAttr, IntegerType, StringAttr, f64
from xdsl.irdl import attr_def, irdl_op_definition, operand_def
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.fields import NO_LIMIT, Float
from compiler.dialects.formula import (
    Apply,
    Operand,
    Term,
    absolute,
    equal,
    erf,
    exp,
    less,
    log,
    maximum,
    minimum,
    select,
    tanh,
)
from compiler.dialects.top.base import AnyRank, element, rectified
from compiler.dialects.top.elementwise import Elementwise, OneFunction, Unary


@irdl_op_definition
class ReluOp(Unary):
    """`max(x, 0)`, and `min(…, relu_limit)` where that is positive."""

    name = "top.Relu"
    relu_limit = attr_def(Float, default_value=NO_LIMIT)

    def formula(self, x: Term) -> Term:
        return rectified(x, self.relu_limit.value.data)


@irdl_op_definition
class ClipOp(Unary):
    """`min(max(x, min), max)`; an infinite bound binds nothing."""

    name = "top.Clip"
    low = attr_def(Float, attr_name="min")
    high = attr_def(Float, attr_name="max")

    def formula(self, x: Term) -> Term:
        low, high = self.low.value.data, self.high.value.data
        above = x if low == float("-inf") else maximum(x, low)
        return above if high == float("inf") else minimum(above, high)


@irdl_op_definition
class LeakyReluOp(Unary):
    """`x` where positive, `alpha · x` where negative."""

    name = "top.LeakyRelu"
    alpha = attr_def(Float)

    def formula(self, x: Term) -> Term:
        return maximum(x, 0.0) + minimum(x, 0.0) * self.alpha.value.data


@irdl_op_definition
class ThresholdedReluOp(Unary):
    """`x` where above `alpha`, else 0."""

    name = "top.ThresholdedRelu"
    alpha = attr_def(Float)

    def formula(self, x: Term) -> Term:
        return select(less(self.alpha.value.data, x), x, 0.0)


@irdl_op_definition
class ShrinkOp(Unary):
    """`x + bias` below `-lambd`, `x - bias` above `lambd`, 0 between."""

    name = "top.Shrink"
    bias = attr_def(Float)
    lambd = attr_def(Float)

    def formula(self, x: Term) -> Term:
        bias, limit = self.bias.value.data, self.lambd.value.data
        return select(less(x, -limit), x + bias, select(less(limit, x), x - bias, 0.0))


@irdl_op_definition
class PReluOp(Elementwise):
    """`x` where positive, `slope · x` where negative; the slope broadcasts."""

    name = "top.PRelu"
    input = operand_def(AnyRank)
    slope = operand_def(AnyRank)

    def over_operands(self) -> Term:
        x, slope = Operand(0), Operand(1)
        return maximum(x, 0.0) + minimum(x, 0.0) * slope


@irdl_op_definition
class EluOp(Unary):
    """`x` where positive, `alpha · (eˣ - 1)` where negative."""

    name = "top.Elu"
    alpha = attr_def(Float)

    def formula(self, x: Term) -> Term:
        return maximum(x, 0.0) + (exp(minimum(x, 0.0)) - 1.0) * self.alpha.value.data


@irdl_op_definition
class SigmoidOp(Unary):
    """`1 / (1 + e⁻ˣ)`"""

    name = "top.Sigmoid"

    def formula(self, x: Term) -> Term:
        return 1.0 / (1.0 + exp(-x))


@irdl_op_definition
class HardSigmoidOp(Unary):
    """`max(0, min(1, alpha · x + beta))`"""

    name = "top.HardSigmoid"
    alpha = attr_def(Float)
    beta = attr_def(Float)

    def formula(self, x: Term) -> Term:
        return maximum(minimum(x * self.alpha.value.data + self.beta.value.data, 1.0), 0.0)


@irdl_op_definition
class HardSwishOp(Unary):
    """`x · max(0, min(6, x + 3)) / 6`"""

    name = "top.HardSwish"

    def formula(self, x: Term) -> Term:
        return x * maximum(minimum(x + 3.0, 6.0), 0.0) / 6.0


@irdl_op_definition
class SiLUOp(Unary):
    """`x / (1 + e⁻ˣ)`"""

    name = "top.SiLU"

    def formula(self, x: Term) -> Term:
        return x / (1.0 + exp(-x))


@irdl_op_definition
class SwishOp(Unary):
    """`x / (1 + e^(-beta·x))`"""

    name = "top.Swish"
    beta = attr_def(Float, default_value=FloatAttr(1.0, f64))

    def formula(self, x: Term) -> Term:
        return x / (1.0 + exp(x * -self.beta.value.data))


@irdl_op_definition
class GELUOp(Unary):
    """`x · Φ(x)`: by `erf` in `approx_mode` `normal`, by `tanh` in `tanh` (Hendrycks and Gimpel 2016)."""

    name = "top.GELU"
    approx_mode = attr_def(StringAttr, default_value=StringAttr("normal"))

    def formula(self, x: Term) -> Term:
        if self.approx_mode.data == "normal":
            return x * 0.5 * (1.0 + erf(x / math.sqrt(2.0)))
        return x * 0.5 * (1.0 + tanh((x + x * x * x * 0.044715) * math.sqrt(2.0 / math.pi)))

    def verify_(self) -> None:
        if self.approx_mode.data not in ("normal", "tanh"):
            raise VerifyException(f"approx_mode is normal or tanh, not {self.approx_mode.data!r}")
        super().verify_()


@irdl_op_definition
class PowOp(Unary):
    """`x` to the power `exponent`: 1, 2, 3 … by multiplying, or 0.5, the root."""

    name = "top.Pow"
    exponent = attr_def(Float)

    def formula(self, x: Term) -> Term:
        if (exponent := self.exponent.value.data) == 0.5:
            return Apply("sqrt", (x,))
        return reduce(mul, [x] * int(exponent))

    def verify_(self) -> None:
        if (exponent := self.exponent.value.data) != 0.5 and exponent not in range(1, 9):
            raise VerifyException(f"to the power {exponent}; only 0.5 and 1, 2 … 8 run")
        super().verify_()


@irdl_op_definition
class Pow3Op(Elementwise):
    """The first operand to the power of the second; of an integer to a whole float, the nearest integer."""

    name = "top.Pow3"
    base = operand_def(AnyRank)
    exponent = operand_def(AnyRank)

    def over_operands(self) -> Term:
        x, y = Operand(0), Operand(1)
        made = Apply("pow", (x, y))
        if not isinstance(element(self.output), IntegerType) or isinstance(element(self.exponent), IntegerType):
            return made
        whole = equal(Apply("floor", (y,)), y)
        return select(whole, Apply("round", (made,)), made)


@irdl_op_definition
class TanhOp(OneFunction):
    """`tanh x`"""

    name = "top.Tanh"


@irdl_op_definition
class SoftplusOp(Unary):
    """`ln(1 + eˣ)`"""

    name = "top.Softplus"

    def formula(self, x: Term) -> Term:
        return softplus(x)


@irdl_op_definition
class SoftsignOp(Unary):
    """`x / (1 + |x|)`"""

    name = "top.Softsign"

    def formula(self, x: Term) -> Term:
        return x / (1.0 + absolute(x))


@irdl_op_definition
class MishOp(Unary):
    """`x · tanh(ln(1 + eˣ))`"""

    name = "top.Mish"

    def formula(self, x: Term) -> Term:
        return x * tanh(softplus(x))


def softplus(x: Term) -> Term:
    """`ln(1 + eˣ)`, which `log(1 + exp(x))` would overflow on the way to."""
    return maximum(x, 0.0) + log(1.0 + exp(-absolute(x)))
