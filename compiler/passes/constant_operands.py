"""`constant-operands`: an operand that is one number becomes an attribute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.dialects.builtin import FloatAttr, f64
from xdsl.ir import Attribute
from xdsl.pattern_rewriter import PatternRewriter, op_type_rewrite_pattern

from compiler.dialects.fields import TRUE
from compiler.dialects.top import ops as top
from compiler.ir.network import Network, shape
from compiler.passes.network_pass import NetworkPass, NetworkPattern, apply, replace

NOTHING: dict[str, Attribute] = {}
REVERSED: dict[str, Attribute] = {"is_reverse": TRUE}
WITH_CONSTANT: dict[type[top.Nary], tuple[type[top.Unary], type[top.Unary], dict[str, Attribute]]] = {
    top.AddOp: (top.AddConstOp, top.AddConstOp, NOTHING),
    top.SubOp: (top.SubConstOp, top.SubConstOp, REVERSED),
    top.MulOp: (top.MulConstOp, top.MulConstOp, NOTHING),
    top.DivOp: (top.DivConstOp, top.ReciprocalOp, NOTHING),
    top.MaxOp: (top.MaxConstOp, top.MaxConstOp, NOTHING),
    top.MinOp: (top.MinConstOp, top.MinConstOp, NOTHING),
}
"""By op: what it is with the number on the right; with the number on the left, and the attributes that say so."""


@dataclass
class ConstantOperand(NetworkPattern):
    """`x + weight` of one element is `AddConst(x)`, and so on; but not of an integer that no double is."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.Nary, rewriter: PatternRewriter) -> None:
        if len(op.inputs) != 2 or type(op) not in WITH_CONSTANT:
            return
        right_kind, left_kind, left_says = WITH_CONSTANT[type(op)]
        for at, (kind, says) in enumerate(((left_kind, left_says), (right_kind, NOTHING))):
            number, other = self.constant(op.inputs[at]), op.inputs[1 - at]
            if number is None or number.size != 1 or shape(other) != shape(op.output):
                continue
            if float(number.item()) != number.item() and number.dtype.kind in "iu":
                continue
            kept = {key: value for key, value in op.attributes.items() if key in ("do_relu", "relu_limit")}
            attributes = {**kept, **says, "const_val": FloatAttr(number.item(), f64)}
            made = kind(operands=[other], result_types=[op.output.type], attributes=attributes)
            replace(rewriter, op, made)
            return


@dataclass(frozen=True)
class ConstantOperands(NetworkPass):
    """Add, Sub, Mul, Div, Max and Min of a tensor and a number."""

    name: ClassVar[str] = "constant-operands"

    def rewrite(self, network: Network) -> None:
        apply(network, ConstantOperand(network))
