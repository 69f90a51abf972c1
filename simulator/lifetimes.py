"""
What local memory holds over time: from when each byte is written until it is read for the last time.

Bytes that later records write at once, and lanes that every operand has all or none of, are kept as one, so that the
walk takes a few steps a record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.checks.conflicts import Runs, runs_of
from simulator.checks.walk import Visit, in_lanes, visits
from simulator.cores import Turn
from simulator.events import Timeline
from simulator.isa.table import Engine, Region
from simulator.model_file import Model

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Live:
    """
    Bytes of a core's local memory that will be read, or are being written: from each of `times` (cycles) to the next.

    `fullest` is the lane that holds most of them just then, `mean` (float) that of all lanes.
    """

    times: Whole
    fullest: Whole
    mean: NDArray[np.float64]


@dataclass(frozen=True)
class Use:
    """A record reads what another left in local memory: core, and engine and index from 0 of both."""

    core: int
    maker: tuple[Engine, int]
    user: tuple[Engine, int]


@dataclass(frozen=True)
class Lifetimes:
    """Of each core what it holds, and who used what, in the order of the users."""

    live: Sequence[Live]
    uses: Sequence[Use]


def lifetimes(model: Model, timelines: Sequence[Timeline]) -> Lifetimes:
    """Of a run that is timed, core by core. Raises ValueError for a record that can't be decoded."""
    live, uses = list[Live](), list[Use]()
    for core, timeline in enumerate(timelines):
        memory = _Memory(model, core, timeline)
        live.append(memory.live())
        uses += memory.uses
    return Lifetimes(live, uses)


_Place = tuple[slice, slice | Whole]
"""Rows and columns."""


@dataclass(frozen=True)
class _Touch:
    """Bytes that a record reads or writes from cycle `start` to `end`."""

    record: tuple[Engine, int]
    start: int
    end: int
    write: bool
    runs: tuple[Runs, ...]


class _Memory:
    """One core's lanes: a row a class of lanes, a column a stretch of bytes that every operand has all or none of."""

    def __init__(self, model: Model, core: int, timeline: Timeline) -> None:
        touches = list(_touches(model, core, timeline))
        found = {id(run): run for touch in touches for run in touch.runs}.values()
        self._lanes = model.chip.lanes
        self._rows = np.unique([0, self._lanes, *(edge for run in found for edge in _lanes(run))])
        self._bytes = np.unique(np.concatenate([[0], *(edges for run in found for edges in (run.starts, run.stops))]))
        shape = len(self._rows) - 1, len(self._bytes) - 1
        self._begin, self._last = np.full(shape, -1), np.zeros(shape, np.int64)
        self._maker = np.full(shape, -1)
        self._spans: list[tuple[Whole, Whole, Whole, Whole]] = []
        self._makers = list[tuple[Engine, int]]()
        self.uses = list[Use]()
        for touch in touches:
            if touch.write:
                self._write(touch)
            else:
                self._read(core, touch)
        self._close((slice(0, shape[0]), slice(0, shape[1])), np.iinfo(np.int64).max)

    def live(self) -> Live:
        """Bytes by time, once every record is entered."""
        begin, end, row, size = (np.concatenate(parts) for parts in zip(*self._spans, strict=True))
        times, at = np.unique(np.concatenate([begin, end]), return_inverse=True)
        changes = np.zeros((len(self._rows) - 1, len(times)), np.int64)
        np.add.at(changes, (np.tile(row, 2), at), np.concatenate([size, -size]))
        held = changes.cumsum(1)
        if not len(held):
            return Live(times, np.zeros(0, np.int64), np.zeros(0))
        return Live(times, held.max(0), np.diff(self._rows) @ held / self._lanes)

    def _read(self, core: int, touch: _Touch) -> None:
        makers = set[int]()
        for place in self._places(touch):
            makers.update(np.unique(self._maker[place]).tolist())
            self._last[place] = np.maximum(self._last[place], touch.end)
        self.uses += [Use(core, self._makers[maker], touch.record) for maker in sorted(makers - {-1})]

    def _write(self, touch: _Touch) -> None:
        for place in self._places(touch):
            self._close(place, touch.start)
            self._begin[place], self._last[place] = touch.start, touch.end
            self._maker[place] = len(self._makers)
        self._makers.append(touch.record)

    def _close(self, place: _Place, until: int) -> None:
        """What lies there was live until its last read, `until` at most."""
        row, column = np.nonzero(self._begin[place] >= 0)
        row, column = row + place[0].start, np.arange(len(self._bytes) - 1)[place[1]][column]
        size = self._bytes[column + 1] - self._bytes[column]
        end = np.minimum(self._last[row, column], until)
        self._spans.append((self._begin[row, column], end, row, size))

    def _places(self, touch: _Touch) -> Iterator[_Place]:
        for runs in touch.runs:
            rows = slice(*np.searchsorted(self._rows, _lanes(runs)).tolist())
            first, stop = (np.searchsorted(self._bytes, edges) for edges in (runs.starts, runs.stops))
            if len(first) == 1:
                yield rows, slice(int(first[0]), int(stop[0]))
            else:
                change = np.zeros(len(self._bytes), np.int64)
                change[first] += 1
                change[stop] -= 1
                yield rows, np.flatnonzero(change.cumsum())


def _touches(model: Model, core: int, timeline: Timeline) -> Iterator[_Touch]:
    """Every access to a core's local memory by the time its record starts; those of one record, reads first."""
    turns = [Turn(core, engine, i) for engine in Engine for i in range(len(timeline.track(engine).start))]
    turns.sort(key=lambda turn: int(timeline.track(turn.engine).start[turn.at]))
    for visit in visits(model, turns):
        track, at = timeline.track(visit.engine), visit.number - 1
        for write, runs in _runs(visit, model.chip.lanes):
            yield _Touch((visit.engine, at), int(track.start[at]), int(track.end[at]), write, runs)


def _runs(visit: Visit, lanes: int) -> Iterator[tuple[bool, tuple[Runs, ...]]]:
    for access in visit.accesses:
        if access.operand.region == Region.LOCAL:
            yield access.write, runs_of(in_lanes(visit.command, access, lanes).operand, lanes)


def _lanes(runs: Runs) -> tuple[int, int]:
    """The first lane, and the one after the last."""
    return (runs.lanes & -runs.lanes).bit_length() - 1, runs.lanes.bit_length()
