"""`fuse-reshape`: one `top.Reshape` for a chain of views, and for every kind of view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from compiler.dialects.fields import ints
from compiler.dialects.top import ops as top
from compiler.ir.network import Network, shape
from compiler.passes.network_pass import NetworkPass, apply, replace


class FuseReshape(RewritePattern):
    """A view of a view is a Reshape of what the first one views."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.View, rewriter: PatternRewriter) -> None:
        before = op.input.owner
        if not isinstance(before, top.View) and isinstance(op, top.ReshapeOp):
            return
        source = before.input if isinstance(before, top.View) else op.input
        extents = ints(*shape(op.output))
        replace(
            rewriter, op, top.ReshapeOp(operands=[source], result_types=[op.output.type], attributes={"shape": extents})
        )


@dataclass(frozen=True)
class FuseReshapePass(NetworkPass):
    """Squeeze, Unsqueeze and Reshape, alone or in a row, become one Reshape; the last one's name stays."""

    name: ClassVar[str] = "fuse-reshape"

    def rewrite(self, network: Network) -> None:
        apply(network, FuseReshape())
