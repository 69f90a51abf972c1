"""A two-core program put together by hand: each core doubles its half of x, then takes the other's half."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.chip import CHIPS
from simulator.cores import Streams
from simulator.isa.record import Command, Records, encode
from simulator.isa.table import DType, Region
from simulator.layout import Frame
from simulator.model_file import IO, Model
from tests.simulator.hand_made import far, local

X32 = CHIPS["x32"]
HALF: Frame = (1, 32, 4, 16)
BYTES = 32 * 4 * 16


def halves() -> Model:
    """X (2, 32, 4, 16): doubled by halves in ACTIVATION, then y = each half plus what the other core stored."""
    cores = [_core(number) for number in range(2)]
    x, y = (IO(name, (2, 32, 4, 16), DType.U8, i * 2 * BYTES) for i, name in enumerate("xy"))
    first, *others = cores
    weights = np.zeros(0, np.uint8)
    return Model(
        X32, "int8", [x], [y], first.tiu, first.gdma, weights, 2 * BYTES, 4 * BYTES, (), ("halves",), (), others
    )


def with_gdma(made: Model, core: int, gdma: Records) -> Model:
    """The program with another GDMA stream on a core."""
    if core == 0:
        return replace(made, gdma=gdma)
    return replace(made, others=[Streams(made.others[0].tiu, gdma)])


def _core(number: int) -> Streams:
    a, b, c = (local(4096 * i, HALF, DType.U8, X32) for i in range(3))
    mine, theirs = (far(Region.ACTIVATION, i * BYTES, HALF, DType.U8) for i in (number, 1 - number))
    x, y = (far(Region.IO, i * BYTES, HALF, DType.U8) for i in (number, 2 + number))
    tiu = [
        Command("ARITH", {"out": b, "a": a, "b": a}, function="add", wait=1),
        Command("ARITH", {"out": a, "a": b, "b": c}, function="add", wait=5),
        Command("END"),
    ]
    gdma = [
        Command("LOAD", {"out": a, "in": x}),
        Command("STORE", {"out": mine, "in": b}, wait=1),
        Command("SEND"),
        Command("WAIT", params={"core": 1 - number, "count": 1}),
        Command("LOAD", {"out": c, "in": theirs}),
        Command("STORE", {"out": y, "in": a}, wait=2),
        Command("DMA_END"),
    ]
    return Streams(encode(tiu), encode(gdma))
