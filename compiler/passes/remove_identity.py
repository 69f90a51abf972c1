"""`remove-identity`: drop ops that hand on what they are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.dialects.func import ReturnOp
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from compiler.dialects.fields import numbers
from compiler.dialects.formula import steps
from compiler.dialects.top import ops as top
from compiler.ir.network import Network, shape
from compiler.passes.network_pass import NetworkPass, apply, only_producer


def does_nothing(op: top.TopOp) -> bool:
    """Whether the op's result is its first operand, element for element."""
    match op:
        case top.View():
            return shape(op.input) == shape(op.output)
        case top.PermuteOp():
            return list(numbers(op.order)) == sorted(numbers(op.order))
        case top.SliceOp():
            return shape(op.input) == shape(op.output) and min(numbers(op.steps), default=1) > 0
        case top.PadOp():
            return not any(numbers(op.paddings))
        case top.ConcatOp():
            return len(op.inputs) == 1
        case top.Elementwise():
            return not steps(op.term) and op.operands[0].type == op.output.type
        case _:
            return False


def _is_whole_path(op: top.TopOp) -> bool:
    """Whether the op alone lies between an input or a weight and a result of the network, which needs a tensor."""
    return not isinstance(op.operands[0].owner, top.TopOp) and any(
        isinstance(use.operation, ReturnOp) for use in op.output.uses
    )


class RemoveIdentity(RewritePattern):
    """The op before takes the name, if nobody else knows it by its own."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.TopOp, rewriter: PatternRewriter) -> None:
        if not does_nothing(op) or _is_whole_path(op):
            return
        producer = only_producer(op.operands[0])
        if isinstance(producer, top.TopOp):
            producer.location = op.location
        rewriter.replace(op, [], [op.operands[0]])


@dataclass(frozen=True)
class RemoveIdentityPass(NetworkPass):
    """Identity, Dropout, and reshapes, permutations, slices, pads that leave all as it is."""

    name: ClassVar[str] = "remove-identity"

    def rewrite(self, network: Network) -> None:
        apply(network, RemoveIdentity())
