"""What only data can show: sums beyond int32, births of NaN and infinity, data that a record can't take."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.checks.check import examine
from simulator.checks.finding import Faulty, Finding
from simulator.checks.session import Checking
from simulator.checks.watch import Watch
from simulator.isa.record import Command
from simulator.isa.table import DType, Engine, Flag, Region
from simulator.machine import Machine
from simulator.memory import Array, Memory
from simulator.runtime import PyRuntime
from tests.simulator.programs import Program

ONE = {"kh": 1, "kw": 1, "sh": 1, "sw": 1, "dh": 1, "dw": 1}
FRAME = (1, 8, 2, 3)


def found_in(program: Program) -> list[Finding]:
    """What a checked run of the program finds."""
    session = PyRuntime(replace(program.model(), layers=("layer",)), checked=True, collect=True)
    session.run(None, program.feeds)
    return list(session.findings)


def summed(x: Array, weights: Array, bias: int) -> Program:
    """A 1×1 convolution of x i8 into i32, with a bias in every channel."""
    program = Program()
    rows = np.tile(np.array([bias, 1, 0], np.int32), (weights.shape[1], 1)).reshape(1, -1, 1, 3)
    source, filters, params = (
        program.load(part) for part in (program.feed(x), program.weight(weights), program.weight(rows))
    )
    out = program.local((1, weights.shape[1], *x.shape[2:]), DType.I32)
    window = dict[str, float](ONE)
    program.do("CONV", "", Flag.NONE, out=out, in_=source, filter=filters, params=params, **window)
    program.store(out)
    return program


def test_sums_that_leave_int32_are_found_in_the_data() -> None:
    x, weights = np.zeros((1, 8, 2, 3), np.int8), np.zeros((1, 4, 8, 1), np.int8)
    x[0, 5, 1, 2], weights[0, 2, 5, 0] = 100, 127
    program = summed(x, weights, (1 << 31) - 100)
    assert examine(program.model()).unproven == {(0, Engine.TIU, 1)}
    (found,) = found_in(program)
    assert (found.check, found.kind, found.engine, found.record) == ("overflow", "sum", Engine.TIU, 1)
    assert (found.operand, found.layer, found.lanes, found.stop - found.start) == ("out", "layer", (2, 3), 4)
    value = (1 << 31) - 100 + 12700
    assert f"CONV makes {value} at (0, 2, 1, 2), which int32 holds as {value - (1 << 32)}; 1 of 24" in found.message


def test_large_sums_that_fit_are_no_fault() -> None:
    x, weights = np.full((1, 8, 2, 3), -100, np.int8), np.full((1, 4, 8, 1), 127, np.int8)
    program = summed(x, weights, (1 << 31) - 100)
    assert examine(program.model()).unproven
    assert found_in(program) == []


def test_small_sums_are_proven_by_the_file_alone() -> None:
    x, weights = np.full((1, 8, 2, 3), -128, np.int8), np.full((1, 4, 8, 1), -128, np.int8)
    assert examine(summed(x, weights, 1 << 30).model()).unproven == frozenset()


def floats(function: str, a: Array, b: Array | None = None) -> Program:
    """One function of f32 in the place of its first operand."""
    program = Program()
    left = program.load(program.feed(a))
    operands = {"out": left, "a": left} | ({} if b is None else {"b": program.load(program.feed(b))})
    program.commands.append(Command("ARITH", operands, function=function))
    program.store(left)
    return program


def test_infinity_is_told_where_it_is_born() -> None:
    a, b = np.ones(FRAME, np.float32), np.ones(FRAME, np.float32)
    b[0, 3, 1, 2] = 0
    (found,) = found_in(floats("div", a, b))
    assert (found.check, found.kind, found.record, found.operand) == ("births", "infinity", 1, "out")
    assert (found.start, found.stop, found.lanes, found.tensor) == (20, 24, (3, 4), "layer:step")
    assert "ARITH makes inf at (0, 3, 1, 2) of operands that are all finite; 1 of 48" in found.message


def test_nan_is_told_where_it_is_born() -> None:
    (found,) = found_in(floats("sqrt", np.full(FRAME, -1, np.float32)))
    assert (found.kind, found.count) == ("NaN", 1)
    assert "48 of 48 are NaN or infinite" in found.message


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_was_odd_before_is_not_born(value: float) -> None:
    """The operand is gone when the record is done, for the result takes its place; yet it isn't told."""
    a = np.ones(FRAME, np.float32)
    a[0, 0, 0, 0] = value
    assert found_in(floats("exp", a)) == []


