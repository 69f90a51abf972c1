"""Small sound programs of one core or two, with waits that are needed and some that aren't."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from simulator.chip import CHIPS
from simulator.cores import Streams
from simulator.isa.record import Command, Operand, encode
from simulator.isa.table import DType, Engine, Region
from simulator.layout import Frame
from simulator.model_file import IO, Model
from tests.simulator.checks.reachability import racing, with_streams

SPACE = 12
"""Bytes of a lane, and of ACTIVATION, that programs use."""

CHIP = {1: CHIPS["e8"], 2: CHIPS["x32"]}


@st.composite
def programs(draw: st.DrawFn, cores: int, most: int) -> Model:
    """A program without a race, of `most` records at most beside SENDs, WAITs and ends."""
    streams = [_Core(number) for number in range(cores)]
    for _ in range(draw(st.integers(2, most))):
        own = streams[draw(st.integers(0, cores - 1))]
        command = draw(_commands(cores))
        if command.engine == Engine.GDMA and cores > 1:
            _meet(streams, own)
        own.add(command)
    made = _model([core.streams() for core in streams], cores)
    assert not racing(made)
    return _relaxed(draw, made)


class _Core:
    """A core's streams on the way; each record waits for all that its other engine was given before."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.given: tuple[list[Command], list[Command]] = ([], [])

    def add(self, command: Command) -> None:
        self.given[command.engine].append(replace(command, wait=len(self.given[1 - command.engine])))

    def sent(self) -> int:
        return sum(command.op == "SEND" for command in self.given[Engine.GDMA])

    def streams(self) -> Streams:
        return Streams(*(encode([*of, end]) for of, end in zip(self.given, _ENDS, strict=True)))


_ENDS = (Command("END"), Command("DMA_END"))


def _meet(cores: list[_Core], own: _Core) -> None:
    """Before a move, its core waits for all that the others' GDMAs did."""
    for other in cores:
        if other is not own and any(command.op in ("LOAD", "STORE") for command in other.given[Engine.GDMA][-1:]):
            other.add(Command("SEND"))
        if other is not own and other.sent():
            own.add(Command("WAIT", params={"core": other.number, "count": other.sent()}))


@st.composite
def _commands(draw: st.DrawFn, cores: int) -> Command:
    """A copy from the lower half of the lanes' bytes to the upper, or a move from or to either."""
    dims: Frame = (1, draw(st.integers(1, 3)), 1, draw(st.integers(1, 3)))
    op = draw(st.sampled_from(("COPY", "LOAD", "STORE", "LOAD", "STORE") if cores > 1 else ("COPY", "LOAD", "STORE")))
    if op == "COPY":
        return Command(op, {"out": _local(draw, dims, SPACE // 2), "in": _local(draw, dims, 0)})
    near = _local(draw, dims, draw(st.sampled_from((0, SPACE // 2))))
    if op == "LOAD" and draw(st.booleans()):
        return Command(op, {"out": near, "in": _far(Region.WEIGHT, draw(st.integers(0, 100)), dims)})
    sides = {"in": near, "out": _far(Region.ACTIVATION, draw(st.integers(0, SPACE - 9)), dims)}
    return Command(op, sides if op == "STORE" else {"out": sides["in"], "in": sides["out"]})


def _local(draw: st.DrawFn, dims: Frame, first: int) -> Operand:
    width = dims[3]
    at = first + draw(st.integers(0, SPACE // 2 - width))
    return Operand(at, DType.U8, dims, (width, width, width, 1), Region.LOCAL, draw(st.integers(0, 1)))


def _far(region: Region, addr: int, dims: Frame) -> Operand:
    _, c, _, w = dims
    return Operand(addr, DType.U8, dims, (c * w, w, w, 1), region)


def _model(cores: list[Streams], count: int) -> Model:
    weights = np.arange(1, 129, dtype=np.uint8)
    y = IO("y", (1, 1, 1, SPACE), DType.U8, 0)
    tiu, gdma = cores[0].tiu, cores[0].gdma
    return Model(CHIP[count], "int8", [], [y], tiu, gdma, weights, SPACE, SPACE, (), ("layer",), (), cores[1:])


def _relaxed(draw: st.DrawFn, made: Model) -> Model:
    """The program with waits and WAITs deleted or weakened at random, as long as nothing races."""
    for number, core in enumerate(made.cores):
        for engine in Engine:
            for i, record in enumerate(core.of(engine)):
                for field, value in (("wait", int(record["wait"])), ("i", int(record["i"][0]))):
                    if value and draw(st.booleans()):
                        fewer = _with(made, number, engine, i, field, draw(st.integers(0, value - 1)))
                        made = made if racing(fewer) else fewer
    return made


def _with(made: Model, number: int, engine: Engine, i: int, field: str, value: int) -> Model:
    cores = [Streams(core.tiu.copy(), core.gdma.copy()) for core in made.cores]
    record = cores[number].of(engine)[i : i + 1]
    if field == "i":
        record["i"][0, 0] = value
    else:
        record[field] = value
    return with_streams(made, cores)
