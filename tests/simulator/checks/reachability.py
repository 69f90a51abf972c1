"""Order and conflicts by definition: every pair of records, every byte, every path (docs/isa.md, Programs)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

from simulator.checks.walk import accesses
from simulator.cores import Streams, sends
from simulator.isa.record import Command, decode
from simulator.isa.table import Engine, Region
from simulator.model_file import Model
from tests.simulator.checks.oracle import bytes_of

Pairs = set[tuple["Node", "Node"]]


class Node(NamedTuple):
    """A record, counted from 1."""

    core: int
    engine: Engine
    record: int


def commands(made: Model) -> dict[Node, Command]:
    """Every record."""
    return {
        Node(core, engine, i + 1): decode(record)
        for core, streams in enumerate(made.cores)
        for engine in Engine
        for i, record in enumerate(streams.of(engine))
    }


def directly_before(made: Model, node: Node, command: Command) -> Iterator[Node]:
    """What a record follows at once: the one before it on its engine, and what it waits for."""
    core, engine, record = node
    if record > 1:
        yield Node(core, engine, record - 1)
    if command.wait:
        yield Node(core, Engine(1 - engine), command.wait)
    if command.op == "WAIT" and (count := int(command.params["count"])):
        sender = int(command.params["core"])
        yield Node(sender, Engine.GDMA, sends(made.cores[sender].gdma)[count - 1])


def before(made: Model) -> dict[Node, set[Node]]:
    """All that comes before each record, by whatever path."""
    found = {node: set(directly_before(made, node, command)) for node, command in commands(made).items()}
    grown = True
    while grown:
        grown = False
        for earlier in found.values():
            size = len(earlier)
            earlier.update(*(found[node] for node in earlier.copy()))
            grown |= len(earlier) > size
    return found


def conflicting(made: Model) -> Pairs:
    """Pairs of records of different streams that share a byte, one of them writing it."""
    touched = {
        node: [
            (access.write, node.core if access.operand.region == Region.LOCAL else -1, access.operand)
            for access in accesses(command)
        ]
        for node, command in commands(made).items()
    }
    return {
        (a, b)
        for a, b in combinations(touched, 2)
        if a[:2] != b[:2]
        and any(
            (x[0] or y[0])
            and x[1] == y[1]
            and not bytes_of(x[2], made.chip.lanes).isdisjoint(bytes_of(y[2], made.chip.lanes))
            for x in touched[a]
            for y in touched[b]
        )
    }


def racing(made: Model) -> Pairs:
    """Conflicting pairs that nothing orders."""
    earlier = before(made)
    return {(a, b) for a, b in conflicting(made) if a not in earlier[b] and b not in earlier[a]}


def with_streams(made: Model, cores: Sequence[Streams]) -> Model:
    """The model with other streams."""
    return replace(made, tiu=cores[0].tiu, gdma=cores[0].gdma, others=cores[1:])
