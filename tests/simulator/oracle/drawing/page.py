"""The memory that a batch of commands is laid out in: every operand gets a place, a layout and values of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from simulator.isa.record import Command, Operand
from simulator.isa.table import DType, Region
from simulator.layout import Frame, Strides, up
from tests.simulator.oracle.drawing.kind import Kind
from tests.simulator.oracle.memory import Index, State, indices

LANES = (1, 2, 3, 4, 5)
LANE_BYTES = 1 << 17
REGION_BYTES = 1 << 16
ROOM = 1 << 15
"""Bytes of every memory that one command can't exceed."""

NOISE = 1 << 14
"""Random bytes that a lane is full of, again and again."""

Draw = Callable[[], bytes]
FIRST = (0, 0, 0, 0)


class Page:
    """
    Memory full of random bytes, and the commands that work on it so far.

    `random` draws all there is to draw. Layouts have gaps and axes in any order; those of operands that are only read
    have strides of 0, overlaps and negative strides too.
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        lanes = random.choice(LANES)
        noise = Random(random.getrandbits(32))
        self.state = State(
            [noise.randbytes(NOISE) * (LANE_BYTES // NOISE) for _ in range(lanes)],
            {region: noise.randbytes(REGION_BYTES) for region in Region if region != Region.LOCAL},
        )
        self.commands: list[Command] = []
        self.kinds: dict[int, Kind] = {}
        """Of commands by their place; loads that only bring an operand have none."""
        self._used = dict.fromkeys(Region, 0)
        self._loaded: dict[Operand, list[Operand]] = {}

    @property
    def lanes(self) -> int:
        """Lanes of the chip."""
        return len(self.state.lanes)

    @property
    def is_full(self) -> bool:
        """Whether another command might not fit."""
        sizes = {region: LANE_BYTES if region == Region.LOCAL else REGION_BYTES for region in Region}
        return any(self._used[region] + ROOM > size for region, size in sizes.items())

    def lane(self) -> int:
        """Where an operand's first channel lies."""
        return self.random.randrange(self.lanes)

    def likely(self, share: float) -> bool:
        """True for about that share of draws."""
        return self.random.random() < share

    def target(self, dims: Frame, kind: DType, lane: int = 0) -> Operand:
        """A place in local memory in which no two elements meet."""
        return self._placed(dims, kind, Region.LOCAL, lane, ())

    def source(self, dims: Frame, kind: DType, lane: int = 0, repeats: Sequence[int] = (0, 1, 2, 3)) -> Operand:
        """
        A place in local memory that is read; the axes `repeats` may have a stride of 0, and if all may, overlap.

        A few are loaded from WEIGHT just before, some of these but for their first element, which follows from
        elsewhere: what `fill` puts there is then put where it is loaded from.
        """
        if not self.likely(0.06):
            return self._placed(dims, kind, Region.LOCAL, lane, repeats)
        made = self.target(dims, kind, lane)
        weight = self.outside(Region.WEIGHT, dims, kind)
        self.commands.append(Command("LOAD", {"out": made, "in": weight}))
        self._loaded[made] = [weight]
        if self.likely(0.4):
            one = self.outside(Region.ACTIVATION, (1, 1, 1, 1), kind)
            self.commands.append(Command("LOAD", {"out": replace(made, dims=(1, 1, 1, 1)), "in": one}))
            self._loaded[made].append(one)
        return made

    def outside(self, region: Region, dims: Frame, kind: DType, repeats: Sequence[int] = ()) -> Operand:
        """A place in global memory; the axes `repeats` may have a stride of 0, and if all may, overlap."""
        return self._placed(dims, kind, region, 0, repeats)

    def stream(self, raw: Sequence[int]) -> Operand:
        """Bytes in WEIGHT, one after the other."""
        start = self._used[Region.WEIGHT]
        self._used[Region.WEIGHT] = start + len(raw)
        self.state.regions[Region.WEIGHT][start : start + len(raw)] = bytes(raw)
        return Operand(start, DType.U8, (1, 1, 1, len(raw)), (len(raw), len(raw), len(raw), 1), Region.WEIGHT)

    def fill(self, operand: Operand, draw: Draw) -> Operand:
        """The operand, with drawn bytes for every element. Where elements share a place, the last one's stay."""
        made = {index: draw() for index in indices(operand)}
        held, *one = self._loaded.get(operand, [operand])
        for first in one:
            self.state.put(first, {FIRST: made.pop(FIRST)})
        self.state.put(held, made)
        return operand

    def tables(self, rows: int, columns: int, kind: DType, draw: Callable[[], list[list[bytes]]]) -> Operand:
        """A table (1, 1, rows, columns) in each lane, the same in all or one of its own; its `lane` has no meaning."""
        every = self._placed((1, self.lanes, rows, columns), kind, Region.LOCAL, 0, ())
        first, alone = draw(), self.likely(0.5)
        made: dict[Index, bytes] = {}
        for lane in range(self.lanes):
            held = draw() if alone and lane else first
            made |= {(0, lane, h, w): held[h][w] for h in range(rows) for w in range(columns)}
        self.state.put(every, made)
        return replace(every, dims=(1, 1, rows, columns), lane=self.lane())

    def _placed(self, dims: Frame, kind: DType, region: Region, lane: int, repeats: Sequence[int]) -> Operand:
        n, c, h, w = dims
        depths = up(lane + c, self.lanes) if region == Region.LOCAL else c
        steps, span = self._strides((n, depths, h, w), kind.itemsize, repeats)
        before = sum(
            (1 - extent) * stride for extent, stride in zip((n, depths, h, w), steps, strict=True) if stride < 0
        )
        start = up(self._used[region], kind.itemsize) * kind.itemsize + self.random.choice((0, 0, 1, 3)) * kind.itemsize
        self._used[region] = start + span
        return Operand(start + before, kind, dims, steps, region, lane)

    def _strides(self, counts: Frame, size: int, repeats: Sequence[int]) -> tuple[Strides, int]:
        """Strides of nested axes, and the bytes that they span."""
        order = [3, 2, 1, 0]
        if self.likely(0.3):
            self.random.shuffle(order)
        steps, span = [0, 0, 0, 0], size
        for axis in order:
            if axis in repeats and self.likely(0.12):
                steps[axis] = size * self.random.choice((0, 0, 0, 1, 2)) if len(repeats) == 4 else 0
            else:
                steps[axis] = span + size * self.random.choice((0, 0, 0, 0, 1, 2))
            span += (counts[axis] - 1) * steps[axis]
            if self.likely(0.04):
                steps[axis] = -steps[axis]
        n, depths, h, w = steps
        return (n, depths, h, w), span
