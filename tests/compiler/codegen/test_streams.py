"""Order of the moves, and waits, on hand-made tiles."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.codegen.steps import Node, Step
from compiler.codegen.streams import Streams, accesses, streams, touched
from simulator.chip import CHIPS
from simulator.isa.record import Command, Operand
from simulator.isa.table import DType, Engine, Flag, Region

CHIP = CHIPS["e8"]


def local(addr: int, size: int = 64) -> Operand:
    return Operand(addr, DType.I8, (1, 1, 1, size), (size, size, size, 1))


def far(addr: int, size: int = 64) -> Operand:
    return Operand(addr, DType.I8, (1, 1, 1, size), (size, size, size, 1), Region.ACTIVATION)


def load(source: int, target: int) -> Node:
    return Node(Command("LOAD", {"in": far(source), "out": local(target)}), "x")


def copy(source: int, target: int) -> Node:
    return Node(Command("COPY", {"in": local(source), "out": local(target)}), "y")


def store(source: int, target: int) -> Node:
    return Node(Command("STORE", {"in": local(source), "out": far(target)}), "y")


def waits(made: Streams) -> tuple[list[int], list[int]]:
    return [c.wait for c in made.tiu], [c.wait for c in made.gdma]


def test_double_buffers_let_the_next_load_run_ahead_of_the_store() -> None:
    tiles = [
        Step([load(0, 0), copy(0, 256), store(256, 1024)]),
        Step([load(64, 64), copy(64, 320), store(320, 1088)]),
        Step([load(128, 0), copy(0, 256), store(256, 1152)]),
    ]
    made = streams(tiles, CHIP)
    assert [c.op for c in made.gdma] == ["LOAD", "LOAD", "STORE", "LOAD", "STORE", "STORE", "DMA_END"]
    tiu, gdma = waits(made)
    assert tiu == [1, 2, 4, 0]
    assert gdma == [0, 0, 1, 0, 2, 3, 0]


def test_a_load_never_overtakes_the_store_of_what_it_reads() -> None:
    tiles = [Step([load(0, 0), copy(0, 256), store(256, 1024)]), Step([load(1024, 64), copy(64, 320)])]
    assert [c.op for c in streams(tiles, CHIP).gdma] == ["LOAD", "STORE", "LOAD", "DMA_END"]


def test_a_load_never_overtakes_the_store_of_the_buffer_it_fills() -> None:
    tiles = [Step([load(0, 0), copy(0, 256), store(256, 1024)]), Step([load(64, 256), copy(256, 0)])]
    assert [c.op for c in streams(tiles, CHIP).gdma] == ["LOAD", "STORE", "LOAD", "DMA_END"]


def test_accumulators_are_read_and_written_as_the_flags_say() -> None:
    operands = {"out": local(0), "in": local(64), "acc": local(128)}
    names = {Flag.NONE: ([64], [0]), Flag.ACC_OUT: ([64], [128]), Flag.ACC_IN: ([64, 128], [0])}
    for flags, (reads, writes) in names.items():
        got = accesses(Command("REDUCE", operands, function="sum", flags=flags))
        assert [[o.addr for o in side] for side in got] == [reads, writes]


@st.composite
def programs(draw: st.DrawFn) -> list[Step]:
    """Random tiles over a few buffers, most of them in each other's way."""
    places = st.integers(0, 7).map(lambda i: i * 64)

    def some(make: st.SearchStrategy[Node], most: int) -> list[Node]:
        return draw(st.lists(make, max_size=most))

    return [
        Step(
            some(st.builds(load, places, places) | st.builds(copy, places, places), 6)
            + some(st.builds(store, places, places), 2)
        )
        for _ in range(draw(st.integers(1, 6)))
    ]


def ordered(made: Streams, after: Node, before: Node) -> bool:
    """Whether `before` is complete when `after` starts, whatever the timing: by engine order and waits alone."""
    streams_ = {Engine.TIU: made.tiu, Engine.GDMA: made.gdma}
    engine, place = after.command.engine, made.position[after]
    if before.command.engine is engine:
        return made.position[before] < place
    return max((c.wait for c in streams_[engine][:place]), default=0) >= made.position[before]


def conflicting(tiles: list[Step]) -> Iterator[tuple[Node, Node]]:
    """Pairs (earlier, later) in order of meaning that touch the same bytes, one of them writing."""
    nodes = [node for step in tiles for node in step.nodes]
    for j, later in enumerate(nodes):
        for earlier in nodes[:j]:
            (r0, w0), (r1, w1) = accesses(earlier.command), accesses(later.command)
            for a, b in ((w0, r1), (r0, w1), (w0, w1)):
                if any(overlap(x, y) for x in a for y in b):
                    yield earlier, later


def overlap(a: Operand, b: Operand) -> bool:
    (a0, a1), (b0, b1) = touched(a, CHIP), touched(b, CHIP)
    return a.region is b.region and a0 < b1 and b0 < a1


@given(programs())
def test_every_conflict_is_ordered_and_nothing_deadlocks(tiles: list[Step]) -> None:
    made = streams(tiles, CHIP)
    for earlier, later in conflicting(tiles):
        assert ordered(made, later, earlier)
    done = {Engine.TIU: 0, Engine.GDMA: 0}
    queues = {Engine.TIU: made.tiu, Engine.GDMA: made.gdma}
    while any(done[e] < len(queues[e]) for e in Engine):
        ready = [e for e in Engine if done[e] < len(queues[e]) and queues[e][done[e]].wait <= done[Engine(1 - e)]]
        assert ready, "deadlock"
        for engine in ready:
            done[engine] += 1


@pytest.mark.parametrize("lane", [0, 5])
def test_a_span_counts_depths_not_channels(lane: int) -> None:
    operand = Operand(8, DType.F32, (2, 9, 1, 2), (64, 16, 8, 4), lane=lane)
    depths = -(-(9 + lane) // CHIP.lanes)
    assert touched(operand, CHIP) == (8, 8 + 64 + (depths - 1) * 16 + 4 + 4)
    assert np.prod(operand.dims) == 36


def test_a_load_that_must_stay_does_not_hold_back_the_weights_behind_it() -> None:
    tiles = [Step([load(0, 0), copy(0, 256), store(256, 1024)]), Step([load(1024, 64), load(128, 128)])]
    made = streams(tiles, CHIP)
    assert [(c.op, c.operands["in"]) for c in made.gdma[1:4]] == [
        ("LOAD", far(128)),
        ("STORE", local(256)),
        ("LOAD", far(1024)),
    ]
