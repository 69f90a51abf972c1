"""Races: against a brute-force oracle, and every necessary wait's deletion caught."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.isa.record import Command, Operand
from simulator.isa.table import DType, Engine, Region
from simulator.layout import Frame, Strides
from simulator.model_file import Model
from tests.simulator.checks import reference
from tests.simulator.checks.alone import check_races, check_uninitialised
from tests.simulator.checks.oracle import unordered, waits, without_wait
from tests.simulator.checks.reference import found_by
from tests.simulator.hand_made import copy_twice, far, local, model


def reported(made: Model) -> set[tuple[int, int]]:
    pairs = {(f.engine, f.record, f.other) for f in check_races(made)}
    return {(record, other) if engine == Engine.TIU else (other, record) for engine, record, other in pairs}


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
def test_as_a_cell_for_every_byte(made: Model) -> None:
    """Kinds, records, operands and bytes are those of the shadow memory that has a cell for every byte."""
    assert found_by(check_races(made)) == reference.races(made)
    reads = (finding for finding in check_uninitialised(made) if finding.record)
    assert found_by(reads) == reference.uninitialised(made)


@given(programs())
def test_as_brute_force(made: Model) -> None:
    """A race is reported where there is one and nowhere else; each report is of a pair that races."""
    truth, found = unordered(made), reported(made)
    assert found <= truth
    assert bool(found) == bool(truth)
