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

from compiler.dialects.fields import ints, numbers
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
    """A Slice of one axis that views leave as it is in a Concat goes before them."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.SliceOp, rewriter: PatternRewriter) -> None:
        whole = _viewed(op.input)
        if whole is op.input or not isinstance(joined := whole.owner, top.ConcatOp):
            return
        axis, given, seen = joined.axis.value.data, shape(whole), shape(op.input)
        cut = [i for i, (indices, extent) in enumerate(zip(op.ranges(), seen, strict=True)) if len(indices) < extent]
        if len(cut) != 1 or (prod(seen[: cut[0]]), seen[cut[0]]) != (prod(given[:axis]), given[axis]):
            return
        taken = [op.ranges()[cut[0]] if i == axis else range(extent) for i, extent in enumerate(given)]
        part = rewriter.insert(named(_cut(whole, taken), f"{name_of(op)}_part")).output
        attributes = {"shape": ints(*shape(op.output))}
        replace(rewriter, op, top.ReshapeOp(operands=[part], result_types=[op.output.type], attributes=attributes))
        _erase_unread(op.input, rewriter)


class SliceOfPermute(RewritePattern):
    """A Slice of one axis of a Concat whose axes are permuted, and that Slices alone read, goes before that."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.SliceOp, rewriter: PatternRewriter) -> None:
        turned = op.input.owner
        if not isinstance(turned, top.PermuteOp) or not isinstance(_viewed(turned.input).owner, top.ConcatOp):
            return
        if not all(isinstance(use.operation, top.SliceOp) for use in turned.output.uses):
            return
        taken = dict(zip(numbers(turned.order), op.ranges(), strict=True))
        if sum(len(indices) < extent for indices, extent in zip(op.ranges(), shape(op.input), strict=True)) != 1:
            return
        part = rewriter.insert(named(_cut(turned.input, [taken[i] for i in sorted(taken)]), f"{name_of(op)}_part"))
        made = top.PermuteOp(operands=[part.output], result_types=[op.output.type], attributes=turned.attributes)
        replace(rewriter, op, made)
        _erase_unread(turned.output, rewriter)


def _viewed(value: SSAValue) -> SSAValue:
    """What is seen through any number of views."""
    while isinstance(view := value.owner, top.View):
        value = view.input
    return value


def _erase_unread(value: SSAValue, rewriter: PatternRewriter) -> None:
    """Take out a view or a permutation that nobody reads any longer, and then what it alone read."""
    while isinstance(op := value.owner, top.View | top.PermuteOp) and not value.uses:
        value = op.input
        rewriter.erase(op)


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
        apply(network, SliceOfPermute(), SliceOfView(), SliceOfConcat())
