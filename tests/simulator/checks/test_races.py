"""Races: against a brute-force oracle, and every necessary wait's deletion caught."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.checks.races import check_races
from simulator.checks.walk import accesses
from simulator.isa.record import Command, Operand, decode
from simulator.isa.table import DType, Engine, Region
from simulator.layout import Frame, Strides
from simulator.model_file import Model
from tests.simulator.hand_made import E8, copy_twice, far, local, model

Byte = tuple[Region, int, int]
"""Region, lane (0 in global memory) and byte."""


def bytes_of(operand: Operand) -> set[Byte]:
    """Every byte of an operand, one by one."""
    n, c, h, w = operand.dims
    sn, sc, sh, sw = operand.strides
    found: set[Byte] = set()
    for i in range(n):
        for j in range(c):
            at = operand.lane + j
            lane, depth = (at % E8.lanes, at // E8.lanes) if operand.region == Region.LOCAL else (0, j)
            for y in range(h):
                for x in range(w):
                    first = operand.addr + i * sn + depth * sc + y * sh + x * sw
                    found.update((operand.region, lane, first + b) for b in range(operand.dtype.itemsize))
    return found


def commands(made: Model) -> tuple[list[Command], list[Command]]:
    return [decode(record) for record in made.tiu], [decode(record) for record in made.gdma]


def unordered(made: Model) -> set[tuple[int, int]]:
    """Pairs (TIU record, GDMA record) that touch a byte, one of them writing, with no path between them."""
    streams = commands(made)
    before = [ordered_before(stream) for stream in streams]
    found: set[tuple[int, int]] = set()
    for i, compute in enumerate(streams[0]):
        for j, move in enumerate(streams[1]):
            if j < before[0][i] or i < before[1][j]:
                continue
            if any(
                (a.write or b.write) and bytes_of(a.operand) & bytes_of(b.operand)
                for a in accesses(compute)
                for b in accesses(move)
            ):
                found.add((i + 1, j + 1))
    return found


def ordered_before(stream: Sequence[Command]) -> list[int]:
    """How many of the other engine's records each record comes after."""
    return [max(command.wait for command in stream[: i + 1]) for i in range(len(stream))]


def reported(made: Model) -> set[tuple[int, int]]:
    pairs = {(f.engine, f.record, f.other) for f in check_races(made)}
    return {(record, other) if engine == Engine.TIU else (other, record) for engine, record, other in pairs}


def without_wait(made: Model, engine: Engine, i: int) -> Model:
    """The program with one wait deleted."""
    tiu, gdma = made.tiu.copy(), made.gdma.copy()
    (tiu if engine == Engine.TIU else gdma)["wait"][i] = 0
    return replace(made, tiu=tiu, gdma=gdma)


def waits(made: Model) -> list[tuple[Engine, int]]:
    streams = ((Engine.TIU, made.tiu), (Engine.GDMA, made.gdma))
    return [(engine, i) for engine, stream in streams for i in stream["wait"].nonzero()[0].tolist()]


def test_a_sound_program_passes() -> None:
    assert not list(check_races(copy_twice()))


@pytest.mark.parametrize("index", range(len(waits(copy_twice()))))
def test_every_necessary_wait_is_missed(index: int) -> None:
    made = copy_twice()
    mutant = without_wait(made, *waits(made)[index])
    assert bool(unordered(mutant)) == bool(list(check_races(mutant)))


def test_most_waits_of_that_program_are_necessary() -> None:
    made = copy_twice()
    assert sum(bool(unordered(without_wait(made, *wait))) for wait in waits(made)) >= 8


DIMS = (1, 8, 4, 32)
LOAD = Command("LOAD", {"out": local(0, DIMS), "in": far(Region.IO, 0, DIMS)})
COPY = Command("COPY", {"out": local(64, DIMS), "in": local(4096, DIMS)})
STORE = Command("STORE", {"out": far(Region.IO, 2048, DIMS), "in": local(64, DIMS)})


@pytest.mark.parametrize(
    ("move", "message"),
    [
        (LOAD, "WAW: LOAD writes LOCAL bytes 64 to 128 (out), which TIU record 1 writes, and no wait"),
        (
            Command("LOAD", {**LOAD.operands, "out": local(4096, DIMS)}),
            "WAR: LOAD writes LOCAL bytes 4096 to 4224 (out), which TIU record 1 reads, and no wait",
        ),
        (STORE, "RAW: STORE reads LOCAL bytes 64 to 192 (in), which TIU record 1 writes, and no wait"),
    ],
)
def test_kinds_of_conflict(move: Command, message: str) -> None:
    (found,) = check_races(model([COPY], [move]))
    assert found.message.startswith(message)
    assert (found.record, found.other, found.layer) == (1, 1, "layer")
    assert not list(check_races(model([COPY], [replace(move, wait=1)])))


@pytest.mark.parametrize(("operand", "conflicts"), [("odd", False), ("upper", False), ("even", True)])
def test_bytes_are_exact(operand: str, conflicts: bool) -> None:
    """Even columns of the lower lanes by one engine; odd columns, other lanes or the same by the other."""
    even = Operand(0, DType.I8, (1, 4, 4, 4), (0, 32, 8, 2))
    made = {"even": even, "odd": replace(even, addr=1), "upper": replace(even, lane=4)}[operand]
    load = Command("LOAD", {"out": even, "in": far(Region.IO, 0, even.dims)})
    copy = Command("COPY", {"out": made, "in": made})
    assert bool(list(check_races(model([copy], [load])))) == conflicts


@st.composite
def operands(draw: st.DrawFn) -> Operand:
    dims: Frame = draw(st.tuples(st.integers(1, 2), st.integers(1, 10), st.integers(1, 3), st.integers(1, 3)))
    dtype = draw(st.sampled_from((DType.I8, DType.F16)))
    size = dtype.itemsize
    steps: Strides = draw(st.tuples(*[st.sampled_from((1, 2, 4, 8, 12)).map(lambda v: v * size)] * 4))
    return Operand(draw(st.integers(0, 24)) * size, dtype, dims, steps, Region.LOCAL, draw(st.integers(0, 7)))


@st.composite
def programs(draw: st.DrawFn) -> Model:
    """Random records of random operands with waits that can't deadlock."""
    streams: tuple[list[Command], list[Command]] = ([], [])
    for engine in draw(st.lists(st.sampled_from(Engine), max_size=7)):
        wait: int = draw(st.integers(0, len(streams[Engine(1 - engine)])))
        near = draw(operands())
        if engine == Engine.TIU:
            streams[0].append(Command("COPY", {"out": near, "in": draw(operands())}, wait=wait))
        elif draw(st.booleans()):
            streams[1].append(Command("LOAD", {"out": near, "in": far(Region.WEIGHT, 0, near.dims)}, wait=wait))
        else:
            streams[1].append(Command("STORE", {"out": far(Region.IO, 0, near.dims), "in": near}, wait=wait))
    return model(*streams)


@given(programs())
def test_as_brute_force(made: Model) -> None:
    """A race is reported where there is one and nowhere else; each report is of a pair that races."""
    truth, found = unordered(made), reported(made)
    assert found <= truth
    assert bool(found) == bool(truth)
