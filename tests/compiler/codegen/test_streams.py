"""Order of the moves, and waits, on hand-made tiles."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.codegen.hazards import facts, hazards
from compiler.codegen.ordering import cycles, keeps, ordered, places
from compiler.codegen.step import Begun, Node, Step
from compiler.codegen.streams import Streams, streams
from simulator import events
from simulator.checks.walk import accesses
from simulator.chip import CHIPS
from simulator.isa.record import Command, Operand, decode, encode
from simulator.isa.table import DType, Engine, Region
from simulator.order import order
from simulator.timing import span

CHIP = CHIPS["e8"]


def local(addr: int, size: int = 64) -> Operand:
    return Operand(addr, DType.I8, (1, 1, 1, size), (size, size, size, 1))


def far(addr: int, size: int = 64) -> Operand:
    return Operand(addr, DType.I8, (1, 1, 1, size), (size, size, size, 1), Region.ACTIVATION)


def load(source: int, target: int, size: int = 64) -> Node:
    return Node(Command("LOAD", {"in": far(source, size), "out": local(target, size)}), "x")


def weight(target: int, size: int = 64) -> Node:
    source = Operand(0, DType.I8, (1, 1, 1, size), (size, size, size, 1), Region.WEIGHT)
    return Node(Command("LOAD", {"in": source, "out": local(target, size)}), "w")


def copy(source: int, target: int) -> Node:
    return Node(Command("COPY", {"in": local(source), "out": local(target)}), "y")


def store(source: int, target: int) -> Node:
    return Node(Command("STORE", {"in": local(source), "out": far(target)}), "y")


def moves(made: Streams) -> list[tuple[str, int, int]]:
    """Each move's op, and the addresses it reads and writes."""
    commands = [decode(record) for record in made.gdma[:-1]]
    found = [(c.op, c.operands["in"], c.operands["out"]) for c in commands]
    return [(op, a.addr, b.addr) for op, a, b in found if a and b]


def test_double_buffers_let_the_next_load_run_ahead_of_the_store() -> None:
    tiles = [
        Step([load(0, 0), copy(0, 256), store(256, 1024)]),
        Step([load(64, 64), copy(64, 320), store(320, 1088)]),
        Step([load(128, 0), copy(0, 256), store(256, 1152)]),
    ]
    made = streams(tiles, CHIP)
    assert [op for op, _, _ in moves(made)] == ["LOAD", "LOAD", "STORE", "LOAD", "STORE", "STORE"]
    assert made.tiu["wait"].tolist() == [1, 2, 4, 0]
    assert made.gdma["wait"].tolist() == [0, 0, 1, 0, 2, 3, 0]


def test_a_load_never_overtakes_the_store_of_what_it_reads() -> None:
    tiles = [Step([load(0, 0), copy(0, 256), store(256, 1024)]), Step([load(1024, 64), copy(64, 320)])]
    assert [op for op, _, _ in moves(streams(tiles, CHIP))] == ["LOAD", "STORE", "LOAD"]


def test_a_load_never_overtakes_the_store_of_the_buffer_it_fills() -> None:
    tiles = [Step([load(0, 0), copy(0, 256), store(256, 1024)]), Step([load(64, 256), copy(256, 0)])]
    assert [op for op, _, _ in moves(streams(tiles, CHIP))] == ["LOAD", "STORE", "LOAD"]


def test_a_load_that_must_stay_does_not_hold_back_the_weights_behind_it() -> None:
    tiles = [
        Step([load(0, 0), copy(0, 256), store(256, 1024)]),
        Step([load(1024, 64), weight(128), copy(64, 320), copy(128, 384)]),
    ]
    assert moves(streams(tiles, CHIP))[1:] == [("LOAD", 0, 128), ("STORE", 256, 1024), ("LOAD", 1024, 64)]


def test_what_is_due_first_goes_first_though_it_comes_later() -> None:
    """A load whose reader comes early overtakes long ones that fit in memory as early, but are read late."""
    tiles = [
        Step([load(0, 0), *(copy(0, 256) for _ in range(40))]),
        Step([weight(4096, 4096), weight(8192, 4096)]),
        Step([load(64, 64), copy(64, 320), copy(4096, 320), copy(8192, 320)]),
    ]
    assert [target for _, _, target in moves(streams(tiles, CHIP))] == [0, 64, 4096, 8192]


