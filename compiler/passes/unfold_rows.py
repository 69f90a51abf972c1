"""`unfold-rows`: a MatMul whose rows views make of several axes, and take apart behind it, has these axes itself."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from xdsl.dialects.builtin import TensorType
from xdsl.ir import SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from compiler.dialects.fields import ints
from compiler.dialects.structure import WeightOp
from compiler.dialects.top import ops as top
from compiler.ir.network import Network, Shape, name_of, named, shape, tensor
from compiler.passes.network_pass import NetworkPass, apply, replace


class UnfoldRows(RewritePattern):
    """
    (b, m, …) → (b·m, k) → (b·m, n) → (b, m, …), the MatMul in the middle, is (b, m, k) → (b, m, n) between views.

    Such a view that is already (b, m, n) gives its place and its name to the MatMul, whose result else keeps its own.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.MatMulOp, rewriter: PatternRewriter) -> None:
        view = op.input.owner
        if not isinstance(view, top.View) or len(shape(op.output)) != 2 or not isinstance(op.right.owner, WeightOp):
            return
        rows, columns = shape(op.output)
        lead = _leading(shape(view.input), rows)
        readers = list(dict.fromkeys(use.operation for use in op.output.uses))
        if lead is None or not readers or not all(_takes_apart(reader, lead) for reader in readers):
            return
        x = _viewed(view, (*lead, op.depth), rewriter)
        made = TensorType(tensor(op.output).element_type, (*lead, columns))
        product = top.MatMulOp(operands=[x, op.right, op.bias], result_types=[made], attributes=op.attributes)
        replace(rewriter, op, product)
        same = [reader for reader in readers if shape(reader.results[0]) == shape(product.output)]
        if same:
            product.location = same[0].location
        for reader in same:
            rewriter.replace(reader, [], [product.output])


def _leading(dims: Shape, rows: int) -> Shape | None:
    """The first axes, two or more, that are so many rows together; None where there are none such."""
    return next((dims[:n] for n in range(2, len(dims)) if prod(dims[:n]) == rows), None)


def _takes_apart(reader: object, lead: Shape) -> bool:
    return isinstance(reader, top.View) and shape(reader.output)[: len(lead)] == lead


def _viewed(view: top.View, dims: Shape, rewriter: PatternRewriter) -> SSAValue:
    """What is viewed, under other extents."""
    if shape(view.input) == dims:
        return view.input
    made = TensorType(tensor(view.output).element_type, dims)
    other = top.ReshapeOp(operands=[view.input], result_types=[made], attributes={"shape": ints(*dims)})
    return rewriter.insert(named(other, f"{name_of(view)}_unfolded")).output


@dataclass(frozen=True)
class UnfoldRowsPass(NetworkPass):
    """So the rows of a batch are told apart: attention is recognised, and rows fill the lanes."""

    name: ClassVar[str] = "unfold-rows"

    def rewrite(self, network: Network) -> None:
        apply(network, UnfoldRows())
