"""`global-pool`: a pool over the whole plane is a Reduce."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.dialects.builtin import StringAttr
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from compiler.dialects.fields import ints
from compiler.dialects.top import ops as top
from compiler.ir.network import Network
from compiler.passes.network_pass import NetworkPass, apply, replace


class GlobalPool(RewritePattern):
    """A Reduce can be cut anywhere, a window can't."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.Pool, rewriter: PatternRewriter) -> None:
        if not op.covers_plane or op.do_relu:
            return
        mode = "ReduceMax" if isinstance(op, top.MaxPoolOp) else "ReduceMean"
        attributes = {"axes": ints(2, 3), "mode": StringAttr(mode)}
        replace(rewriter, op, top.ReduceOp(operands=[op.input], result_types=[op.output.type], attributes=attributes))


@dataclass(frozen=True)
class GlobalPoolPass(NetworkPass):
    """GlobalAveragePool, GlobalMaxPool, and pools whose one unpadded window is as large as the image."""

    name: ClassVar[str] = "global-pool"

    def rewrite(self, network: Network) -> None:
        apply(network, GlobalPool())
