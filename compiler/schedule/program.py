"""A network as the scheduler sees it: runs of ops to be grouped, and between them what stays: views, host ops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xdsl.ir import Operation, SSAValue

from compiler.dialects.host import HostOp
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.movement import ReshapeOp
from compiler.ir.network import Network
from compiler.schedule.nodes import Node, node_of
from compiler.schedule.views import views
from simulator.chip import Chip

Run = list[Node]
"""Ops in order of execution, to be divided into groups of neighbours."""


@dataclass(frozen=True)
class Interval:
    """Neighbouring ops of a run that may be one group, and what of theirs is read outside."""

    nodes: tuple[Node, ...]
    stored: tuple[SSAValue, ...]


def parts(network: Network, chip: Chip) -> Iterator[Run | Operation]:
    """
    The runs of `main`, and between them its views and the host's ops, in order.

    A Reshape that keeps its frame belongs to its run.
    """
    kept: set[Operation] = {op for op in views(network) if not (isinstance(op, ReshapeOp) and op.keeps_frame)}
    run = Run()
    for op in network.ops:
        if op in kept or isinstance(op, HostOp):
            if run:
                yield run
            yield op
            run = Run()
        elif isinstance(op, TpuOp):
            run.append(node_of(op, chip))
    if run:
        yield run


def interval(nodes: Sequence[Node]) -> Interval | None:
    """
    The nodes as one group, or None where they can't be one.

    An op that moves stands alone, and so does a view of a value from outside, which is one in global memory; a value
    of which each lane holds a copy comes from there.
    """
    made = {node.output for node in nodes}
    if len(nodes) > 1 and any(node.moves or (node.view and node.operands[0].value not in made) for node in nodes):
        return None
    if any(operand.everywhere and operand.value in made for node in nodes for operand in node.operands):
        return None
    inside = {node.op for node in nodes}
    results = (node.output for node in nodes)
    stored = (v for v in results if not v.uses or any(use.operation not in inside for use in v.uses))
    return Interval(tuple(nodes), tuple(stored))
