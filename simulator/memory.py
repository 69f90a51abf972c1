"""
The chip's memories as bytes, and tensors in them as arrays.

Local memory is one row of bytes a lane. Channel c of an operand that begins at lane l is in lane (l + c) mod lanes, at
depth (l + c) // lanes; `Operand.strides` are bytes in a lane. The other regions are plain rows of bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from simulator.chip import Chip
from simulator.isa.record import Operand
from simulator.isa.table import DType, Region
from simulator.layout import up

Array = NDArray[Any]
Bytes = NDArray[np.uint8]

POISON = 0xFF
"""What every byte holds before a run: -1 or 255, and in floats a NaN that no op ever stores."""

NUMPY: Mapping[DType, np.dtype[Any]] = {
    DType.F32: np.dtype(np.float32),
    DType.BF16: np.dtype(ml_dtypes.bfloat16),
    DType.F16: np.dtype(np.float16),
    DType.I8: np.dtype(np.int8),
    DType.U8: np.dtype(np.uint8),
    DType.I32: np.dtype(np.int32),
}
"""numpy's name of each element type."""


class BadOperand(ValueError):
    """An operand that isn't a tensor in its memory; the message says why."""


@dataclass(frozen=True)
class Place:
    """
    A tensor (n, c, h, w) where it lies.

    `blocks` are views (n, depths, lanes, h, w), each of as many channels as it has depths · lanes, in order. `whole` is
    a view of the tensor itself, where one is possible.
    """

    dims: tuple[int, int, int, int]
    dtype: np.dtype[Any]
    blocks: tuple[Array, ...]
    whole: Array | None

    def gather(self) -> Array:
        """The tensor: a view into memory if it can be one, else a copy. The view may have strides of 0."""
        if self.whole is not None:
            return self.whole
        made = np.empty(self.dims, self.dtype)
        for part, block in zip(self.parts(made), self.blocks, strict=True):
            part[...] = block
        return made

    def scatter(self, values: Array) -> None:
        """Put `values`, of the tensor's extents and type, in its place."""
        if self.whole is not None:
            self.whole[...] = values
            return
        for part, block in zip(self.parts(values), self.blocks, strict=True):
            block[...] = part

    def parts(self, values: Array) -> Iterator[Array]:
        """`values` (n, c, h, w) as views of the blocks' extents."""
        first = 0
        for block in self.blocks:
            last = first + block.shape[1] * block.shape[2]
            yield values[:, first:last].reshape(block.shape)
            first = last


