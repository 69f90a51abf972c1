"""
The order of ops: of all that respect who reads whom, one that divides into few runs and keeps few bytes alive.

Chains stay as they are. Where there is a choice, dynamic programming over the sets of ops that may be done so far keeps
the best way to each, which finds the least peak; where there are many such sets only the best go on, and it may not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from xdsl.dialects.builtin import TensorType
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Operation, SSAValue

from compiler.dialects.host import HostOp
from compiler.dialects.structure import WeightOp
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.movement import ConcatOp, ReshapeOp
from compiler.ir.network import Network, shape, size
from compiler.ir.storage import itemsize
from compiler.schedule.nodes import Node
from compiler.schedule.views import views

WIDTH, WORK = 48, 6000
"""Sets of one size that go on; fewer in a network of many ops, so that all come to about so many."""


class Measure(NamedTuple):
    """
    What an order comes to; the lesser is the better.

    `runs`: stretches of neighbours that might each be one group. `handed`: the bytes live between one run and the next,
    which leave local memory, added up. `peak`: the most bytes live at one op. `total`: the bytes live at each op added
    up, which says how near what is made lies to who reads it.
    """

    runs: int
    handed: int
    peak: int
    total: int


NOTHING = Measure(0, 0, 0, 0)


@dataclass(frozen=True)
class Tensor:
    """`bytes` that live from the first to the last of the `ops` that touch it; sets of ops are bits of a number."""

    bytes: int
    ops: int


@dataclass(frozen=True)
class _Way:
    """
    Ops that are done, in an order (a list from its end), what it came to, and the bytes live after the last.

    `run` are those of them that the next op might stand in one group with.
    """

    done: int
    run: int
    live: int
    measure: Measure
    last: int = -1
    way: _Way | None = None

    def order(self) -> list[int]:
        """The ops from the first."""
        found, way = list[int](), self
        while way.way is not None:
            found.append(way.last)
            way = way.way
        return found[::-1]


class Steps:
    """
    Ops by number, those that must go `before` each, and the tensors they touch; the numbers are an order already.

    `apart`: for each op those whose results it can't read within a group, or None if it stands outside of groups.
    """

    def __init__(
        self, before: Sequence[int], tensors: Sequence[Tensor], apart: Sequence[int | None] | None = None
    ) -> None:
        self.before = before
        self.apart = apart or [0] * len(before)
        self.touched = [[tensor for tensor in tensors if tensor.ops >> i & 1] for i in range(len(before))]
        self.after = [[j for j, earlier in enumerate(before) if earlier >> i & 1] for i in range(len(before))]

    def measure(self, order: Sequence[int]) -> Measure:
        """What an order comes to."""
        way = _Way(0, 0, 0, NOTHING)
        for i in order:
            way = self._then(way, i)
        return way.measure

    def best(self) -> list[int]:
        """The best order found, that of the numbers unless another beats it by more than the total."""
        given = list(range(len(self.before)))
        width = min(WIDTH, 1 + WORK // (1 + len(given)))
        level = [(_Way(0, 0, 0, NOTHING), tuple(i for i in given if not self.before[i]))]
        for _ in given:
            reached = dict[int, tuple[_Way, tuple[int, ...]]]()
            for way, ready in level:
                for i in ready:
                    further = self._then(way, i)
                    known = reached.get(further.done)
                    if known is None or further.measure < known[0].measure:
                        reached[further.done] = further, known[1] if known else self._ready(further.done, ready, i)
            level = sorted(reached.values(), key=lambda entry: entry[0].measure)[:width]
        found = level[0][0]
        return found.order() if found.measure[:3] < self.measure(given)[:3] else given

    def _ready(self, done: int, ready: Sequence[int], i: int) -> tuple[int, ...]:
        freed = (j for j in self.after[i] if not self.before[j] & ~done)
        return tuple(sorted({*ready, *freed} - {i}))

    def _then(self, way: _Way, i: int) -> _Way:
        done = way.done | 1 << i
        begun = sum(tensor.bytes for tensor in self.touched[i] if not tensor.ops & way.done)
        ended = sum(tensor.bytes for tensor in self.touched[i] if not tensor.ops & ~done)
        live, apart, before = way.live + begun, self.apart[i], way.measure
        begins = apart is not None and (not way.run or bool(way.run & apart))
        run = 0 if apart is None else 1 << i if begins else way.run | 1 << i
        handed = before.handed + (way.live if begins else 0)
        measure = Measure(before.runs + begins, handed, max(before.peak, live), before.total + live)
        return _Way(done, run, live - ended, measure, i, way)


def ordered(network: Network, nodes: Mapping[Operation, Node]) -> list[Operation]:
    """
    The ops of `main` that chip and host run, in the order found; nothing passes an op of the host.

    `nodes` are the ops that may be in groups.
    """
    ops = [op for op in network.ops if isinstance(op, TpuOp | HostOp)]
    number: dict[Operation, int] = {op: i for i, op in enumerate(ops)}
    before, apart, barrier = list[int](), list[int | None](), 0
    for i, op in enumerate(ops):
        barrier = (1 << i) - 1 if isinstance(op, HostOp) else barrier
        before.append(_makers(op.operands, number) | barrier)
        barrier |= 1 << i if isinstance(op, HostOp) else 0
        node = nodes.get(op)
        apart.append(_makers([o.value for o in node.operands if o.outside], number) if node else None)
    return [ops[i] for i in Steps(before, list(_tensors(network, number)), apart).best()]


def _makers(values: Iterable[SSAValue], number: Mapping[Operation, int]) -> int:
    owners = {value.owner for value in values}
    return sum(1 << number[owner] for owner in owners if isinstance(owner, Operation) and owner in number)


def _tensors(network: Network, number: Mapping[Operation, int]) -> Iterator[Tensor]:
    """What memory is needed for: views and operands of a concatenation that holds them are one with it; no outputs."""
    roots, free = dict[SSAValue, SSAValue](), views(network)
    returned = {value for op in network.ops if isinstance(op, ReturnOp) for value in op.operands}
    touched, most = dict[SSAValue, int](), dict[SSAValue, int]()
    for op in network.ops:
        if isinstance(op, ConcatOp) and op in free:
            roots |= dict.fromkeys(op.inputs, op.output)
        elif isinstance(op, ReshapeOp):
            roots[op.output] = op.input
    for op, i in number.items():
        for value in (*op.operands, *op.results):
            if isinstance(value.type, TensorType) and not isinstance(value.owner, WeightOp):
                root = value
                while root in roots:
                    root = roots[root]
                if root in returned:
                    continue
                touched[root] = touched.get(root, 0) | 1 << i
                most[root] = max(most.get(root, 0), size(shape(value)) * itemsize(value))
    return (Tensor(most[root], ops) for root, ops in touched.items())
