"""`raise-scale`: a factor moves before the reshapes and permutations that stand between it and its contraction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.ir import SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from compiler.dialects.structure import WeightOp
from compiler.dialects.top import ops as top
from compiler.ir.network import Network, name_of, named
from compiler.passes.network_pass import NetworkPass, apply, only_producer, replace


class RaiseScale(RewritePattern):
    """`move(x) · s` is `move(x · s)`, the factor then called as it was with `_scaled` behind."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.MulConstOp | top.DivConstOp, rewriter: PatternRewriter) -> None:
        move = only_producer(op.input)
        if op.do_relu or (isinstance(op, top.DivConstOp) and op.is_reverse) or not isinstance(move, MOVES):
            return
        if not _is_contracted(move.input):
            return
        scaled = type(op)(operands=[move.input], result_types=[move.input.type], attributes=op.attributes)
        rewriter.insert(named(scaled, f"{name_of(op)}_scaled"))
        moved = type(move)(operands=[scaled.output], result_types=[move.output.type], attributes=move.attributes)
        replace(rewriter, op, moved)
        rewriter.erase(move)


MOVES = (top.View, top.PermuteOp)
"""Ops that a factor of all elements may stand before as well as behind."""


def _is_contracted(value: SSAValue) -> bool:
    """Whether a value is made of a contraction by weights, which takes factors in, by moves alone."""
    producer = only_producer(value)
    match producer:
        case top.View() | top.PermuteOp():
            return _is_contracted(producer.input)
        case top.MatMulOp(do_relu=relu) if not relu:
            return isinstance(producer.right.owner, WeightOp)
        case top.ConvOp(do_relu=relu) if not relu:
            return isinstance(producer.filter.owner, WeightOp)
        case _:
            return False


@dataclass(frozen=True)
class RaiseScalePass(NetworkPass):
    """For `fuse-affine`, which then makes it part of the weights."""

    name: ClassVar[str] = "raise-scale"

    def rewrite(self, network: Network) -> None:
        apply(network, RaiseScale())
