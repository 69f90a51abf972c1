"""`constant-fold`: work out ops whose operands are all weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Operation
from xdsl.pattern_rewriter import PatternRewriter, op_type_rewrite_pattern

from compiler.dialects.fields import numbers
from compiler.dialects.formula import evaluate
from compiler.dialects.top import ops as top
from compiler.ir.interface import Interface
from compiler.ir.network import Array, Network, name_of, shape
from compiler.ir.storage import is_float
from compiler.passes.network_pass import NetworkPass, NetworkPattern, apply


@Interface
def fold(op: Operation, operands: Sequence[Array]) -> Array:
    """The op's result in float64, from its operands in float64."""
    raise NotImplementedError


@fold.on(top.Elementwise)
def elementwise(op: top.Elementwise, operands: Sequence[Array]) -> Array:
    return np.broadcast_to(evaluate(op.term, operands), shape(op.output))


@fold.on(top.View)
def view(op: top.View, operands: Sequence[Array]) -> Array:
    return operands[0].reshape(shape(op.output))


@fold.on(top.PermuteOp)
def permute(op: top.PermuteOp, operands: Sequence[Array]) -> Array:
    return operands[0].transpose(numbers(op.order))


@fold.on(top.SliceOp)
def cut(op: top.SliceOp, operands: Sequence[Array]) -> Array:
    return operands[0][np.ix_(*op.ranges())]


@fold.on(top.ConcatOp)
def concat(op: top.ConcatOp, operands: Sequence[Array]) -> Array:
    return np.concatenate(operands, op.axis.value.data)


@fold.on(top.PadOp)
def pad(op: top.PadOp, operands: Sequence[Array]) -> Array:
    if op.mode.data != "constant":
        return operands[0][np.ix_(*map(op.rows, range(operands[0].ndim)))]
    return np.pad(operands[0], op.sides(), constant_values=op.val.value.data)


@fold.on(top.ExpandOp)
def expand(op: top.ExpandOp, operands: Sequence[Array]) -> Array:
    return np.broadcast_to(operands[0], shape(op.output))


@fold.on(top.TileOp)
def tile(op: top.TileOp, operands: Sequence[Array]) -> Array:
    return np.tile(operands[0], numbers(op.tile))


@dataclass
class FoldConstant(NetworkPattern):
    """An op on weights alone becomes the weight it makes, under its name; one that the network returns stays."""

    elements: int

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.TopOp, rewriter: PatternRewriter) -> None:
        operands = [array for value in op.operands if (array := self.constant(value)) is not None]
        if len(operands) < len(op.operands) or fold.answer_of(type(op)) is None:
            return
        if np.prod(shape(op.output)) > self.elements or any(isinstance(u.operation, ReturnOp) for u in op.output.uses):
            return
        if op.has_trait(top.PassesValues):
            made = fold(op, operands)
        elif all(map(is_float, (*op.operands, op.output))):
            made = fold(op, [array.astype(np.float64) for array in operands])
        else:
            return
        rewriter.replace(op, [], [self.add_weight(rewriter, name_of(op), made)])


@dataclass(frozen=True)
class ConstantFold(NetworkPass):
    """Results of more than `elements` elements stay as they are: a small file may stand for a large tensor."""

    name: ClassVar[str] = "constant-fold"
    elements: int = 1 << 24

    def rewrite(self, network: Network) -> None:
        apply(network, FoldConstant(network, self.elements))
