"""The order of a network's ops: those of the host together, so that they part the chip's as seldom as can be."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from xdsl.dialects.func import ReturnOp
from xdsl.ir import Operation

from compiler.dialects.host import HostOp
from compiler.dialects.structure import InputOp, NoneOp, WeightOp
from compiler.ir.network import Network


def gather_host_ops(network: Network) -> None:
    """
    Reorder `main`: by turns all ops that chip, and host, can run by then, each kind in its present order.

    Which of them begins is what changes sides less often. Inputs and constants stay before, the return behind.
    """
    ops = list(network.ops)
    if not any(isinstance(op, HostOp) for op in ops):
        return
    first = [op for op in ops if isinstance(op, InputOp | NoneOp | WeightOp)]
    last = [op for op in ops if isinstance(op, ReturnOp)]
    edges = {*first, *last}
    rest = [op for op in ops if op not in edges]
    turns = min((_in_turns(rest, first, host) for host in (False, True)), key=_changes)
    block = network.main.body.block
    for op in ops:
        op.detach()
    block.add_ops([*first, *turns, *last])


def _in_turns(rest: Sequence[Operation], known: Sequence[Operation], host: bool) -> list[Operation]:
    """The ops in turns of chip and host; the host begins if `host`."""
    there = {value for op in known for value in op.results}
    made, waiting = list[Operation](), list(rest)
    while waiting:
        left = list[Operation]()
        for op in waiting:
            if isinstance(op, HostOp) is host and there.issuperset(op.operands):
                made.append(op)
                there.update(op.results)
            else:
                left.append(op)
        waiting, host = left, not host
    return made


def _changes(ops: Sequence[Operation]) -> int:
    return sum(1 for _ in groupby(isinstance(op, HostOp) for op in ops))
