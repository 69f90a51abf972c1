"""Breakpoints stop at just the records they name: by op, layer, tensor, and the bytes touched or changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from simulator.debugger import stops
from simulator.debugger.program import Extent
from simulator.debugger.session import Debugger
from simulator.isa.record import Operand
from simulator.isa.table import DType, Region
from tests.simulator.debugger.compiled import built, debugger
from tests.simulator.hand_made import copy_twice


def stops_of(held: Debugger) -> Iterator[str]:
    while True:
        stop = held.go_on()
        if stop.breakpoint is None:
            return
        yield stop.why


def test_breakpoints_stop_where_they_say() -> None:
    held = debugger(built("one core"))
    convs = [turn for turn in held.program.turns() if held.program.op(turn) == "CONV"]
    held.add(stops.at_op(held.program, "CONV"))
    assert len(list(stops_of(held))) == len(convs)
    held.again()
    held.breakpoints.clear()
    layer = held.program.layer(convs[-1])
    held.add(stops.at_layer(held.run, layer))
    held.go_on()
    upcoming = held.run.next()
    assert upcoming is not None
    assert held.program.layer(upcoming) == layer
    assert not any(held.program.layer(moment) == layer for moment in held.run.past)
    one = held.add(stops.at_tensor(held.tensors, layer))
    said = list(stops_of(held))
    whole = int(np.prod(held.tensors[layer].shape))
    where, what = said[-1].split(": ")
    assert where == f"breakpoint {one.number}, tensor {layer} after TIU {convs[-1].at + 1}"
    assert what == f"{whole:,} of {whole:,} elements of {layer} are finished"
    assert one.hits == len(said)


def test_once_and_disabled() -> None:
    held = debugger(built("one core"))
    one, two = (held.add(stops.at_op(held.program, "CONV")) for _ in range(2))
    one.once, two.enabled = True, False
    assert len(list(stops_of(held))) == 1
    assert list(held.breakpoints) == [2]


def test_bytes_touched_and_changed() -> None:
    """`x` is read by loads, and nothing writes it; what STORE leaves in y changes once, from what poison is."""
    held = debugger(built("one core"))
    x, y = held.program.model.inputs[0], held.program.model.outputs[0]
    read = Extent(Region.IO, x.offset, x.offset + 1)
    assert held.program.touching(read, 0, write=True) == []
    assert {held.program.op(turn) for turn in held.program.touching(read, 0)} == {"LOAD"}
    first = Extent(Region.IO, y.offset, y.offset + 1)
    watch = held.add(stops.at_change(held.run, [(first, 0)], "y"))
    assert "1 of 1 bytes changed, byte 0 from 0xff to " in held.go_on().why
    (writer,) = held.program.touching(first, 0, write=True)
    assert held.run.past[-1] == writer
    assert list(stops_of(held)) == []
    assert held.back_to_stop().breakpoint is watch
    assert held.run.past[-1] == writer


def test_lanes_and_strides_are_told_apart() -> None:
    """A row that an operand leaves out, and a lane that it isn't in, aren't touched."""
    held = Debugger(copy_twice(), {"x": np.zeros((1, 8, 8, 32), np.int8)})
    sparse = Operand(0, DType.I8, (1, 4, 2, 8), (0, 0, 64, 1))
    assert held.program.touching(Extent(Region.LOCAL, 8192, 8193, lane=7), 0) != []
    marked = held.program.touching(sparse, 0, write=True)
    assert {held.program.op(turn) for turn in marked} == {"LOAD"}
    assert held.program.touching(replace(sparse, addr=20000), 0) == []
