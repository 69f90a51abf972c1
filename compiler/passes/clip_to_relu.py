"""`clip-to-relu`: a Clip from 0, and a maximum with 0, are Relus."""

from __future__ import annotations

from dataclasses import dataclass
from math import isinf
from typing import ClassVar

from xdsl.dialects.builtin import FloatAttr, f64
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from compiler.dialects.top import ops as top
from compiler.ir.network import Network
from compiler.passes.network_pass import NetworkPass, apply, replace


class ClipToRelu(RewritePattern):
    """Relu6 is `relu_limit = 6`."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.ClipOp | top.MaxConstOp, rewriter: PatternRewriter) -> None:
        low, high = (op.low, op.high.value.data) if isinstance(op, top.ClipOp) else (op.const_val, float("inf"))
        if low.value.data != 0.0 or high <= 0.0:
            return
        limit = FloatAttr(-1.0 if isinf(high) else high, f64)
        relu = top.ReluOp(operands=[op.input], result_types=[op.output.type], attributes={"relu_limit": limit})
        replace(rewriter, op, relu)


@dataclass(frozen=True)
class ClipToReluPass(NetworkPass):
    """Before `fuse-relu`, which then takes them too."""

    name: ClassVar[str] = "clip-to-relu"

    def rewrite(self, network: Network) -> None:
        apply(network, ClipToRelu())