def test_a_scalar_that_is_infinite_bears_nothing() -> None:
    program = Program()
    x = program.load(program.feed(np.ones(FRAME, np.float32)))
    program.do("ARITH", "add", Flag.SCALAR_B, out=x, a=x, scalar=-np.inf)
    program.store(x)
    assert found_in(program) == []


def test_data_that_a_record_cannot_take() -> None:
    program = Program()
    x = program.load(program.feed(np.zeros((1, 8, 2, 2), np.int8)))
    table = program.everywhere(program.feed(np.array([[[[0], [9]]]], np.int32)))
    out = program.local((1, 8, 2, 2), DType.I8)
    program.do("RESAMPLE", "pick", out=out, in_=x, table=table, axis=2)
    program.store(out)
    session = PyRuntime(program.model(), checked=True, collect=True)
    with pytest.raises(Faulty, match="data: TIU record 1: RESAMPLE can't take its data: "):
        session.run(None, program.feeds)
    assert [(one.check, one.record) for one in session.findings] == [("data", 1)]


def test_wrapping_arithmetic_is_a_fault_only_where_it_is_asked_for() -> None:
    program = Program()
    x = program.load(program.feed(np.full(FRAME, 1 << 30, np.int32)))
    program.do("ARITH", "add", out=x, a=x, b=x)
    program.store(x)
    assert found_in(program) == []
    checking = Checking(program.model(), wraps=True)
    memory = Memory(program.chip, program.model().weights, 0, program.model().io_bytes)
    watch: Watch = checking.watch([memory])
    memory.regions[Region.IO][...] = 0x40
    Machine([memory], program.model().cores, watch=watch).run()
    (found,) = watch.take()
    assert (found.check, found.kind, found.operand) == ("overflow", "wrap", "out")


def test_a_checked_session_refuses_a_faulty_program_and_runs_a_sound_one_alike() -> None:
    a, b = (np.full(FRAME, value, np.float32) for value in (3, 2))
    program = floats("div", a, b)
    made = program.model()
    plain, checked = (PyRuntime(made, checked=on).run(None, program.feeds) for on in (False, True))
    assert np.array_equal(plain[0], checked[0])
    tiu = made.tiu.copy()
    tiu["wait"] = 0
    with pytest.raises(Faulty, match="3 findings: races: TIU record 1: RAW: ARITH reads LOCAL") as caught:
        PyRuntime(replace(made, tiu=tiu), checked=True)
    assert [(one.kind, one.operand) for one in caught.value.findings] == [("RAW", "a"), ("RAW", "b"), ("WAW", "out")]


def test_parameters_are_known_while_their_buffer_is_used_up() -> None:
    """Two halves of one load are read; the first half's bytes are written over before the second is read."""
    program = Program()
    x = program.load(program.feed(np.full((1, 8, 2, 3), -128, np.int8)))
    filters = program.load(program.weight(np.full((1, 16, 1, 1), -128, np.int8)))
    rows = np.tile(np.array([1 << 30, 1, 0], np.int32), (16, 1)).reshape(1, 16, 1, 3)
    params = program.load(program.weight(rows))
    spare = program.load(program.feed(np.zeros((1, 8, 1, 3), np.int32)))
    for half in range(2):
        part = [
            replace(operand, dims=(1, 8, *operand.dims[2:]), addr=operand.addr + half * operand.strides[1])
            for operand in (filters, params)
        ]
        out = program.local((1, 8, 2, 3), DType.I32)
        operands = {"out": out, "in": x, "filter": part[0], "params": part[1]}
        program.commands.append(Command("DWCONV", operands, dict[str, float](ONE)))
        program.store(out)
        program.commands.append(Command("COPY", {"out": part[1], "in": spare}))
    assert examine(program.model()).findings == []
    assert examine(program.model()).unproven == frozenset()
    late = program.commands[-1]
    assert late.op == "COPY"
    program.commands.insert(-3, replace(late))
    assert examine(program.model()).unproven == {(0, Engine.TIU, 4)}


def test_what_a_dump_finds_is_told_then_and_not_by_the_next_run() -> None:
    ones = np.ones(FRAME, np.float32)
    session = PyRuntime(floats("div", ones, ones).model(), checked=True)
    sound, dividing_by_zero = {"x0": ones, "x1": ones}, {"x0": ones, "x1": np.zeros_like(ones)}
    with pytest.raises(Faulty, match="births"):
        session.dump(dividing_by_zero)
    session.run(None, sound)
    (found,) = session.findings
    assert found.check == "births"
