"""
Several cores in time: each as `events` has it, their transfers sharing the bus to global memory (docs/isa.md, Time).

All numbers are whole: what a transfer needs is counted in a fraction of the bus's cycle so small that every share and
either direction's rate is exact, and shares change only from one cycle to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np

from simulator.chip import Chip
from simulator.cores import Message, Streams, messages, turns
from simulator.events import Timeline, Track, dma_costs, run, tiu_costs
from simulator.isa.table import SPECS, Engine
from simulator.timing import DMA_SETUP

Times = list[tuple[int, int, int]]
"""Start, free and end of records."""


def run_cores(cores: Sequence[Streams], chip: Chip) -> list[Timeline]:
    """Every core's streams in time, from cycle 0 of all. Raises Deadlock."""
    if len(cores) == 1:
        return [run(cores[0].tiu, cores[0].gdma, chip)]
    turns(cores)
    walk = _Walk(cores, chip)
    walk.run()
    return [core.timeline() for core in walk.cores]


@dataclass(frozen=True)
class Share:
    """What a core moves over the bus from cycle `begin` to `end`, at one rate."""

    core: int
    begin: int
    end: int
    bytes: float


def bus_shares(cores: Sequence[Streams], chip: Chip) -> list[Share]:
    """Who has how much of the bus when, in the order of `begin`. Raises Deadlock."""
    shares = list[Share]()
    _Walk(cores, chip, shares).run()
    return shares


def last_cycle(timelines: Sequence[Timeline]) -> int:
    """Cycles until the last core is done."""
    return max((timeline.cycles for timeline in timelines), default=0)


@dataclass
class _Moving:
    """A transfer: when it enters the bus, what it still needs of it, and when its engine is free if it is alone."""

    start: int
    enters: int
    need: int
    alone: int


class _Core:
    """
    One core on the way: the times of its records so far, and the transfer that its GDMA is at.

    A byte from global memory needs `in_` of the bus, one to there `out`.
    """

    def __init__(self, streams: Streams, held: dict[int, Message], chip: Chip, in_: int, out: int) -> None:
        self.moves = dma_costs(streams.gdma, chip)
        self.occupancy, self.latency, _, wire = (column.tolist() for column in self.moves.T)
        stores = (streams.gdma["op"] == SPECS["STORE"].code).tolist()
        self.needs = [count * (out if store else in_) for count, store in zip(wire, stores, strict=True)]
        self.compute: list[int] = tiu_costs(streams.tiu, chip).tolist()
        self.waits: tuple[list[int], list[int]] = (streams.tiu["wait"].tolist(), streams.gdma["wait"].tolist())
        self.held = held
        self.made: tuple[Times, Times] = ([], [])
        self.moving: _Moving | None = None

    def compute_on(self) -> bool:
        """Time the TIU's records as far as what they wait for is timed; whether there were any."""
        made, moves = self.made
        before = len(made)
        while len(made) < len(self.compute) and (wait := self.waits[Engine.TIU][len(made)]) <= len(moves):
            start = max(made[-1][1] if made else 0, moves[wait - 1][2] if wait else 0)
            end = start + self.compute[len(made)]
            made.append((start, end, end))
        return len(made) > before

    def move_on(self, others: Sequence[_Core]) -> bool:
        """Begin the GDMA's next record if what it waits for is timed; whether it could."""
        computes, made = self.made
        i = len(made)
        if self.moving or i == len(self.occupancy) or (wait := self.waits[Engine.GDMA][i]) > len(computes):
            return False
        start = max(made[-1][1] if made else 0, computes[wait - 1][2] if wait else 0)
        if (message := self.held.get(i)) is not None:
            sender = others[message.core].made[Engine.GDMA]
            if message.record > len(sender):
                return False
            start = max(start, sender[message.record - 1][2])
        alone = start + self.occupancy[i]
        if self.needs[i]:
            self.moving = _Moving(start, start + DMA_SETUP, self.needs[i], alone)
        else:
            made.append((start, alone, alone + self.latency[i]))
        return True

    def arrive(self, now: int) -> None:
        """The transfer's last bytes are through at `now`."""
        moving, made = self.moving, self.made[Engine.GDMA]
        assert moving is not None
        free = max(now, moving.alone)
        made.append((moving.start, free, free + self.latency[len(made)]))
        self.moving = None

    def timeline(self) -> Timeline:
        """All records in time."""
        computes, transfers = (np.array(times, np.int64).reshape(-1, 3).T for times in self.made)
        return Timeline(Track(*computes), Track(*transfers), self.moves[:, 2], self.moves[:, 3])


class _Walk:
    """All cores, from one change of what is on the bus to the next."""

    def __init__(self, cores: Sequence[Streams], chip: Chip, shares: list[Share] | None = None) -> None:
        """`shares`, if given, takes in what moves."""
        rates = (chip.ddr_bytes_per_second, chip.ddr_write_bytes_per_second or chip.ddr_bytes_per_second)
        in_, out = (Fraction(rate) / Fraction(chip.hertz) for rate in rates)
        self.bus = lcm(in_.numerator, out.numerator) * lcm(*range(1, len(cores) + 1))
        held, costs = messages(cores), (int(self.bus / in_), int(self.bus / out))
        self.cores = [_Core(core, held[i], chip, *costs) for i, core in enumerate(cores)]
        self.shares = shares

    def run(self) -> None:
        """Time every record."""
        now = 0
        while True:
            self._settle()
            moving = [(core, core.moving) for core in self.cores if core.moving]
            if not moving:
                return
            on = [(core, transfer) for core, transfer in moving if transfer.enters <= now]
            entering = [transfer.enters for _, transfer in moving if transfer.enters > now]
            if not on:
                now = min(entering)
                continue
            share = self.bus // len(on)
            through = min(-(-transfer.need // share) for _, transfer in on)
            step = min([through, *(at - now for at in entering)])
            if self.shares is not None:
                self._share(self.shares, now, step, share)
            now += step
            for core, transfer in on:
                transfer.need -= share * step
                if transfer.need <= 0:
                    core.arrive(now)

    def _share(self, shares: list[Share], now: int, step: int, share: int) -> None:
        """Take in what is on the bus for the next cycles, each of which has a share of it."""
        for number, core in enumerate(self.cores):
            if (moving := core.moving) and moving.enters <= now:
                at = len(core.made[Engine.GDMA])
                part = min(moving.need, share * step) / core.needs[at]
                shares.append(Share(number, now, now + step, part * int(core.moves[at, 3])))

    def _settle(self) -> None:
        """Time what needs no bus, and begin what does, for as long as anything can."""
        changed = True
        while changed:
            changed = False
            for core in self.cores:
                changed |= core.compute_on()
                changed |= core.move_on(self.cores)
