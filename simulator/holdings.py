"""What lies where in one memory: the operand last put at each byte, found by the bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.isa.record import Operand
from simulator.isa.table import Region
from simulator.layout import up

GRAINS = 256
"""Stretches of a memory, each with a list of its own of what lies there."""


@dataclass(slots=True)
class Holding:
    """A tensor somewhere, by the names that it may have, likeliest first; `unread`: its first reader will name it."""

    operand: Operand
    names: tuple[str, ...]
    unread: bool = False


class Holdings:
    """The holdings of a region of `size` bytes, or of local memory of `size` bytes in each of `lanes`."""

    def __init__(self, size: int, lanes: int = 1) -> None:
        self._lanes = lanes
        self._grain = max(up(size, GRAINS), 64)
        self._count = up(size, self._grain)
        self._lists: dict[int, list[tuple[Operand, Holding]]] = {}

    def put(self, holding: Holding, place: Operand | None = None) -> None:
        """A holding comes to lie at its operand, or at another `place` too; as far as that is in the memory."""
        place = place or holding.operand
        first, stop = extent(place, self._lanes)
        whole = self._fills(place, stop - first)
        for at in range(max(first // self._grain, 0), min(up(stop, self._grain), self._count)):
            if whole and first <= at * self._grain and (at + 1) * self._grain <= stop:
                self._lists[at] = [(place, holding)]
            else:
                self._lists.setdefault(at, []).append((place, holding))

    def at(self, operand: Operand) -> Holding | None:
        """What lies at the first element of an operand: what was put there last."""
        for place, holding in reversed(self._lists.get(operand.addr // self._grain, ())):
            if contains(place, operand.lane, operand.addr, self._lanes):
                return holding
        return None

    def _fills(self, place: Operand, span: int) -> bool:
        """Whether a place leaves no byte between its first and its last to others."""
        n, c, h, w = place.dims
        channels = up(c, self._lanes) * self._lanes if self._lanes > 1 else c
        return n * channels * h * w * place.dtype.itemsize == span * self._lanes and channels == c


def extent(operand: Operand, lanes: int) -> tuple[int, int]:
    """First byte of an operand, and the one after its last; bytes of a lane if it's local."""
    steps = [(count - 1) * stride for count, stride in _axes(operand, lanes)]
    first = operand.addr + sum(step for step in steps if step < 0)
    return first, operand.addr + sum(step for step in steps if step > 0) + operand.dtype.itemsize


def contains(operand: Operand, lane: int, byte: int, lanes: int) -> bool:
    """Whether one of an operand's elements has that byte (of that lane, if it's local)."""
    first, stop = extent(operand, lanes)
    if not first <= byte < stop:
        return False
    rest, depth = byte - first, 0
    n, depths, h, w = _axes(operand, lanes)
    for axis in sorted((n, depths, h, w), key=lambda axis: -abs(axis[1])):
        count, stride = axis
        if stride:
            at = min(rest // abs(stride), count - 1)
            rest -= at * abs(stride)
            depth = (at if stride > 0 else count - 1 - at) if axis is depths else depth
    if rest >= operand.dtype.itemsize:
        return False
    return operand.region != Region.LOCAL or 0 <= depth * lanes + lane - operand.lane < operand.dims[1]


def _axes(operand: Operand, lanes: int) -> Iterator[tuple[int, int]]:
    """Extent and stride of each axis: n, c (depths, if it's local), h and w."""
    n, c, h, w = operand.dims
    depths = up(operand.lane + c, lanes) if operand.region == Region.LOCAL else c
    return zip((n, depths, h, w), operand.strides, strict=True)
