"""`fuse-swish`: the pieces that exporters cut HardSigmoid, HardSwish and SiLU into become one op again."""

from __future__ import annotations

from dataclasses import dataclass
from math import isclose
from typing import ClassVar

from xdsl.dialects.builtin import FloatAttr, f64
from xdsl.ir import SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from compiler.dialects.top import ops as top
from compiler.ir.network import Network
from compiler.passes.network_pass import NetworkPass, apply, replace

CLOSE = 1e-6
"""Relative: constants come as float32."""


def _scaled(op: top.TopOp) -> float | None:
    """The number that a MulConst or DivConst multiplies by."""
    match op:
        case top.MulConstOp(do_relu=relu) if not relu:
            return op.constant
        case top.DivConstOp(do_relu=relu, is_reverse=reverse) if not relu and not reverse:
            return 1.0 / op.constant
        case _:
            return None


def _gate(value: SSAValue) -> tuple[SSAValue, float, float] | None:
    """x, bias and limit, where a value is `clip(x + bias, 0, limit)`."""
    match value.owner:
        case top.ClipOp() as clip if clip.low.value.data == 0.0:
            limit = clip.high.value.data
        case top.ReluOp() as relu if relu.relu_limit.value.data > 0:
            clip, limit = relu, relu.relu_limit.value.data
        case _:
            return None
    match clip.input.owner:
        case top.AddConstOp() as add if not add.do_relu:
            return add.input, add.constant, limit
        case _:
            return None


class FuseHardSigmoid(RewritePattern):
    """`clip(x + b, 0, m) · 1/m` is HardSigmoid of alpha 1/m and beta b/m."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.WithConstant, rewriter: PatternRewriter) -> None:
        by, gate = _scaled(op), _gate(op.input)
        if by is None or gate is None or not isclose(by * gate[2], 1.0, rel_tol=CLOSE):
            return
        x, bias, limit = gate
        attributes = {"alpha": FloatAttr(1.0 / limit, f64), "beta": FloatAttr(bias / limit, f64)}
        replace(rewriter, op, top.HardSigmoidOp(operands=[x], result_types=[op.output.type], attributes=attributes))


class FuseSwish(RewritePattern):
    """`x · HardSigmoid(x)` of alpha 1/6 and beta 1/2 is HardSwish; `x · Sigmoid(x)` is SiLU."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.MulOp, rewriter: PatternRewriter) -> None:
        if len(op.inputs) != 2 or op.do_relu:
            return
        for x, gate in (op.inputs, reversed(op.inputs)):
            match gate.owner:
                case top.HardSigmoidOp() as hard if hard.input == x and _is_swish(hard):
                    kind = top.HardSwishOp
                case top.SigmoidOp() as sigmoid if sigmoid.input == x:
                    kind = top.SiLUOp
                case _:
                    continue
            replace(rewriter, op, kind(operands=[x], result_types=[op.output.type]))
            return


class FuseHardSwish(RewritePattern):
    """`(x · clip(x + 3, 0, 6)) / 6`, also with x divided first, is HardSwish."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.TopOp, rewriter: PatternRewriter) -> None:
        by, product = (1.0, op) if isinstance(op, top.MulOp) else (_scaled(op), op.operands[0].owner)
        if by is None or not isinstance(product, top.MulOp) or len(product.inputs) != 2 or product.do_relu:
            return
        for side, gate in (product.inputs, reversed(product.inputs)):
            x, factor = _unscaled(side)
            if (found := _gate(gate)) and found == (x, 3.0, 6.0) and isclose(by * factor * 6.0, 1.0, rel_tol=CLOSE):
                replace(rewriter, op, top.HardSwishOp(operands=[x], result_types=[op.output.type]))
                return


def _is_swish(hard: top.HardSigmoidOp) -> bool:
    return isclose(hard.alpha.value.data, 1 / 6, rel_tol=CLOSE) and isclose(hard.beta.value.data, 0.5, rel_tol=CLOSE)


def _unscaled(value: SSAValue) -> tuple[SSAValue, float]:
    """What a value is a multiple of, and the factor."""
    if isinstance(op := value.owner, top.WithConstant) and (factor := _scaled(op)) is not None:
        return op.input, factor
    return value, 1.0


@dataclass(frozen=True)
class FuseSwishPass(NetworkPass):
    """Numbers must be attributes already (`constant-operands`), and Relus not yet fused."""

    name: ClassVar[str] = "fuse-swish"

    def rewrite(self, network: Network) -> None:
        apply(network, FuseHardSwish(), FuseHardSigmoid(), FuseSwish())
