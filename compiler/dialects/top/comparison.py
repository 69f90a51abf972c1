"""Comparison, logic, bits, signs and remainders: elementwise ops over integers and bools as well as floats."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Mapping
from typing import ClassVar

from xdsl.dialects.builtin import BoolAttr, IntegerType, StringAttr, i1
from xdsl.irdl import attr_def, irdl_op_definition, operand_def
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.fields import FALSE, TRUE
from compiler.dialects.formula import Apply, Operand, Term, absolute, at_most, equal, inverted, less, select
from compiler.dialects.top.base import AnyRank, element
from compiler.dialects.top.elementwise import Elementwise, Nary, Unary

MODES: Mapping[str, Callable[[Term, Term], Term]] = {
    "Less": less,
    "LessOrEqual": at_most,
    "Greater": lambda a, b: less(b, a),
    "GreaterOrEqual": lambda a, b: at_most(b, a),
    "Equal": equal,
}
"""What `top.Compare` compares by, in ONNX's words."""


@irdl_op_definition
class CompareOp(Elementwise):
    """Whether `lhs` and `rhs` stand in the relation `mode`, a bool; false where one is NaN."""

    name = "top.Compare"
    lhs = operand_def(AnyRank)
    rhs = operand_def(AnyRank)
    mode = attr_def(StringAttr)

    def over_operands(self) -> Term:
        return MODES[self.mode.data](Operand(0), Operand(1))

    def verify_(self) -> None:
        if self.mode.data not in MODES:
            raise VerifyException(f"mode is one of {', '.join(MODES)}, not {self.mode.data!r}")
        super().verify_()


@irdl_op_definition
class WhereOp(Elementwise):
    """`tbrn` where `cond`, a bool, is true, else `fbrn`."""

    name = "top.Where"
    cond = operand_def(AnyRank)
    tbrn = operand_def(AnyRank)
    fbrn = operand_def(AnyRank)

    def over_operands(self) -> Term:
        return select(Operand(0), Operand(1), Operand(2))


class Bits(Nary, ABC):
    """A function of the bits of two integers; bools are 0 and 1."""

    FUNCTION: ClassVar[str]
    """The chip's name of it."""

    def formula(self, a: Term, b: Term) -> Term:
        return Apply(self.FUNCTION, (a, b))


@irdl_op_definition
class BitwiseAndOp(Bits):
    """`a & b`"""

    name = "top.BitwiseAnd"
    FUNCTION: ClassVar[str] = "bitand"


@irdl_op_definition
class BitwiseOrOp(Bits):
    """`a | b`"""

    name = "top.BitwiseOr"
    FUNCTION: ClassVar[str] = "bitor"


@irdl_op_definition
class BitwiseXorOp(Bits):
    """`a ^ b`"""

    name = "top.BitwiseXor"
    FUNCTION: ClassVar[str] = "bitxor"


@irdl_op_definition
class LogicalAndOp(Bits):
    """Whether both are true."""

    name = "top.LogicalAnd"
    FUNCTION: ClassVar[str] = "bitand"


@irdl_op_definition
class LogicalOrOp(Bits):
    """Whether one of them is true."""

    name = "top.LogicalOr"
    FUNCTION: ClassVar[str] = "bitor"


@irdl_op_definition
class LogicalXorOp(Bits):
    """Whether just one of them is true."""

    name = "top.LogicalXor"
    FUNCTION: ClassVar[str] = "bitxor"


@irdl_op_definition
class LogicalNotOp(Unary):
    """Whether it is false."""

    name = "top.LogicalNot"

    def formula(self, x: Term) -> Term:
        return inverted(x)


@irdl_op_definition
class BitwiseNotOp(Unary):
    """Every bit of an integer turned over: `-1 - x`."""

    name = "top.BitwiseNot"

    def formula(self, x: Term) -> Term:
        return -1.0 - x


@irdl_op_definition
class BitShiftOp(Nary):
    """
    The bits of the first integer moved by the second, `LEFT` or `RIGHT`.

    Signed integers keep their sign. A distance below 0, or of the width or more, leaves the sign alone, or 0.
    """

    name = "top.BitShift"
    direction = attr_def(StringAttr)

    def formula(self, a: Term, b: Term) -> Term:
        return Apply("shl" if self.direction.data == "LEFT" else "shr", (a, b))

    def verify_(self) -> None:
        if self.direction.data not in ("LEFT", "RIGHT"):
            raise VerifyException(f"direction is LEFT or RIGHT, not {self.direction.data!r}")
        super().verify_()


@irdl_op_definition
class ModOp(Nary):
    """The remainder of `a / b`, its quotient rounded down; towards zero with `fmod`."""

    name = "top.Mod"
    fmod = attr_def(BoolAttr, default_value=FALSE)

    def formula(self, a: Term, b: Term) -> Term:
        return Apply("fmod" if self.fmod else "mod", (a, b))


@irdl_op_definition
class SignOp(Unary):
    """-1, 0 or 1; NaN for NaN."""

    name = "top.Sign"

    def formula(self, x: Term) -> Term:
        sign = less(0.0, x) - less(x, 0.0)
        return sign if isinstance(element(self.input), IntegerType) else select(equal(x, x), sign, x)


@irdl_op_definition
class IsNaNOp(Unary):
    """Whether a float isn't a number, a bool."""

    name = "top.IsNaN"

    def formula(self, x: Term) -> Term:
        return inverted(equal(x, x))


@irdl_op_definition
class IsInfOp(Unary):
    """Whether a float is infinite, a bool: of the signs that are asked for."""

    name = "top.IsInf"
    detect_negative = attr_def(BoolAttr, default_value=TRUE)
    detect_positive = attr_def(BoolAttr, default_value=TRUE)

    def formula(self, x: Term) -> Term:
        infinity = float("inf")
        match bool(self.detect_negative), bool(self.detect_positive):
            case True, True:
                return equal(absolute(x), infinity)
            case False, False:
                return less(x, x)
            case negative, _:
                return equal(x, -infinity if negative else infinity)


@irdl_op_definition
class CastOp(Unary):
    """
    The same numbers in the result's element type.

    Floats are cut towards zero to become integers, and saturated; integers wrap; to a bool, all but 0 is true.
    """

    name = "top.Cast"

    def formula(self, x: Term) -> Term:
        return inverted(inverted(x)) if self.makes_bool else x

    @property
    def makes_bool(self) -> bool:
        """Whether the result is a bool, and the operand isn't one."""
        return element(self.output) == i1 != element(self.input)
