"""A network as the scheduler sees it: runs of ops to be grouped, and between them what stays: views, host ops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xdsl.ir import Operation, SSAValue

from compiler.dialects.access import Follows
from compiler.dialects.tpu.base import TpuOp
from compiler.dialects.tpu.movement import ReshapeOp
from compiler.ir.network import Network
from compiler.schedule.nodes import Node, node_of
from compiler.schedule.order import ordered
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
    The runs of `main`, and between them its views and the host's ops, in the order chosen for memory.

    Of the views, those that local memory can hold too belong to their runs: concatenations, Reshapes that keep lanes.
    """
    free = views(network)
    nodes: dict[Operation, Node] = {
        op: node_of(op, chip, op in free) for op in network.ops if isinstance(op, TpuOp) and _may_be_grouped(op)
    }
    run = Run()
    for op in ordered(network, nodes):
        if op in nodes:
            run.append(nodes[op])
            continue
        if run:
            yield run
        yield op
        run = Run()
    if run:
        yield run


def _may_be_grouped(op: TpuOp) -> bool:
    return not isinstance(op, ReshapeOp) or op.keeps_lanes


def partable(node: Node, group: Interval) -> list[int]:
    """The axes of an op's result along which it can run in parts that load some operand part by part."""
    return [] if node.moves or node.view else [axis for axis in range(4) if along(node, axis, group)]


def along(node: Node, axis: int, group: Interval) -> frozenset[int]:
    """The operands of a group's op that only it loads, and of which a part along `axis` of the result reads a part."""
    made = {other.output for other in group.nodes}
    inside = {other.op for other in group.nodes}
    return frozenset(
        slot
        for slot, operand in enumerate(node.operands)
        if operand.value not in made
        and not operand.everywhere
        and any(entry == Follows(axis) for entry in operand.access)
        and sum(use.operation in inside for use in operand.value.uses) == 1
    )


def interval(nodes: Sequence[Node]) -> Interval | None:
    """
    The nodes as one group, or None where they can't be one.

    A view of a value from outside stands alone, for it is one in global memory. What each lane holds a copy of comes
    from there, and so does what channels are moved by other than round the lanes.
    """
    made = {node.output for node in nodes}
    if len(nodes) > 1 and any(node.view and node.operands[0].value not in made for node in nodes):
        return None
    if any(operand.outside and operand.value in made for node in nodes for operand in node.operands):
        return None
    inside = {node.op for node in nodes}
    results = (node.output for node in nodes)
    stored = (v for v in results if not v.uses or any(use.operation not in inside for use in v.uses))
    return Interval(tuple(nodes), tuple(stored))
