"""Attention as exporters write it: scores of heads, scaled and masked, their softmax, and what they weigh."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from xdsl.ir import Operation, SSAValue

from compiler.dialects.fields import numbers
from compiler.dialects.top.base import is_present
from compiler.dialects.top.contraction import MatMulOp
from compiler.dialects.top.elementwise import AddOp, DivConstOp, MulConstOp
from compiler.dialects.top.movement import PermuteOp, View
from compiler.dialects.top.normalisation import SoftmaxOp
from compiler.ir.network import Network, Shape, shape
from compiler.passes.network_pass import only_producer

T = TypeVar("T", bound=Operation)

APART = (0, 2, 1, 3)
"""The order of axes that brings heads before rows, and back."""


class NotAttention(Exception):
    """The ops aren't those of attention."""


@dataclass
class Attention:
    """
    `softmax(query · keyᵀ · scale + masks) · value` of each of `heads`, which lie side by side.

    `query` (b, m, heads·k), `key` (b, n, heads·k) and `value` (b, n, heads·d) make the result (b, m, heads·d) of the
    last op of `ops`, which are in order and read by nothing else. Masks broadcast to (b, 1, m, n). Operands are known
    by the ops that read them: what makes them may be replaced.
    """

    views: tuple[View, View, View]
    heads: int
    scale: float
    added: list[tuple[AddOp, int]]
    ops: list[Operation]

    @property
    def query(self) -> SSAValue:
        """What is looked for, a row each."""
        return self.views[0].input

    @property
    def key(self) -> SSAValue:
        """What that is multiplied by."""
        return self.views[1].input

    @property
    def value(self) -> SSAValue:
        """What is weighed."""
        return self.views[2].input

    @property
    def masks(self) -> list[SSAValue]:
        """What is added to the scores, in order."""
        return [op.operands[i] for op, i in self.added]

    @property
    def rows(self) -> int:
        """Rows of the query."""
        return shape(self.query)[1]

    @property
    def depth(self) -> int:
        """The longer of what each sum of the two products runs over."""
        return max(shape(self.query)[2] // self.heads, shape(self.key)[1])

    @property
    def widest(self) -> int:
        """Columns of the widest head of an operand."""
        return max(shape(self.query)[2], shape(self.value)[2]) // self.heads

    @property
    def width(self) -> int:
        """Columns of a head of the result."""
        return shape(self.value)[2] // self.heads


def attentions(network: Network) -> Iterator[Attention]:
    """All there are in a network of Top ops."""
    for op in network.ops:
        if isinstance(op, View):
            try:
                yield _ending_in(op)
            except NotAttention:
                continue


def _ending_in(last: View) -> Attention:
    turned = _only(PermuteOp, last.input)
    mixing = _only(MatMulOp, turned.input)
    softmax = _only(SoftmaxOp, mixing.input)
    if numbers(turned.order) != APART or not _is_plain(mixing) or mixing.right_transpose or not _is_last(softmax):
        raise NotAttention
    scale, added, between, scoring = _scaled(softmax.input)
    if not _is_plain(scoring) or not scoring.right_transpose:
        raise NotAttention
    heads = [_heads(value) for value in (scoring.input, scoring.right, mixing.right)]
    (query, _), (key, _), (value, _) = heads
    ops = [*(op for pair in heads for op in pair), scoring, *between, softmax, mixing, turned, last]
    found = Attention((query, key, value), shape(scoring.output)[1], scale, added, ops)
    batch, _, m, n = shape(scoring.output)
    if shape(last.output) != (batch, m, shape(found.value)[2]):
        raise NotAttention
    if any(not _broadcasts(shape(mask), (batch, 1, m, n)) for mask in found.masks):
        raise NotAttention
    return found


def _scaled(scores: SSAValue) -> tuple[float, list[tuple[AddOp, int]], list[Operation], MatMulOp]:
    """The factor of the scores and what is added after it, the ops that do it, and the product."""
    scale, added, ops = 1.0, list[tuple[AddOp, int]](), list[Operation]()
    while not isinstance(op := _only(Operation, scores), MatMulOp):
        match op:
            case MulConstOp() if op.constant > 0 and not op.do_relu:
                scale, scores = scale * op.constant, op.input
            case DivConstOp() if op.constant > 0 and not op.do_relu and not op.is_reverse:
                scale, scores = scale / op.constant, op.input
            case AddOp() if len(op.inputs) == 2 and scale == 1.0 and not op.do_relu:
                mask = int(shape(op.inputs[0]) == shape(op.output))
                added.insert(0, (op, mask))
                scores = op.inputs[1 - mask]
            case _:
                raise NotAttention
        ops.insert(0, op)
    return scale, added, ops, op


def _heads(value: SSAValue) -> tuple[View, PermuteOp]:
    """The view of (b, rows, heads·depth) that sets heads apart, and the permutation that makes `value` of it."""
    turned = _only(PermuteOp, value)
    view = _only(View, turned.input)
    if numbers(turned.order) != APART or len(shape(view.input)) != 3:
        raise NotAttention
    (batch, rows, wide), (b, r, heads, depth) = shape(view.input), shape(view.output)
    if (batch, rows, wide) != (b, r, heads * depth):
        raise NotAttention
    return view, turned


def _only(kind: type[T], value: SSAValue) -> T:
    """The op of that kind that makes a value which nothing else reads. Raises NotAttention."""
    if not isinstance(op := only_producer(value), kind):
        raise NotAttention
    return op


def _is_plain(op: MatMulOp) -> bool:
    return not is_present(op.bias) and not op.do_relu and len(shape(op.output)) == 4


def _is_last(op: SoftmaxOp) -> bool:
    return op.axis.value.data == len(shape(op.output)) - 1 and not op.log and op.beta.value.data == 1.0


def _broadcasts(own: Shape, wanted: Shape) -> bool:
    full = (*(1,) * (len(wanted) - len(own)), *own)
    return len(full) == len(wanted) and all(n in (1, m) for n, m in zip(full, wanted, strict=True))