def test_stores_leave_while_later_groups_compute() -> None:
    """A store nobody waits for fills a gap, and doesn't keep the next group's loads from running ahead."""
    tiles = [
        Step([load(0, 0), copy(0, 256), store(256, 1024)]),
        Step([load(64, 64), copy(64, 320), load(128, 128), copy(128, 384)]),
    ]
    assert [op for op, _, _ in moves(streams(tiles, CHIP))] == ["LOAD", "LOAD", "LOAD", "STORE"]


addresses = st.integers(0, 7).map(lambda i: i * 64)


def test_a_load_overtakes_the_store_of_other_rows() -> None:
    """Rows of two channels: their spans overlap, their bytes don't."""
    rows = [Operand(row * 32, DType.I8, (1, 2, 1, 32), (256, 128, 32, 1), Region.ACTIVATION) for row in range(2)]
    tiles = [
        Step([load(2048, 0), copy(0, 256), stored(rows[0], 256)]),
        Step([loaded(rows[1], 64), copy(64, 320)]),
        Step([loaded(rows[0], 128), copy(128, 384)]),
    ]
    assert [op for op, _, _ in moves(streams(tiles, CHIP))] == ["LOAD", "LOAD", "STORE", "LOAD"]


@st.composite
def parts(draw: st.DrawFn) -> Operand:
    """A part of one of two tensors in global memory that share bytes; tiles of either may lie side by side."""
    c, h, w = draw(st.sampled_from([(2, 4, 8), (4, 4, 4)]))
    ranges = [sorted(draw(st.tuples(st.integers(0, n), st.integers(0, n)))) for n in (c, h, w)]
    (c0, c1), (h0, h1), (w0, w1) = (
        (a, max(b, a + 1)) if a < n else (n - 1, n) for (a, b), n in zip(ranges, (c, h, w), strict=True)
    )
    steps = (c * h * w, h * w, w, 1)
    base = draw(st.sampled_from([0, 0, 32, 128]))
    dims = (1, c1 - c0, h1 - h0, w1 - w0)
    return Operand(base + c0 * h * w + h0 * w + w0, DType.I8, dims, steps, Region.ACTIVATION)


def near(addr: int, dims: tuple[int, int, int, int]) -> Operand:
    _, c, h, w = dims
    return Operand(addr, DType.I8, dims, (c * h * w, h * w, w, 1))


def loaded(part: Operand, target: int) -> Node:
    return Node(Command("LOAD", {"in": part, "out": near(target, part.dims)}), "x")


def stored(part: Operand, source: int) -> Node:
    return Node(Command("STORE", {"out": part, "in": near(source, part.dims)}), "y")


@st.composite
def programs(draw: st.DrawFn) -> list[Step]:
    """Random tiles over a few buffers, most of them in each other's way."""

    def some(make: st.SearchStrategy[Node], most: int) -> list[Node]:
        return draw(st.lists(make, max_size=most))

    loads = st.builds(loaded, parts(), addresses) | st.builds(weight, addresses)
    return [
        Step(some(loads | st.builds(copy, addresses, addresses), 6) + some(st.builds(stored, parts(), addresses), 2))
        for _ in range(draw(st.integers(1, 6)))
    ]


def follows(made: Streams, after: Node, before: Node) -> bool:
    """Whether `before` is complete when `after` starts, whatever the timing: by engine order and waits alone."""
    waits = {Engine.TIU: made.tiu["wait"], Engine.GDMA: made.gdma["wait"]}
    engine, place = after.command.engine, made.position[after]
    if before.command.engine is engine:
        return made.position[before] < place
    return waits[engine][:place].max() >= made.position[before]


def conflicting(tiles: list[Step]) -> Iterator[tuple[Node, Node]]:
    """Pairs (earlier, later) in order of meaning that touch the same bytes, one of them writing."""
    nodes = [node for step in tiles for node in step.nodes]
    touched = [
        [(access.write, access.operand.region, covered(access.operand)) for access in accesses(node.command)]
        for node in nodes
    ]
    for (i, earlier), (j, later) in product(enumerate(nodes), repeat=2):
        if i < j and any(
            (a_write or b_write) and a_region is b_region and a & b
            for (a_write, a_region, a), (b_write, b_region, b) in product(touched[i], touched[j])
        ):
            yield earlier, later


def covered(operand: Operand) -> set[int]:
    """The bytes an operand touches; of a local one, in any lane."""
    if operand.region is Region.LOCAL:
        return set(range(*span(operand, CHIP)))
    offsets = (sum(i * s for i, s in zip(index, operand.strides, strict=True)) for index in np.ndindex(*operand.dims))
    return {operand.addr + offset for offset in offsets}


