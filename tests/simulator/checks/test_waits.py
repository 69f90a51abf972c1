"""Every wait is judged as the definition has it, and what is said to prove it does."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.checks.check import check
from simulator.checks.conflicts import REGION_SHIFT, runs_of
from simulator.checks.waits import Kind, Pair, Wait, waits, without
from simulator.isa.record import Command, Operand
from simulator.isa.table import Engine, Region
from simulator.model_file import Model
from simulator.subnets import ChipSubnet
from tests.simulator.checks.drawn import programs
from tests.simulator.checks.oracle import bytes_of
from tests.simulator.checks.reachability import Node, before, conflicting, racing
from tests.simulator.checks.test_races import operands
from tests.simulator.hand_made import copy_twice, far, local, model
from tests.simulator.two_cores import halves

LANES = 8


def lost_by(made: Model, wait: Wait) -> set[tuple[Node, Node]]:
    """Pairs of records that are no longer in order, by definition."""
    whole, fewer = before(made), before(without(made, wait))
    return {(earlier, later) for later in whole for earlier in whole[later] - fewer[later]}


def told(wait: Wait) -> set[tuple[Node, Node]]:
    """The pairs that a wait says are."""
    return {
        (Node(part.other_core, part.other, earlier), Node(part.core, part.engine, later))
        for part in wait.lost
        for later in range(part.first, part.last + 1)
        for earlier in range(part.after + 1, part.until + 1)
    }


@given(st.sampled_from(((1, 10), (2, 7))).flatmap(lambda size: programs(*size)))
@settings(max_examples=150)
def test_every_wait_by_definition(made: Model) -> None:
    either_way = {pair for a, b in conflicting(made) for pair in ((a, b), (b, a))}
    for wait in waits(made):
        lost, races = lost_by(made, wait), racing(without(made, wait))
        assert (wait.kind == Kind.NECESSARY) == bool(races)
        assert (wait.kind == Kind.IMPLIED) == (not lost)
        meeting = {pair for pair in lost if pair[0].engine != pair[1].engine or pair[0].core != pair[1].core}
        assert told(wait) <= lost
        assert meeting & either_way <= told(wait)
        if wait.pair:
            assert (Node(*wait.pair.first), Node(*wait.pair.second)) in lost & either_way


@given(st.sampled_from(((1, 10), (2, 8))).flatmap(lambda size: programs(*size)))
@settings(max_examples=100)
def test_as_short_as_can_be(made: Model) -> None:
    for wait in (wait for wait in waits(made) if wait.kind == Kind.NECESSARY):
        assert not racing(without(made, wait, wait.least))
        assert racing(without(made, wait, wait.least - 1))


@given(operands(), st.sampled_from(Region))
def test_the_runs_of_an_operand_are_its_bytes(operand: Operand, region: Region) -> None:
    operand = replace(operand, region=region, lane=operand.lane if region == Region.LOCAL else 0)
    base = region << REGION_SHIFT
    found = {
        (((region << 8) + lane) << 40) + byte - base
        for runs in runs_of(operand, LANES)
        for lane in range(LANES)
        if runs.lanes >> lane & 1
        for start, stop in zip(runs.starts.tolist(), runs.stops.tolist(), strict=True)
        for byte in range(start, stop)
    }
    assert found == bytes_of(operand, LANES)
    for runs in runs_of(operand, LANES):
        assert (runs.starts < runs.stops).all()
        assert (runs.stops[:-1] < runs.starts[1:]).all()


@given(operands(), operands())
def test_operands_meet_where_they_share_a_byte(a: Operand, b: Operand) -> None:
    meet = any(mine.meets(its) for mine in runs_of(a, LANES) for its in runs_of(b, LANES))
    assert meet == (not bytes_of(a, LANES).isdisjoint(bytes_of(b, LANES)))


def test_loads_that_stores_before_them_have_waited_for() -> None:
    implied = [wait for wait in waits(copy_twice()) if wait.kind == Kind.IMPLIED]
    assert [(wait.record, wait.until, wait.by) for wait in implied] == [(5, 1, 2), (7, 2, 4)]


def test_a_wait_too_long() -> None:
    source, dims = far(Region.IO, 0, (1, 8, 4, 32)), (1, 8, 4, 32)
    loads = [Command("LOAD", {"out": local(at, dims), "in": source}) for at in (0, 4096)]
    copies = [Command("COPY", {"out": local(8192, dims), "in": local(0, dims)}, wait=2)]
    (found,) = waits(model(copies, loads))
    assert (found.kind, found.until, found.least) == (Kind.NECESSARY, 2, 1)
    assert found.pair == Pair((0, Engine.GDMA, 1), (0, Engine.TIU, 1))


def test_a_message_for_nothing() -> None:
    made = halves()
    told = [wait for wait in waits(made) if wait.message]
    assert [(wait.core, wait.record, wait.until, wait.kind) for wait in told] == [
        (0, 4, 3, Kind.NECESSARY),
        (1, 4, 3, Kind.NECESSARY),
    ]
    made.gdma["operands"]["addr"][4, 1] = 0
    mine = next(wait for wait in waits(made) if wait.message and wait.core == 0)
    assert (mine.kind, mine.pair) == (Kind.UNNEEDED, None)
    (lost,) = mine.lost
    assert (lost.first, lost.last, lost.other_core, lost.after, lost.until) == (4, 7, 1, 0, 3)


def test_waits_in_words() -> None:
    told = [str(wait) for wait in waits(copy_twice())]
    assert "TIU record 1 waits for GDMA record 1: necessary: TIU record 1 conflicts with GDMA record 1" in told
    assert "GDMA record 5 waits for TIU record 1: implied: GDMA record 2 has waited as long" in told
    made = halves()
    made.gdma["operands"]["addr"][4, 1] = 0
    assert str(next(wait for wait in waits(made) if wait.message)) == (
        "core 0, GDMA record 4 waits for core 1's GDMA record 3: unneeded: without it, GDMA records 4 to 7 are free of "
        "GDMA records 1 to 3, which share no byte that either writes"
    )


def test_where_the_host_has_its_turn() -> None:
    dims, buffers = (1, 8, 4, 32), (0, 4096)
    loads = [Command("LOAD", {"out": local(at, dims), "in": far(Region.IO, 0, dims)}) for at in buffers]
    copies = [Command("COPY", {"out": local(8192 + at, dims), "in": local(at, dims)}) for at in buffers]
    tiu = [replace(copies[0], wait=1), Command("END"), replace(copies[1], wait=2), Command("NOP", wait=3)]
    gdma = [loads[0], Command("DMA_END"), replace(loads[1], wait=2)]
    subnets = [ChipSubnet((0, 2), (0, 2)), ChipSubnet((2, 5), (2, 4))]
    made = replace(model(tiu, gdma), subnets=subnets, outputs=())
    found = {(wait.engine, wait.record): wait for wait in waits(made)}
    assert {where for where, wait in found.items() if wait.kind == Kind.BORDER} == {(Engine.TIU, 3), (Engine.GDMA, 3)}
    assert found[Engine.TIU, 1].kind == Kind.NECESSARY
    for where in ((Engine.TIU, 3), (Engine.GDMA, 3)):
        assert {finding.check for finding in check(without(made, found[where]))} == {"structure"}
    assert str(found[Engine.GDMA, 3]).endswith("waits for TIU record 2: border: the host has its turn between")
