"""
A timed run as a trace for Perfetto or Chrome's `about:tracing` (Trace Event Format, JSON).

A process of the whole run: what decides how long it is, by group, layer and record, and who has the bus. A process a
core: for each engine what it works at, groups and in them layers, above its records and what it waits for between them;
counters of DDR traffic and of live bytes in local memory; arrows from what makes bytes to what uses them (`data`), from
a record to the one of the other engine that waits for it (`wait`), and from core to core (`message`). A microsecond of
the trace is one of the chip's; arguments count in cycles.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from simulator.events import Timeline
from simulator.isa.table import Engine
from simulator.lifetimes import Lifetimes, lifetimes
from simulator.model_file import Model
from simulator.naming import Names
from simulator.trace.arrows import arrows
from simulator.trace.counters import bus, local_memory, traffic
from simulator.trace.event import RUN, Clock, Event, process_named, process_of, track_named
from simulator.trace.slices import DECIDES, LAYERS, RECORDS, Traced, decides, layers, records


def write(
    model: Model,
    timelines: Sequence[Timeline],
    path: Path,
    groups: Mapping[str, str] | None = None,
    live: Lifetimes | None = None,
) -> None:
    """
    Write the trace of a run, given core by core; packed if the path ends in `.gz`. Equal runs give equal bytes.

    `groups` has the group of each layer; a layer of none stands for itself. `live` is worked out if it isn't given.
    Raises ValueError for a record that can't be decoded.
    """
    told = json.dumps(document(model, timelines, groups, live), separators=(",", ":")).encode()
    path.write_bytes(gzip.compress(told, 6, mtime=0) if path.suffix == ".gz" else told)


def document(
    model: Model,
    timelines: Sequence[Timeline],
    groups: Mapping[str, str] | None = None,
    live: Lifetimes | None = None,
) -> dict[str, Any]:
    """The trace as `write` has it."""
    run = Traced(model, timelines, groups or {}, Clock(model.chip))
    chip = model.chip
    about = {
        "chip": chip.name, "mode": model.mode, "cycles": run.cycles, "hertz": int(chip.hertz),
        "lane_bytes": chip.lane_bytes, "ddr_bytes_per_cycle": chip.ddr_bytes_per_cycle,
    }  # fmt: skip
    made = list(events(run, live or lifetimes(model, timelines)))
    return {"displayTimeUnit": "ns", "otherData": about, "traceEvents": made}


def events(run: Traced, live: Lifetimes) -> Iterator[Event]:
    """All events: names, then slices, counters and arrows by time, those of one time in this order."""
    yield from _names(run)
    names = Names(run.model)
    timed = [*decides(run), *bus(run)]
    for core in range(len(run.timelines)):
        for engine in Engine:
            timed += [*layers(run, core, engine), *records(run, names, core, engine)]
        timed += [*traffic(run, core), *local_memory(run, core, live.live[core])]
    timed += arrows(run, live.uses)
    yield from sorted(timed, key=lambda event: event["ts"])


def _names(run: Traced) -> Iterator[Event]:
    title = f"{run.model.chip.name} {run.model.mode.lower()}"
    yield from process_named(RUN, f"{title}, {run.cycles:,} cycles")
    yield from track_named(RUN, DECIDES, "decides")
    for core in range(len(run.timelines)):
        process = process_of(core)
        yield from process_named(process, f"{title}, core {core}")
        for engine in Engine:
            yield from track_named(process, LAYERS[engine], f"{engine.name}: groups, layers")
            yield from track_named(process, RECORDS[engine], engine.name)
