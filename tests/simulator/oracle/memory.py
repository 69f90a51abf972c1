"""The chip's memories as plain bytes, and one element of an operand at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from simulator.isa.record import Operand
from simulator.isa.table import Region
from tests.simulator.oracle.numbers import Number, read, written

Index = tuple[int, int, int, int]
"""(n, c, h, w)."""
Tensor = dict[Index, Number]


class State:
    """Bytes of every lane and of every region of global memory."""

    def __init__(self, lanes: Sequence[bytes], regions: Mapping[Region, bytes]) -> None:
        self.lanes = [bytearray(lane) for lane in lanes]
        self.regions = {region: bytearray(held) for region, held in regions.items()}

    def places(self, operand: Operand) -> Iterator[tuple[Index, bytearray, int]]:
        """Of every element, row-major: its index, the memory that it is in, and its first byte there."""
        over_n, over_c, over_h, over_w = operand.strides
        for n, c in product(range(operand.dims[0]), range(operand.dims[1])):
            if operand.region == Region.LOCAL:
                # Channel c is in lane (l + c) mod lanes at depth (l + c) ÷ lanes, and the stride is that of depths.
                depth, lane = divmod(operand.lane + c, len(self.lanes))
                held, plane = self.lanes[lane], operand.addr + n * over_n + depth * over_c
            else:
                held, plane = self.regions[operand.region], operand.addr + n * over_n + c * over_c
            for h, w in product(range(operand.dims[2]), range(operand.dims[3])):
                yield (n, c, h, w), held, plane + h * over_h + w * over_w

    def put(self, operand: Operand, made: Mapping[Index, bytes]) -> None:
        """Write elements as bytes; those that `made` lacks stay."""
        size = operand.dtype.itemsize
        for index, held, first in self.places(operand):
            if index in made:
                held[first : first + size] = made[index]

    def raw(self, operand: Operand) -> dict[Index, bytes]:
        """Every element as bytes."""
        size = operand.dtype.itemsize
        return {index: bytes(held[first : first + size]) for index, held, first in self.places(operand)}

    def tensor(self, operand: Operand) -> Tensor:
        """Every element as a number."""
        return {index: read(raw, operand.dtype) for index, raw in self.raw(operand).items()}

    def store(self, operand: Operand, made: Mapping[Index, Number]) -> None:
        """Write numbers, each one of the operand's type or an f32 to be rounded to it."""
        self.put(operand, {index: written(value, operand.dtype) for index, value in made.items()})

    def lane_of(self, operand: Operand, channel: int) -> int:
        """The lane that a channel lies in."""
        return (operand.lane + channel) % len(self.lanes)

    def table(self, operand: Operand, lane: int) -> list[list[bytes]]:
        """Rows of elements, as bytes, of an operand (1, 1, rows, columns) of which every lane holds one of its own."""
        _, _, rows, columns = operand.dims
        _, _, over_h, over_w = operand.strides
        size, held = operand.dtype.itemsize, self.lanes[lane]
        places = [[operand.addr + h * over_h + w * over_w for w in range(columns)] for h in range(rows)]
        return [[bytes(held[place : place + size]) for place in row] for row in places]


def indices(operand: Operand) -> Iterator[Index]:
    """Of all elements, row-major."""
    n, c, h, w = operand.dims
    return product(range(n), range(c), range(h), range(w))