@given(programs())
def test_every_conflict_is_ordered_and_nothing_deadlocks(tiles: list[Step]) -> None:
    made = streams(tiles, CHIP)
    for earlier, later in conflicting(tiles):
        assert follows(made, later, earlier)
    events.run(made.tiu, made.gdma, CHIP)


@given(programs())
def test_no_order_is_slower_than_that_of_meaning(tiles: list[Step]) -> None:
    known = facts(encode(node.command for step in tiles for node in step.nodes), CHIP)
    found = hazards(known, CHIP, np.arange(len(known.tiu)), np.zeros(known.reads.shape, np.int64))
    computes, occupied = np.full(len(found.computes), 500), np.full(len(found.moves), 300)
    chosen = ordered(found, computes, occupied)
    assert keeps(found, places(chosen))
    assert cycles(found, chosen, computes, occupied) <= cycles(found, np.arange(len(chosen)), computes, occupied)


@st.composite
def buffered(draw: st.DrawFn) -> list[Step]:
    """Tiles whose commands work on buffers that begin, are filled, read and stored, and end for another to begin."""
    held, steps = set[int](), list[Step]()
    for _ in range(draw(st.integers(1, 5))):
        step = Step()
        for _ in range(draw(st.integers(0, 8))):
            target, size = draw(st.integers(0, 15)) * 2048, draw(st.sampled_from([64, 640, 2048]))
            full = sorted(held - {target})
            source, place = draw(st.sampled_from(full)) if full else 0, draw(st.integers(0, 7)) * 64
            kinds = [load(place, target), weight(target, size)]
            kinds += [copy(source, target), store(source, place)] if full else []
            node = draw(st.sampled_from(kinds))
            if node.command.op != "STORE":
                step.begun.append(Begun(len(step.nodes), target, size))
                held.add(target)
            step.nodes.append(node)
        steps.append(step)
    return steps


def told(commands: list[tuple[Node, Command]]) -> dict[Node, list[str]]:
    """What each command finds where it reads, if they run one after the other: who wrote it, and which byte."""
    memory, found = dict[tuple[Region, int], str](), dict[Node, list[str]]()
    for node, command in commands:
        spans = {a.write: (a.operand.region, sorted(covered(a.operand))) for a in accesses(command)}
        region, read = spans[False]
        found[node] = [memory.get((region, byte), "before") for byte in read]
        region, write = spans[True]
        memory |= {(region, byte): f"{id(node)} {i}" for i, byte in enumerate(write)}
    return found


@given(buffered())
def test_moved_buffers_hold_what_they_held(tiles: list[Step]) -> None:
    nodes = [node for step in tiles for node in step.nodes]
    made = streams(tiles, CHIP)
    streams_ = {Engine.TIU: made.tiu, Engine.GDMA: made.gdma}
    final = {node: decode(streams_[node.command.engine][made.position[node] - 1]) for node in nodes}
    there = {(node.command.engine, made.position[node] - 1): node for node in nodes}
    run = [there[key] for key in order(made.tiu["wait"].tolist(), made.gdma["wait"].tolist()) if key in there]
    assert told([(node, node.command) for node in nodes]) == told([(node, final[node]) for node in run])
    for earlier, later in conflicting([Step([Node(final[node], "") for node in run])]):
        a, b = (next(n for n in run if final[n] is node.command) for node in (earlier, later))
        assert follows(made, b, a)


def test_a_load_gets_a_buffer_that_is_free_in_time() -> None:
    """The second tile's weights would meet what the first is still at work on, though there is room elsewhere."""
    work = [copy(0, 4096) for _ in range(30)]
    first = Step([weight(0, 2048), *work], begun=[Begun(0, 0, 2048), *(Begun(i, 4096, 64) for i in range(1, 31))])
    second = Step([weight(0, 2048), copy(0, 4096)], begun=[Begun(0, 0, 2048), Begun(1, 4096, 64)])
    made = streams([first, second], CHIP)
    assert made.gdma["wait"].tolist() == [0, 0, 0]
    assert moves(made)[1][2] != moves(made)[0][2]


@pytest.mark.parametrize("lane", [0, 5])
def test_a_span_counts_depths_not_channels(lane: int) -> None:
    operand = Operand(8, DType.F32, (2, 9, 1, 2), (64, 16, 8, 4), lane=lane)
    depths = -(-(9 + lane) // CHIP.lanes)
    assert span(operand, CHIP) == (8, 8 + 64 + (depths - 1) * 16 + 4 + 4)
