"""`fuse-transpose`: a MatMul reads its right operand transposed, instead of after a permutation that does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.dialects.builtin import BoolAttr, TensorType
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from compiler.dialects.fields import ints, numbers
from compiler.dialects.structure import WeightOp
from compiler.dialects.top import ops as top
from compiler.ir.network import Network, name_of, named, shape, tensor
from compiler.passes.network_pass import NetworkPass, apply, only_producer, replace


class FuseTranspose(RewritePattern):
    """
    A permutation that brings the innermost axis before the last is one that leaves it there, then a transposition.

    So rows stay rows in memory. What is left of the permutation is called as it was, with `_rows` behind.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.MatMulOp, rewriter: PatternRewriter) -> None:
        turned = only_producer(op.right)
        if not isinstance(turned, top.PermuteOp) or isinstance(turned.input.owner, WeightOp):
            return
        order = list(numbers(turned.order))
        if len(order) < 2 or order[-2] != len(order) - 1:
            return
        order[-2:] = reversed(order[-2:])
        right = turned.input
        if order != sorted(order):
            made = TensorType(tensor(right).element_type, [shape(right)[axis] for axis in order])
            attributes = {"order": ints(*order)}
            permuted = top.PermuteOp(operands=[right], result_types=[made], attributes=attributes)
            right = rewriter.insert(named(permuted, f"{name_of(turned)}_rows")).output
        flipped = {**op.attributes, "right_transpose": BoolAttr.from_bool(not op.right_transpose)}
        product = top.MatMulOp(operands=[op.input, right, op.bias], result_types=[op.output.type], attributes=flipped)
        replace(rewriter, op, product)
        rewriter.erase(turned)


class FuseTransposeBehindView(RewritePattern):
    """The same where a view that leaves the last two axes alone stands between a transposition and the MatMul."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.MatMulOp, rewriter: PatternRewriter) -> None:
        view = only_producer(op.right)
        turned = only_producer(view.input) if isinstance(view, top.View) else None
        if not isinstance(view, top.View) or not isinstance(turned, top.PermuteOp):
            return
        order, made = list(numbers(turned.order)), list(shape(view.output))
        rank = len(order)
        swapped = rank > 1 and order == [*range(rank - 2), rank - 1, rank - 2]
        if not swapped or made[-2:] != list(shape(turned.output)[-2:]) or isinstance(turned.input.owner, WeightOp):
            return
        made[-2:] = reversed(made[-2:])
        kind = TensorType(tensor(op.right).element_type, made)
        reshaped = top.ReshapeOp(operands=[turned.input], result_types=[kind], attributes={"shape": ints(*made)})
        right = rewriter.insert(named(reshaped, f"{name_of(view)}_rows")).output
        flipped = {**op.attributes, "right_transpose": BoolAttr.from_bool(not op.right_transpose)}
        product = top.MatMulOp(operands=[op.input, right, op.bias], result_types=[op.output.type], attributes=flipped)
        replace(rewriter, op, product)
        rewriter.erase(view)
        rewriter.erase(turned)


@dataclass(frozen=True)
class FuseTransposePass(NetworkPass):
    """Only where nothing else reads what was permuted."""

    name: ClassVar[str] = "fuse-transpose"

    def rewrite(self, network: Network) -> None:
        apply(network, FuseTranspose(), FuseTransposeBehindView())
