"""
A number for each byte of the chip's memories, and the bytes of an operand as views into it.

For a few operands at a time, and as the obvious form that `replay` is held against: that one has the boxes of all
operands at once (`checks.boxes`) and a row for each class of lanes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from simulator.chip import Chip
from simulator.isa.record import Operand
from simulator.isa.table import Region
from simulator.memory import pieces

Cells = NDArray[Any]

Axis = tuple[int, int]
"""Extent, and bytes from one index to the next."""


class Shadow:
    """
    One cell for each byte: of a lane, lane after lane, and of the global regions but WEIGHT, which nothing writes.

    Cells start as 0 and take real memory only where they are touched.
    """

    def __init__(self, chip: Chip, sizes: Mapping[Region, int], dtype: DTypeLike) -> None:
        """`sizes`: bytes of each global region."""
        self._chip = chip
        self._cells: dict[Region, Cells] = {region: np.zeros(size, dtype) for region, size in sizes.items()}
        self._cells[Region.LOCAL] = np.zeros(chip.lanes * chip.lane_bytes, dtype)
        self._views: dict[Operand, tuple[Cells, ...]] = {}

    def beside(self) -> Shadow:
        """The same for another core: cells of its own for the lanes, those of the global regions in common."""
        made = Shadow(self._chip, {}, self._cells[Region.LOCAL].dtype)
        made._cells |= {region: cells for region, cells in self._cells.items() if region != Region.LOCAL}
        return made

    def region(self, region: Region) -> Cells:
        """All cells of a global region, in a row."""
        return self._cells[region]

    def of(self, operand: Operand) -> tuple[Cells, ...]:
        """The cells of exactly the operand's bytes, as views. The operand must lie within its memory."""
        if operand not in self._views:
            self._views[operand] = tuple(self._view(operand.region, *box) for box in _boxes(operand, self._chip))
        return self._views[operand]

    def extent(self, operand: Operand, hit: Callable[[Cells], Cells]) -> tuple[int, int]:
        """First byte of the operand, and the one after its last, whose cell is hit; bytes of a lane if it's local."""
        found: list[int] = []
        for (start, axes), part in zip(_boxes(operand, self._chip), self.of(operand), strict=True):
            where = np.argwhere(hit(part))
            found += (start + where @ np.array([step for _, step in axes])).tolist()
        if operand.region == Region.LOCAL:
            found = [byte % self._chip.lane_bytes for byte in found]
        return min(found), max(found) + 1

    def _view(self, region: Region, start: int, axes: tuple[Axis, ...]) -> Cells:
        cells = self._cells[region]
        size = cells.itemsize
        extents = tuple(extent for extent, _ in axes)
        return np.ndarray(extents, cells.dtype, cells.data, start * size, tuple(step * size for _, step in axes))


def _boxes(operand: Operand, chip: Chip) -> Iterator[tuple[int, tuple[Axis, ...]]]:
    """An operand's bytes as boxes: first byte and axes. Local bytes count on from lane to lane."""
    n, c, h, w = operand.dims
    sn, sc, sh, sw = operand.strides
    inner = ((h, sh), (w, sw), (operand.dtype.itemsize, 1))
    if operand.region != Region.LOCAL:
        yield operand.addr, _joined((n, sn), (c, sc), *inner)
        return
    for lane, depth, lanes, depths in pieces(operand, chip.lanes):
        first = lane * chip.lane_bytes + operand.addr + depth * sc
        yield first, _joined((lanes, chip.lane_bytes), (n, sn), (depths, sc), *inner)


def _joined(*axes: Axis) -> tuple[Axis, ...]:
    """The same bytes by fewer axes: neighbours that lie end to end become one; extents of 1 and strides of 0 go."""
    made: list[Axis] = []
    for extent, stride in reversed(axes):
        if extent == 1 or stride == 0:
            continue
        if made and stride == made[-1][0] * made[-1][1]:
            made[-1] = (made[-1][0] * extent, made[-1][1])
        else:
            made.append((extent, stride))
    return tuple(reversed(made)) or ((1, 1),)
