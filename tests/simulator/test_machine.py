"""Order, waits, ends and poison of the functional chip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.execute.site import IllegalRecord
from simulator.isa.record import Command, Records, encode
from simulator.isa.table import DType, Engine
from simulator.loaded import Loaded
from simulator.machine import Machine
from simulator.memory import POISON
from simulator.model_file import Model
from simulator.order import Deadlock
from simulator.runtime import PyRuntime
from tests.simulator.programs import Program

EMPTY = Program("e8").model()


def loaded(tiu: Records | None = None, gdma: Records | None = None) -> PyRuntime:
    changed = {"tiu": EMPTY.tiu if tiu is None else tiu, "gdma": EMPTY.gdma if gdma is None else gdma}
    return PyRuntime(replace(EMPTY, **changed))


def doubled(waits: bool) -> Model:
    """Result y = 2·x; the addition comes before its load if it doesn't wait for it."""
    program = Program("e8")
    source = program.load(program.feed(np.arange(8, dtype=np.float32).reshape(1, 8, 1, 1)))
    program.do("ARITH", "add", out=source, a=source, b=source)
    program.store(source)
    model = program.model()
    if not waits:
        model.tiu["wait"] = 0
    return model


def test_a_record_runs_when_what_it_waits_for_is_done() -> None:
    feed = {"x0": np.arange(8, dtype=np.float32).reshape(1, 8, 1, 1)}
    (right,) = PyRuntime(doubled(waits=True)).run(None, feed)
    assert np.array_equal(right, 2 * feed["x0"])
    (early,) = PyRuntime(doubled(waits=False)).run(None, feed)
    assert np.array_equal(early, feed["x0"])


def test_records_that_wait_for_each_other_are_named() -> None:
    tiu = encode([Command("NOP", wait=1), Command("END")])
    gdma = encode([Command("DMA_END", wait=2)])
    with pytest.raises(Deadlock, match="TIU record 1 waits for GDMA record 1, GDMA record 1 waits for TIU record 2"):
        loaded(tiu, gdma)


@pytest.mark.parametrize(
    ("tiu", "message"),
    [
        ([], "TIU record 0: op: the stream is empty"),
        ([Command("NOP")], "TIU record 1: op: END must be last"),
        ([Command("END"), Command("NOP"), Command("END")], "TIU record 1: op: END must be last"),
        ([Command("NOP"), Command("DMA_END"), Command("END")], "TIU record 2: op: DMA_END is one of the GDMA's"),
    ],
)
def test_streams_end_once(tiu: list[Command], message: str) -> None:
    with pytest.raises(IllegalRecord, match=message):
        loaded(encode(tiu))


@pytest.mark.parametrize(("field", "value"), [("op", 99), ("function", 1)])
def test_unknown_codes(field: str, value: int) -> None:
    records = encode([Command("NOP"), Command("END")])
    records[field][0] = value
    with pytest.raises(IllegalRecord, match=f"TIU record 1: op, function or operand: .* {value}"):
        loaded(records)


def test_unknown_type_of_an_operand() -> None:
    model = doubled(waits=True)
    model.tiu["operands"]["dtype"][0, 1] = 77
    with pytest.raises(IllegalRecord, match=r"TIU record 1: .*77"):
        PyRuntime(model)


def test_nothing_stays_between_runs() -> None:
    """A store of memory that was never written gives poison, also after a run that wrote there."""
    program = Program("e8")
    fresh = program.local((1, 8, 1, 1), DType.U8)
    program.store(fresh)
    program.do("LOAD", out=fresh, in_=program.weight(np.zeros((1, 8, 1, 1), np.uint8)))
    session = PyRuntime(program.model())
    for _ in range(2):
        (seen,) = session.run(None, {}, raw=True)
        assert (seen == POISON).all()


def test_an_observer_sees_every_record_once() -> None:
    model = doubled(waits=True)
    seen: list[tuple[int, Engine, int]] = []
    machine = Machine(Loaded(model).memories, model.cores)
    machine.run(lambda core, engine, number: seen.append((core, engine, number)))
    expected = [(0, Engine.TIU, i + 1) for i in range(len(model.tiu))] + [
        (0, Engine.GDMA, i + 1) for i in range(len(model.gdma))
    ]
    assert sorted(seen) == expected
