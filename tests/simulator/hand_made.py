"""Small hand-made programs that tests of the chip's side share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from simulator.chip import CHIPS, Chip
from simulator.isa.record import Command, Operand, encode
from simulator.isa.table import DType, Region
from simulator.layout import Frame, strides
from simulator.model_file import IO, Model

E8 = CHIPS["e8"]


def local(addr: int, dims: Frame, dtype: DType = DType.I8, chip: Chip = E8) -> Operand:
    """A local operand in the layout of a tensor that lies by itself."""
    return Operand(addr, dtype, dims, strides(dims, dtype.itemsize, chip))


def far(region: Region, addr: int, dims: Frame, dtype: DType = DType.I8) -> Operand:
    """A global operand, contiguous."""
    _, c, h, w = dims
    size = dtype.itemsize
    return Operand(addr, dtype, dims, (c * h * w * size, h * w * size, w * size, size), region)


def model(
    tiu: Iterable[Command], gdma: Iterable[Command], layers: Sequence[str] = ("layer",), chip: Chip = E8
) -> Model:
    """A model of both streams, each ended; 4 KiB of weights, activations, input and output."""
    io = [IO("x", (1, 8, 8, 32), DType.I8, 0), IO("y", (1, 8, 8, 32), DType.I8, 2048)]
    computes, moves = encode([*tiu, Command("END")]), encode([*gdma, Command("DMA_END")])
    return Model(chip, "int8", io[:1], io[1:], computes, moves, np.zeros(4096, np.uint8), 4096, 4096, (), layers)


def copy_twice() -> Model:
    """Loads two slices of x, copies each in local memory and stores it to y: every wait is needed, none is missing."""
    tiu: list[Command] = []
    gdma: list[Command] = []
    dims = (1, 8, 4, 32)
    for i in range(4):
        # Both buffers serve in turn: from the third load on, the reader of the one before last must be done.
        source, made = local(i % 2 * 4096, dims), local(8192 + i % 2 * 4096, dims)
        x, y = far(Region.IO, i % 2 * 1024, dims), far(Region.IO, 2048 + i % 2 * 1024, dims)
        gdma.append(Command("LOAD", {"out": source, "in": x}, wait=max(i - 1, 0)))
        tiu.append(Command("COPY", {"out": made, "in": source}, wait=2 * i + 1))
        gdma.append(Command("STORE", {"out": y, "in": made}, wait=i + 1, tag=1))
    return model(tiu, gdma, ("copy", "store"))
