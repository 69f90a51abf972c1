"""`fuse-slice`: a Slice of a Concat reads the operands themselves, so that what was joined to be cut isn't joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from typing import ClassVar

from xdsl.dialects.builtin import TensorType
from xdsl.ir import SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from compiler.dialects.fields import ints
from compiler.dialects.top import ops as top
from compiler.ir.network import Network, name_of, named, shape, tensor
from compiler.passes.network_pass import NetworkPass, apply, replace


class SliceOfConcat(RewritePattern):
    """
    Parts of the operands that a Slice touches, joined again where they are several.

    Only where all who read the Concat are Slices, or the Slice touches a single operand.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.SliceOp, rewriter: PatternRewriter) -> None:
        joined = op.input.owner
        if not isinstance(joined, top.ConcatOp):
            return
        axis, taken = joined.axis.value.data, op.ranges()
        if taken[axis].step != 1:
            return
        extents = [shape(value)[axis] for value in joined.inputs]
        touched = list[tuple[SSAValue, range]]()
        for value, start, extent in zip(joined.inputs, accumulate(extents, initial=0), extents, strict=False):
            inside = range(max(taken[axis].start - start, 0), min(taken[axis].stop - start, extent))
            if inside:
                touched.append((value, inside))
        if len(touched) > 1 and not all(isinstance(use.operation, top.SliceOp) for use in joined.output.uses):
            return
        cuts = [_cut(value, (*taken[:axis], inside, *taken[axis + 1 :])) for value, inside in touched]
        if len(cuts) == 1:
            replace(rewriter, op, cuts[0])
            return
        parts = [rewriter.insert(named(cut, f"{name_of(op)}_part{i}")).output for i, cut in enumerate(cuts)]
        attributes = {"axis": joined.axis}
        replace(rewriter, op, top.ConcatOp(operands=[parts], result_types=[op.output.type], attributes=attributes))


class SliceOfView(RewritePattern):
    """A Slice of one axis that a view leaves as it is in a Concat goes before the view."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.SliceOp, rewriter: PatternRewriter) -> None:
        view = op.input.owner
        if not isinstance(view, top.View) or not isinstance(joined := view.input.owner, top.ConcatOp):
            return
        axis, given, seen = joined.axis.value.data, shape(view.input), shape(view.output)
        cut = [i for i, (indices, extent) in enumerate(zip(op.ranges(), seen, strict=True)) if len(indices) < extent]
        if len(cut) != 1 or (prod(seen[: cut[0]]), seen[cut[0]]) != (prod(given[:axis]), given[axis]):
            return
        taken = [op.ranges()[cut[0]] if i == axis else range(extent) for i, extent in enumerate(given)]
        part = rewriter.insert(named(_cut(view.input, taken), f"{name_of(op)}_part")).output
        attributes = {"shape": ints(*shape(op.output))}
        replace(rewriter, op, top.ReshapeOp(operands=[part], result_types=[op.output.type], attributes=attributes))
        if not view.output.uses:
            rewriter.erase(view)


def _cut(value: SSAValue, taken: Sequence[range]) -> top.SliceOp:
    """These indices of each axis, the steps above zero or backwards to the start."""
    kind = TensorType(tensor(value).element_type, [len(indices) for indices in taken])
    attributes = {
        "offset": ints(*(indices.start for indices in taken)),
        "ends": ints(*(r.stop if r.stop >= 0 else -n - 1 for n, r in zip(shape(value), taken, strict=True))),
        "steps": ints(*(indices.step for indices in taken)),
    }
    return top.SliceOp(operands=[value], result_types=[kind], attributes=attributes)


@dataclass(frozen=True)
class FuseSlicePass(NetworkPass):
    """Before `fuse-reshape` and `remove-identity`, which take out the views and the Slices that leave all as it is."""

    name: ClassVar[str] = "fuse-slice"

    def rewrite(self, network: Network) -> None:
        apply(network, SliceOfView(), SliceOfConcat())
