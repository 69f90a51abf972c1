"""`fuse-relu`: fold a Relu into the op that feeds it, where that op can end in one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from compiler.dialects.fields import TRUE
from compiler.dialects.top import ops as top
from compiler.ir.network import Network
from compiler.ir.storage import is_float
from compiler.passes.network_pass import NetworkPass, apply, only_producer


class FuseRelu(RewritePattern):
    """The op takes the Relu's limit and name; one of integers doesn't, which wraps before the Relu sees its result."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.ReluOp, rewriter: PatternRewriter) -> None:
        producer = only_producer(op.input)
        if not isinstance(producer, top.Activated) or producer.do_relu or not is_float(op.output):
            return
        producer.do_relu, producer.relu_limit = TRUE, op.relu_limit
        producer.location = op.location
        rewriter.handle_operation_modification(producer)
        rewriter.replace(op, [], [producer.output])


@dataclass(frozen=True)
class FuseReluPass(NetworkPass):
    """Only where nothing else reads what the Relu reads."""

    name: ClassVar[str] = "fuse-relu"

    def rewrite(self, network: Network) -> None:
        apply(network, FuseRelu())
