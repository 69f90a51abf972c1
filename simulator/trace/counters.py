"""Counters of a trace: bytes on the bus, and what local memory holds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from simulator.concurrent import bus_shares
from simulator.critical import is_outward
from simulator.lifetimes import Live
from simulator.trace.event import RUN, Event, process_of
from simulator.trace.slices import Traced


def traffic(run: Traced, core: int) -> Iterator[Event]:
    """Bytes a cycle that a core's GDMA reads and writes, each record's as a mean over the time it takes."""
    timeline, chip = run.timelines[core], run.model.chip
    track, name = timeline.gdma, f"DDR bytes/cycle, of {chip.ddr_bytes_per_cycle:.4g}"
    outward = is_outward(run.model.cores[core].gdma).tolist()
    rates = (timeline.wire / (track.free - track.start)).round(3).tolist()
    starts, free = track.start.tolist(), track.free.tolist()
    for start, end, after, rate, out in zip(starts, free, [*starts[1:], run.cycles], rates, outward, strict=True):
        told = {"read": 0.0, "written": 0.0}
        yield run.clock.counter(process_of(core), start, name, told | {"written" if out else "read": rate})
        if end < after:
            yield run.clock.counter(process_of(core), end, name, told)


def local_memory(run: Traced, core: int, live: Live) -> Iterator[Event]:
    """Bytes of a lane that are live: of the lane with most of them at the time, and on average."""
    name = f"live bytes of {run.model.chip.lane_bytes:,}:"
    for time, fullest, mean in zip(live.times.tolist(), live.fullest.tolist(), live.mean.tolist(), strict=True):
        told = {"fullest lane": fullest, "mean lane": round(mean, 1)}
        yield run.clock.counter(process_of(core), time, name, told)


def bus(run: Traced) -> Iterator[Event]:
    """Bytes a cycle that each of several cores has of the bus that they share."""
    cores = len(run.timelines)
    shares = bus_shares(run.model.cores, run.model.chip) if cores > 1 else []
    times = np.unique([edge for share in shares for edge in (share.begin, share.end)]).astype(np.int64)
    rates = np.zeros((len(times), cores))
    for share in shares:
        rates[np.searchsorted(times, share.begin), share.core] += share.bytes / (share.end - share.begin)
    name = f"bus bytes/cycle, of {run.model.chip.ddr_bytes_per_cycle:.4g}"
    for time, row in zip(times.tolist(), rates.round(3).tolist(), strict=True):
        yield run.clock.counter(RUN, time, name, {f"core {core}": rate for core, rate in enumerate(row)})
