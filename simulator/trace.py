"""
A timed run as a trace for Chrome's `about:tracing` or Perfetto (Trace Event Format, JSON).

A process a core, in it one track an engine with a slice a record, arrows from a transfer to the record that waits for
it, and a counter of the bytes a cycle that cross the memory bus. A microsecond of the trace is one of the chip's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simulator.concurrent import last_cycle
from simulator.events import Cycles, Timeline, Track
from simulator.isa.record import Records
from simulator.isa.table import BY_CODE, SPECS, Engine
from simulator.model_file import Model

Event = dict[str, Any]

WINDOWS = 2000
"""Steps of the bandwidth counter over the whole run."""


def write(model: Model, timelines: Sequence[Timeline], path: Path) -> None:
    """Write the trace of a run, given core by core."""
    document = {"displayTimeUnit": "ns", "traceEvents": list(events(model, timelines))}
    path.write_text(json.dumps(document, separators=(",", ":")))


def events(model: Model, timelines: Sequence[Timeline]) -> Iterator[Event]:
    """All events; times in microseconds."""
    tick = 1e6 / model.chip.hertz
    end = last_cycle(timelines)
    for core, (streams, timeline) in enumerate(zip(model.cores, timelines, strict=True)):
        process = core + 1
        title = f"{model.chip.name} {model.mode}" + (f", core {core}" if len(timelines) > 1 else "")
        yield _named("process_name", process, 0, title)
        for engine in Engine:
            yield _named("thread_name", process, engine + 1, engine.name)
        for engine in Engine:
            records = streams.of(engine)
            yield from _slices(process, engine, records, timeline.track(engine), model.layers, tick)
            yield from _arrows(process, engine, records["wait"], timeline, tick)
        yield from _bandwidth(process, timeline, end, tick)


def _named(what: str, process: int, thread: int, name: str) -> Event:
    return {"ph": "M", "pid": process, "tid": thread, "name": what, "args": {"name": name}}


def _slices(
    process: int, engine: Engine, records: Records, track: Track, layers: Sequence[str], tick: float
) -> Iterator[Event]:
    for number, (record, start, free) in enumerate(zip(records, track.start, track.free, strict=True), 1):
        name = BY_CODE[int(record["op"])]
        layer = layers[int(record["tag"])] if SPECS[name].operands else ""
        yield {
            "ph": "X",
            "pid": process,
            "tid": engine + 1,
            "name": f"{name} {layer}".strip(),
            "ts": float(start) * tick,
            "dur": float(free - start) * tick,
            "args": {"record": number, "wait": int(record["wait"])},
        }


def _arrows(process: int, engine: Engine, waits: Cycles, timeline: Timeline, tick: float) -> Iterator[Event]:
    """From the other engine's record to the one that waits for it, where that says more than earlier waits did."""
    mine, theirs = timeline.track(engine), timeline.track(Engine(1 - engine))
    known = 0
    for i, wait in enumerate(map(int, waits)):
        if wait <= known:
            continue
        known = wait
        common = {"pid": process, "name": "wait", "cat": "wait", "id": f"{process}{engine.name}{i + 1}"}
        # Half a cycle before its end is inside of the slice that the arrow leaves.
        yield {**common, "ph": "s", "tid": 2 - engine, "ts": (float(theirs.free[wait - 1]) - 0.5) * tick}
        yield {**common, "ph": "f", "bp": "e", "tid": engine + 1, "ts": float(mine.start[i]) * tick}


def _bandwidth(process: int, timeline: Timeline, end: int, tick: float) -> Iterator[Event]:
    """A core's mean bytes a cycle on the bus in each of `WINDOWS` equal stretches of the run."""
    track = timeline.gdma
    if not end or not len(track.start):
        return
    times = np.stack([track.start, track.free], 1).ravel()
    moved = np.concatenate([[0], np.cumsum(timeline.wire)])
    edges = np.linspace(0, end, WINDOWS + 1)
    done = np.interp(edges, times, np.stack([moved[:-1], moved[1:]], 1).ravel())
    rates = np.diff(done) / np.diff(edges)
    for edge, rate in zip(edges, rates, strict=False):
        yield {"ph": "C", "pid": process, "name": "DDR bytes/cycle", "ts": float(edge) * tick, "args": {"bytes": rate}}
