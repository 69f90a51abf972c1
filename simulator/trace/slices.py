"""Slices of a trace: records, why an engine stands still, layers and groups, and what decides how long the run is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from simulator.concurrent import last_cycle
from simulator.critical import CAUSES, RESOURCES, causes, deciding, layers_of, still
from simulator.events import Cycles, Timeline, dma_costs, tiu_work
from simulator.isa.distinct import distinct
from simulator.isa.record import Command, decode
from simulator.isa.table import Engine
from simulator.isa.text import text_of
from simulator.model_file import Model
from simulator.naming import Names
from simulator.profile import macs, peak_macs
from simulator.timing import TIU_SETUP
from simulator.trace.event import RUN, Clock, Event, process_of

LAYERS = {Engine.TIU: 1, Engine.GDMA: 3}
RECORDS = {Engine.TIU: 2, Engine.GDMA: 4}
"""Tracks of a core: layers and groups of each engine above its records."""

DECIDES = 1
"""Track of the run."""


@dataclass(frozen=True)
class Traced:
    """A timed run, core by core; `groups` has the group of each layer, one of none stands for itself."""

    model: Model
    timelines: Sequence[Timeline]
    groups: Mapping[str, str]
    clock: Clock

    @property
    def cycles(self) -> int:
        """Of the whole run."""
        return last_cycle(self.timelines)

    def labels(self, layers: Cycles) -> list[tuple[str, str]]:
        """Group and layer by the layers' numbers; empty for what belongs to none."""
        named = [*((self.groups.get(name, name), name) for name in self.model.layers), ("", "")]
        return [named[layer] for layer in layers.tolist()]

    def labels_of(self, core: int, engine: Engine) -> list[tuple[str, str]]:
        """Group and layer of each record."""
        return self.labels(layers_of(self.model.cores[core].of(engine), len(self.model.layers)))


def records(run: Traced, names: Names, core: int, engine: Engine) -> Iterator[Event]:
    """A slice a record, and one for each time that the engine stands still: together they are the whole run."""
    held, track = run.model.cores[core].of(engine), run.timelines[core].track(engine)
    place = process_of(core), RECORDS[engine]
    kinds, kind = distinct(held, addresses=True)
    commands = [decode(record) for record in kinds]
    texts = [text_of(command) for command in commands]
    numbers: list[int] = kind.tolist()
    done = [(commands[i], texts[i]) for i in numbers]
    costs = _costs(run, core, engine, [command for command, _ in done])
    gaps, why = still(track).tolist(), causes(run.model.cores[core])[engine].tolist()
    start, free, end, waits = (column.tolist() for column in (track.start, track.free, track.end, held["wait"]))
    for i, (group, layer) in enumerate(run.labels_of(core, engine)):
        if gaps[i]:
            told = {"why": CAUSES[why[i]], "before": i + 1, "wait": waits[i], "cycles": gaps[i]}
            yield run.clock.slice(place, start[i] - gaps[i], start[i], f"waits: {why[i]}", "idle", told)
        command, text = done[i]
        args = {"record": i + 1, "cycle": start[i], "cycles": free[i] - start[i], "completes": end[i], "wait": waits[i]}
        told = {"layer": layer, "group": group, "text": text, "tensors": names.all(core, engine, i + 1)}
        args |= {name: value for name, value in (told | costs[i]).items() if value}
        yield run.clock.slice(place, start[i], free[i], f"{command.op} {layer}".strip(), command.op, args)
    last = free[-1] if free else 0
    if last < run.cycles:
        yield run.clock.slice(place, last, run.cycles, "done", "idle", {"cycles": run.cycles - last})


def layers(run: Traced, core: int, engine: Engine) -> Iterator[Event]:
    """What an engine works at: stretches of records of one group, in them those of one layer."""
    track = run.timelines[core].track(engine)
    start, free = track.start.tolist(), track.free.tolist()
    place, labels = (process_of(core), LAYERS[engine]), run.labels_of(core, engine)
    for group, inside in groupby(range(len(labels)), lambda i: labels[i][0]):
        members = list(inside)
        if not group:
            continue
        parts = [(name, list(at)) for name, at in groupby(members, lambda i: labels[i][1])]
        for kind, name, at in [("group", group, members), *(("layer", name, at) for name, at in parts)]:
            args = {"records": len(at), "busy": sum(free[i] - start[i] for i in at)}
            yield run.clock.slice(place, start[at[0]], free[at[-1]], name, kind, args)


def decides(run: Traced) -> Iterator[Event]:
    """The chain of records that the run is as long as (`simulator.critical`), by group, layer and main resource."""
    model = run.model
    when = deciding(model.cores, run.timelines, len(model.layers), model.chip)
    labels = run.labels(when.layer)[::-1]
    begin, end, spent = when.begin.tolist()[::-1], when.end.tolist()[::-1], when.spent[::-1]
    for group, inside in groupby(range(len(labels)), lambda i: labels[i][0]):
        members = list(inside)
        parts = [(name, list(at)) for name, at in groupby(members, lambda i: labels[i][1])]
        levels = [("group", group, members), *(("layer", name, at) for name, at in parts)]
        for kind, name, at in [level for level in levels if level[1]] + [("record", "", [i]) for i in members]:
            sums = dict(zip(RESOURCES, spent[at].sum(0).tolist(), strict=True))
            told = {name: cycles for name, cycles in sums.items() if cycles}
            shown = name or max(sums, key=sums.__getitem__)
            yield run.clock.slice((RUN, DECIDES), begin[at[0]], end[at[-1]], shown, f"decides {kind}", told)


def _costs(run: Traced, core: int, engine: Engine, commands: Sequence[Command]) -> Sequence[Event]:
    """What each record's cycles are for; zeros are left out later."""
    chip, streams, timeline = run.model.chip, run.model.cores[core], run.timelines[core]
    track = timeline.track(engine)
    spent = track.free - track.start
    if engine == Engine.GDMA:
        shared = (spent - dma_costs(streams.gdma, chip)[:, 0]).tolist()
        rates = (timeline.wire / spent).round(3).tolist()
        rows = zip(timeline.payload.tolist(), timeline.wire.tolist(), rates, shared, strict=True)
        return [dict(zip(("bytes", "wire_bytes", "bytes_per_cycle", "bus_cycles"), row, strict=True)) for row in rows]
    conflicts = (spent - tiu_work(streams.tiu, chip) - TIU_SETUP).tolist()
    made = [(macs(command), peak_macs(command, chip)) for command in commands]
    return [
        {"macs": done, "utilisation": round(done / (most * cycles), 4) if most else 0, "conflict_cycles": more}
        for (done, most), cycles, more in zip(made, spent.tolist(), conflicts, strict=True)
    ]
