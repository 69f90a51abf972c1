"""Programs put together by hand: tensors get places one after another, and records run one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import layout
from simulator.chip import CHIPS, Chip
from simulator.isa.record import Command, Operand, encode
from simulator.isa.table import DType, Engine, Flag, Region
from simulator.memory import NUMPY
from simulator.model_file import IO, Model, Tensor
from simulator.runtime import PyRuntime

Array = NDArray[Any]
Frame = tuple[int, int, int, int]
DTYPES = {dtype: kind for kind, dtype in NUMPY.items()}


class Program:
    """Commands in order; each waits for all before it."""

    def __init__(self, chip: Chip | str = "e8") -> None:
        self.chip = CHIPS[chip] if isinstance(chip, str) else chip
        self.commands: list[Command] = []
        self.inputs: list[IO] = []
        self.outputs: list[IO] = []
        self.feeds: dict[str, Array] = {}
        self.weights: list[Array] = []
        self.sizes = dict.fromkeys(Region, 0)

    def reserve(self, region: Region, size: int) -> int:
        """The address of so many bytes."""
        at = self.sizes[region]
        self.sizes[region] = at + layout.up(size, 64) * 64
        return at

    def local(self, dims: Frame, kind: DType) -> Operand:
        """A buffer of its own."""
        at = self.reserve(Region.LOCAL, layout.lane_bytes(dims, kind.itemsize, self.chip))
        return Operand(at, kind, dims, layout.strides(dims, kind.itemsize, self.chip))

    def outside(self, region: Region, dims: Frame, kind: DType) -> Operand:
        """A contiguous tensor in global memory."""
        _, c, h, w = dims
        size = kind.itemsize
        at = self.reserve(region, int(np.prod(dims)) * size)
        return Operand(at, kind, dims, (c * h * w * size, h * w * size, w * size, size), region)

    def feed(self, array: Array) -> Operand:
        """A network input that is fed `array`, (n, c, h, w)."""
        operand = self.outside(Region.IO, frame(array), DTYPES[array.dtype])
        name = f"x{len(self.inputs)}"
        self.inputs.append(IO(name, array.shape, operand.dtype, operand.addr))
        self.feeds[name] = array
        return operand

    def weight(self, array: Array) -> Operand:
        """A constant (n, c, h, w) in the weight region."""
        operand = self.outside(Region.WEIGHT, frame(array), DTYPES[array.dtype])
        raw = np.ascontiguousarray(array).view(np.uint8).reshape(-1)
        self.weights.append(np.pad(raw, (0, -raw.size % 64)))
        return operand

    def result(self, dims: Frame, kind: DType) -> Operand:
        """A network output."""
        operand = self.outside(Region.IO, dims, kind)
        self.outputs.append(IO(f"y{len(self.outputs)}", dims, kind, operand.addr))
        return operand

    def do(self, op: str, function: str = "", flags: Flag = Flag.NONE, **given: Operand | float | None) -> None:
        """Add a command. `in` is written `in_`."""
        named = {name.rstrip("_"): value for name, value in given.items()}
        operands = {name: value for name, value in named.items() if isinstance(value, Operand)}
        params = {name: value for name, value in named.items() if isinstance(value, int | float)}
        self.commands.append(Command(op, operands, params, function, flags))

    def load(self, source: Operand) -> Operand:
        """A copy in local memory."""
        target = self.local(source.dims, source.dtype)
        self.do("LOAD", out=target, in_=source)
        return target

    def everywhere(self, source: Operand) -> Operand:
        """A copy of a one-channel tensor in every lane."""
        (n, _, h, w), lanes = source.dims, self.chip.lanes
        target = self.local(source.dims, source.dtype)
        every: Frame = (n, lanes, h, w)
        self.do("LOAD", out=replace(target, dims=every), in_=repeated(source, every))
        return target

    def store(self, source: Operand) -> None:
        """To a network output."""
        self.do("STORE", out=self.result(source.dims, source.dtype), in_=source)

    def model(self, tensors: Sequence[Tensor] = ()) -> Model:
        """The whole program with waits and ends."""
        streams: dict[Engine, list[Command]] = {engine: [] for engine in Engine}
        for command in self.commands:
            wait = len(streams[Engine(1 - command.engine)])
            streams[command.engine].append(replace(command, wait=wait))
        weights = np.concatenate([*self.weights, np.zeros(0, np.uint8)])
        return Model(
            self.chip, "int8", self.inputs, self.outputs, encode([*streams[Engine.TIU], Command("END")]),
            encode([*streams[Engine.GDMA], Command("DMA_END")]), weights, self.sizes[Region.ACTIVATION],
            self.sizes[Region.IO], tensors,
        )  # fmt: skip

    def run(self) -> list[Array]:
        """The outputs as stored."""
        return PyRuntime(self.model()).run(None, self.feeds, raw=True)


def frame(array: Array) -> Frame:
    """Extents of a rank-4 array."""
    n, c, h, w = array.shape
    return n, c, h, w


def repeated(operand: Operand, dims: Frame) -> Operand:
    """An operand read with extents `dims`, axes of 1 repeated."""
    n, c, h, w = (
        0 if have == 1 and want != 1 else stride
        for have, want, stride in zip(operand.dims, dims, operand.strides, strict=True)
    )
    return replace(operand, dims=dims, strides=(n, c, h, w))