class Memory:
    """One core's local memory and the three global regions of a session."""

    def __init__(self, chip: Chip, weights: Bytes, activation_bytes: int, io_bytes: int) -> None:
        """`weights` is used as it is; no record may write there."""
        self.chip = chip
        self.lanes: Bytes = np.full((chip.lanes, chip.lane_bytes), POISON, np.uint8)
        self.regions: Mapping[Region, Bytes] = {
            Region.WEIGHT: weights,
            Region.ACTIVATION: np.full(activation_bytes, POISON, np.uint8),
            Region.IO: np.full(io_bytes, POISON, np.uint8),
        }
        self._places: dict[Operand, Place] = {}

    def beside(self) -> Memory:
        """The memory of another core: lanes of its own, the same global regions."""
        made = Memory(self.chip, self.regions[Region.WEIGHT], 0, 0)
        made.regions = self.regions
        return made

    def poison(self) -> None:
        """Overwrite everything but the weights: nothing stays from one inference to the next."""
        for held in (self.lanes, self.regions[Region.ACTIVATION], self.regions[Region.IO]):
            held.fill(POISON)

    def place(self, operand: Operand) -> Place:
        """Where an operand lies. Raises BadOperand if it leaves its memory or isn't aligned to its elements."""
        check(operand, self.chip, self.size(operand.region))
        if operand.region != Region.LOCAL:
            return self._in_global(operand)
        if operand not in self._places:
            self._places[operand] = self._in_lanes(operand)
        return self._places[operand]

    def in_each_lane(self, operand: Operand) -> Array:
        """What every lane holds where a local operand of one channel lies: a view (lanes, n, h, w)."""
        n, _, h, w = operand.dims
        sn, _, sh, sw = operand.strides
        shape, strides = (self.chip.lanes, n, h, w), (self.chip.lane_bytes, sn, sh, sw)
        return np.ndarray(shape, NUMPY[operand.dtype], self.lanes.data, operand.addr, strides)

    def size(self, region: Region) -> int:
        """Bytes of a region, of one lane for the local one."""
        return self.chip.lane_bytes if region == Region.LOCAL else self.regions[region].size

    def _in_global(self, operand: Operand) -> Place:
        n, c, h, w = operand.dims
        sn, sc, sh, sw = operand.strides
        dtype, held = NUMPY[operand.dtype], self.regions[operand.region]
        whole: Array = np.ndarray((n, c, h, w), dtype, held.data, operand.addr, (sn, sc, sh, sw))
        return Place(operand.dims, dtype, (whole[:, None],), whole)

    def _in_lanes(self, operand: Operand) -> Place:
        dtype = NUMPY[operand.dtype]
        blocks = tuple(self._block(operand, dtype, *piece) for piece in pieces(operand, self.chip.lanes))
        single = blocks[0].shape[1] == 1 and len(blocks) == 1
        return Place(operand.dims, dtype, blocks, blocks[0][:, 0] if single else None)

    def _block(self, operand: Operand, dtype: np.dtype[Any], lane: int, depth: int, lanes: int, depths: int) -> Array:
        n, _, h, w = operand.dims
        sn, sd, sh, sw = operand.strides
        start = lane * self.chip.lane_bytes + operand.addr + depth * sd
        strides = (sn, sd, self.chip.lane_bytes, sh, sw)
        return np.ndarray((n, depths, lanes, h, w), dtype, self.lanes.data, start, strides)


def pieces(operand: Operand, lanes: int) -> Iterator[tuple[int, int, int, int]]:
    """
    A local operand's channels as boxes of lanes and depths: first lane, first depth, lanes, depths of each.

    At most three: to the end of the first depth, whole depths, and what is left.
    """
    channels, lane, depth = operand.dims[1], operand.lane, 0
    if lane:
        head = min(channels, lanes - lane)
        yield lane, 0, head, 1
        channels, depth = channels - head, 1
    if full := channels // lanes:
        yield 0, depth, lanes, full
        channels, depth = channels - full * lanes, depth + full
    if channels:
        yield 0, depth, channels, 1


def check(operand: Operand, chip: Chip, size: int) -> None:
    """Raise BadOperand unless every element lies within the `size` bytes of its region, aligned to its own size."""
    if min(operand.dims) < 1:
        raise BadOperand(f"extents {operand.dims} are empty")
    local = operand.region == Region.LOCAL
    if not operand.lane < (chip.lanes if local else 1):
        raise BadOperand(f"lane {operand.lane} of {chip.lanes if local else 'global memory, which has none'}")
    n, c, h, w = operand.dims
    counts = (n, up(operand.lane + c, chip.lanes) if local else c, h, w)
    steps = [(count - 1) * stride for count, stride in zip(counts, operand.strides, strict=True)]
    itemsize = operand.dtype.itemsize
    first = operand.addr + sum(step for step in steps if step < 0)
    last = operand.addr + sum(step for step in steps if step > 0) + itemsize
    if first < 0 or last > size:
        raise BadOperand(f"bytes {first} to {last} leave {operand.region.name}, which has {size}")
    if operand.addr % itemsize or any(step % itemsize for step in steps):
        raise BadOperand(f"address {operand.addr} or strides {operand.strides} aren't multiples of {itemsize} bytes")


def written_twice(operand: Operand, chip: Chip) -> bool:
    """Whether elements may share a place: some stride is shorter than what the axes of shorter strides span."""
    n, c, h, w = operand.dims
    depths = up(operand.lane + c, chip.lanes) if operand.region == Region.LOCAL else c
    axes = zip((n, depths, h, w), operand.strides, strict=True)
    span = operand.dtype.itemsize
    for stride, count in sorted((abs(stride), count) for count, stride in axes if count > 1):
        if stride < span:
            return True
        span += (count - 1) * stride
    return False
