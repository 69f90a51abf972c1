"""Where cores wait for each other, and where they needn't."""

from __future__ import annotations

from compiler.codegen.meeting import meet
from compiler.codegen.step import Node, Step
from compiler.codegen.streams import streams
from simulator.chip import Chip
from simulator.isa.record import Command, Operand
from simulator.isa.table import DType, Region
from simulator.layout import strides

TWO = Chip("two", 2, 4, 2048, 8, 8, 2, 1e9, 1e9)
SIZES = {Region.ACTIVATION: 4096, Region.IO: 4096}
Group = list[list[Step]]


def rows(first: int, last: int, tensor: int = 0) -> Operand:
    """Some of the 8 rows of a tensor (1, 4, 8, 8) in global memory."""
    return Operand(256 * tensor + 8 * first, DType.I8, (1, 4, last - first, 8), (256, 64, 8, 1), Region.ACTIVATION)


def move(op: str, far: Operand) -> Step:
    near = Operand(0, DType.I8, far.dims, strides(far.dims, 1, TWO))
    ends = {"out": near, "in": far} if op == "LOAD" else {"out": far, "in": near}
    return Step([Node(Command(op, ends), "layer")])


def told(groups: list[Group], core: int) -> list[str]:
    """The ops of a core, and what its WAITs wait for, in order of meaning."""
    nodes = (node.command for group in groups for step in group[core] for node in step.nodes)
    return [f"{c.op} {c.params['core']} {c.params['count']}" if c.op == "WAIT" else c.op for c in nodes]


def test_a_halo_waits_and_what_lies_apart_does_not() -> None:
    halves = [[move("STORE", rows(0, 4))], [move("STORE", rows(4, 8))]]
    groups = [halves, [[move("LOAD", rows(0, 5))], [move("LOAD", rows(4, 8))]]]
    meet(groups, frozenset(), TWO, SIZES)
    assert told(groups, 0) == ["STORE", "WAIT 1 1", "LOAD"]
    assert told(groups, 1) == ["STORE", "SEND", "LOAD"]


def test_what_is_known_is_not_waited_for_again() -> None:
    groups: list[Group] = [
        [[], [move("STORE", rows(0, 8))]],
        [[], [move("STORE", rows(0, 8, 1))]],
        [[move("LOAD", rows(0, 8, 1))], []],
        [[move("LOAD", rows(0, 8))], []],
    ]
    meet(groups, frozenset(), TWO, SIZES)
    assert told(groups, 0) == ["WAIT 1 1", "LOAD", "LOAD"]
    assert told(groups, 1) == ["STORE", "STORE", "SEND"]


def test_memory_used_again_waits_for_its_last_reader() -> None:
    groups: list[Group] = [
        [[move("STORE", rows(0, 8))], []],
        [[], [move("LOAD", rows(0, 8))]],
        [[move("STORE", rows(0, 8))], []],
    ]
    meet(groups, frozenset(), TWO, SIZES)
    assert told(groups, 0) == ["STORE", "SEND", "WAIT 1 1", "STORE"]
    assert told(groups, 1) == ["WAIT 0 1", "LOAD", "SEND"]


def test_ops_of_the_host_come_between_all() -> None:
    groups: list[Group] = [[[move("STORE", rows(0, 8))], []], [[move("STORE", rows(0, 8, 1))], []]]
    meet(groups, frozenset({1}), TWO, SIZES)
    assert told(groups, 0) == ["STORE", "SEND", "WAIT 1 1", "STORE"]
    assert told(groups, 1) == ["SEND", "WAIT 0 1"]


def test_no_move_of_activations_passes_a_meeting() -> None:
    """Weights may be loaded ahead of a WAIT; what another core may have written may not."""
    weights = Operand(0, DType.I8, (1, 4, 1, 8), (32, 8, 8, 1), Region.WEIGHT)
    groups: list[Group] = [
        [[move("STORE", rows(0, 4))], [move("STORE", rows(4, 8))]],
        [[move("LOAD", rows(0, 8)), move("LOAD", weights)], []],
    ]
    meet(groups, frozenset(), TWO, SIZES)
    moves = streams([step for group in groups for step in group[0]], TWO).gdma
    order = [(int(record["op"]), int(record["operands"]["region"][1])) for record in moves]
    wait, load = order.index((39, 0)), order.index((32, int(Region.ACTIVATION)))
    assert wait < load
