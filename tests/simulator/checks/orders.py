"""Every order in which a small program may run, and what each shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from simulator.checks.walk import accesses
from simulator.cores import Turn
from simulator.isa.table import Region
from simulator.machine import Machine
from simulator.memory import Memory
from simulator.model_file import Model
from tests.simulator.checks.oracle import bytes_of
from tests.simulator.checks.reachability import Node, before, commands

Story = tuple[tuple[Node, tuple[Node | None, ...]], ...]
"""For each record who wrote each byte that it reads or overwrites, as it finds it."""


def orders(made: Model) -> Iterator[list[Node]]:
    """All of the records that touch anything."""
    touching = {node for node, command in commands(made).items() if accesses(command)}
    earlier = {node: found & touching for node, found in before(made).items() if node in touching}
    yield from _extended([], earlier)


def _extended(done: list[Node], left: Mapping[Node, set[Node]]) -> Iterator[list[Node]]:
    if not left:
        yield done
    for node in sorted(node for node, earlier in left.items() if earlier <= set(done)):
        yield from _extended([*done, node], {other: earlier for other, earlier in left.items() if other != node})


def story(made: Model, order: Sequence[Node]) -> Story:
    """What the records of an order find."""
    given, wrote, found = commands(made), dict[tuple[int, int], Node](), list[tuple[Node, tuple[Node | None, ...]]]()
    for node in order:
        for access in accesses(given[node]):
            home = node.core if access.operand.region == Region.LOCAL else -1
            cells = [(home, byte) for byte in sorted(bytes_of(access.operand, made.chip.lanes))]
            found.append((node, tuple(wrote.get(cell) for cell in cells)))
            if access.write:
                wrote |= dict.fromkeys(cells, node)
    return tuple(sorted(found, key=lambda part: part[0]))


def result(made: Model, order: Sequence[Node]) -> bytes:
    """All memory after the machine has run the records in an order, those that touch nothing as soon as they must."""
    memory = Memory(made.chip, made.weights, made.activation_bytes, made.io_bytes)
    memories = [memory, *(memory.beside() for _ in made.others)]
    earlier, turns = before(made), dict[Turn, None]()
    for node in (*order, *earlier):
        behind = sorted(earlier[node], key=lambda other: len(earlier[other]))
        turns |= dict.fromkeys(Turn(core, engine, record - 1) for core, engine, record in (*behind, node))
    Machine(memories, made.cores, order=list(turns)).run()
    return b"".join([*(of.lanes.tobytes() for of in memories), memory.regions[Region.ACTIVATION].tobytes()])
