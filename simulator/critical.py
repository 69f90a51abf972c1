"""
What a run's time goes to: the chain of records from its last completion back to its start, each kept by the one before.

A record starts when its engine is free or what it waits for has completed; whichever came later is the one before it
in the chain. So every cycle of the run belongs to one record of the chain, and in it to one resource: the resources'
cycles add up to the run's, and a quicker resource off the chain would save nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from simulator.chip import Chip
from simulator.cores import Streams, messages
from simulator.events import Cycles, Timeline, Track, dma_costs, tiu_work
from simulator.isa.record import Records
from simulator.isa.table import SPECS, Engine
from simulator.timing import DMA_SETUP, TIU_SETUP

RESOURCES: Mapping[str, str] = {
    "array": "convolutions and products: what the bound counts",
    "vector": "other work of the TIU",
    "tiu_setup": "beginnings of TIU records",
    "conflicts": "operands of a record in one bank",
    "read": "DDR to local memory",
    "write": "local memory to DDR",
    "lanes": "moves to or from too few lanes to keep up with DDR",
    "dma_setup": "beginnings of moves",
    "latency": "the end of a move that somebody waits for",
}
"""Each resource, and what takes its cycles."""

CAUSES: Mapping[str, str] = {
    "data": "what it reads is still on its way to local memory",
    "drain": "what it writes over is still being stored",
    "buffer": "what it loads over is still in use",
    "result": "what it stores is still being computed",
    "message": "another core has yet to send",
    "order": "it has no work, and follows all that the other engine does before",
}
"""What an engine waits for when it stands still before a record."""

CONTRACTIONS = ("CONV", "DWCONV", "MATMUL", "BMATMUL")
OUTWARD = ("STORE", "SCATTER")

_PLACE = {name: place for place, name in enumerate(RESOURCES)}


@dataclass(frozen=True)
class Link:
    """
    A record of the chain, by core, engine and index from 0.

    `awaited` tells whether the next, or the run's end, waits for its completion, not just for its engine.
    """

    core: int
    engine: Engine
    place: int
    awaited: bool


@dataclass(frozen=True)
class Deciding:
    """
    The chain in time, a row a record, the last first: `spent` (links, resources) cycles from `begin` to `end`.

    `layer` counts into the model's layers; one more than there are for a record that belongs to none.
    """

    layer: Cycles
    begin: Cycles
    end: Cycles
    spent: Cycles

    def by_layer(self, layers: int) -> Cycles:
        """(layers + 1, resources): the run's cycles; the last row has what belongs to no layer."""
        sums = np.zeros((layers + 1, len(RESOURCES)), np.int64)
        np.add.at(sums, self.layer, self.spent)
        return sums


def deciding(cores: Sequence[Streams], timelines: Sequence[Timeline], layers: int, chip: Chip) -> Deciding:
    """What each cycle of the run goes to."""
    parts = [
        (_computing(core.tiu, timeline.tiu, chip), _moving(core.gdma, timeline.gdma, chip))
        for core, timeline in zip(cores, timelines, strict=True)
    ]
    tags = [(layers_of(core.tiu, layers), layers_of(core.gdma, layers)) for core in cores]
    links = list(chain(cores, timelines))
    layer, begin, end = np.zeros((3, len(links)), np.int64)
    made = Deciding(layer, begin, end, np.zeros((len(links), len(RESOURCES)), np.int64))
    for row, link in enumerate(links):
        place, track = link.place, timelines[link.core].track(link.engine)
        made.layer[row], made.begin[row] = tags[link.core][link.engine][place], track.start[place]
        made.end[row] = track.end[place] if link.awaited else track.free[place]
        made.spent[row] = parts[link.core][link.engine][place]
        made.spent[row, _PLACE["latency"]] = made.end[row] - track.free[place]
    return made


def chain(cores: Sequence[Streams], timelines: Sequence[Timeline]) -> Iterator[Link]:
    """The records that decide how long the run is, the last first."""
    held = messages(cores)
    last = [
        Link(number, engine, len(track.end) - 1, True)
        for number, timeline in enumerate(timelines)
        for engine in Engine
        if len((track := timeline.track(engine)).end)
    ]
    link = max(last, key=lambda at: int(_end(at, timelines)), default=None)
    while link is not None:
        yield link
        link = _before(link, cores, timelines, held[link.core].get(link.place))


def _before(
    link: Link, cores: Sequence[Streams], timelines: Sequence[Timeline], message: tuple[int, int] | None
) -> Link | None:
    """What a record of the chain started after; None for one that starts with the run."""
    track = timelines[link.core].track(link.engine)
    begun = track.start[link.place]
    if begun == 0:
        return None
    if link.place and track.free[link.place - 1] == begun:
        return Link(link.core, link.engine, link.place - 1, False)
    wait = int(cores[link.core].of(link.engine)["wait"][link.place])
    kept = [Link(link.core, Engine(1 - link.engine), wait - 1, True)] if wait else []
    if message and link.engine == Engine.GDMA:
        kept.append(Link(message[0], Engine.GDMA, message[1] - 1, True))
    return next(other for other in kept if _end(other, timelines) == begun)


def _end(link: Link, timelines: Sequence[Timeline]) -> np.int64:
    return timelines[link.core].track(link.engine).end[link.place]


def waiting(core: Streams, timeline: Timeline, layers: int) -> Mapping[str, Cycles]:
    """
    (layers + 1) cycles in which an engine stands still before the layer's records, by what it waits for.

    The TIU for `data` that is loaded, or for a `drain`: a store to leave the buffer that it will write. The GDMA for a
    `buffer` that the TIU still reads, or for a `result` to store.
    """
    sums = {cause: np.zeros(layers + 1, np.int64) for cause in ("data", "drain", "buffer", "result")}
    for engine, why in causes(core).items():
        tags, gaps = layers_of(core.of(engine), layers), still(timeline.track(engine))
        for cause, total in sums.items():
            np.add.at(total, tags, np.where(why == cause, gaps, 0))
    return sums


def causes(core: Streams) -> Mapping[Engine, NDArray[np.str_]]:
    """For each record, which of `CAUSES` its engine waits for if it stands still before it."""
    outward = is_outward(core.gdma)
    awaited = np.maximum(core.tiu["wait"].astype(np.int64) - 1, 0)
    draining = outward[awaited] & (core.tiu["wait"] > 0) if len(outward) else np.zeros(len(awaited), bool)
    idle, listening = [name for name, spec in SPECS.items() if not spec.operands], _is(core.gdma, ["WAIT"])
    computing = np.where(_is(core.tiu, idle), "order", np.where(draining, "drain", "data"))
    moving = np.where(_is(core.gdma, idle), "order", np.where(outward, "result", "buffer"))
    return {Engine.TIU: computing, Engine.GDMA: np.where(listening, "message", moving)}


def is_outward(records: Records) -> NDArray[np.bool_]:
    """Which GDMA records move from local to global memory."""
    return _is(records, OUTWARD)


def layers_of(records: Records, count: int) -> Cycles:
    """The layer of each record; `count` for one without operands, which belongs to none."""
    markers = [name for name, spec in SPECS.items() if not spec.operands]
    return np.where(_is(records, markers), count, records["tag"].astype(np.int64))


def summed(places: Cycles, figures: Cycles, count: int) -> Cycles:
    """(count + 1) sums of the figures, each at its place."""
    sums = np.zeros(count + 1, np.int64)
    np.add.at(sums, places, figures)
    return sums


def still(track: Track) -> Cycles:
    """Cycles from when the engine is free until each record starts."""
    return track.start - np.concatenate([[0], track.free[:-1]]) if len(track.start) else track.start


def _is(records: Records, names: Sequence[str]) -> NDArray[np.bool_]:
    return np.isin(records["op"], [SPECS[name].code for name in names])


def _computing(records: Records, track: Track, chip: Chip) -> Cycles:
    """(records, resources) of the TIU: what each record's cycles are."""
    spent, done = track.free - track.start, tiu_work(records, chip)
    parts = np.zeros((len(spent), len(RESOURCES)), np.int64)
    contraction = _is(records, CONTRACTIONS)
    parts[:, _PLACE["array"]] = np.where(contraction, done, 0)
    parts[:, _PLACE["vector"]] = np.where(contraction, 0, done)
    parts[:, _PLACE["tiu_setup"]] = TIU_SETUP
    parts[:, _PLACE["conflicts"]] = spent - done - TIU_SETUP
    return parts


def _moving(records: Records, track: Track, chip: Chip) -> Cycles:
    """(records, resources) of the GDMA: what each record's occupancy is, waiting for a shared bus included."""
    costs, outward = dma_costs(records, chip), is_outward(records)
    bus = [
        ceil(chip.ddr_cycles(0, wire) if out else chip.ddr_cycles(wire, 0))
        for wire, out in zip(costs[:, 3].tolist(), outward.tolist(), strict=True)
    ]
    lanes = np.maximum(costs[:, 0] - DMA_SETUP - np.array(bus, np.int64), 0)
    moving = track.free - track.start - DMA_SETUP - lanes
    parts = np.zeros((len(moving), len(RESOURCES)), np.int64)
    parts[:, _PLACE["read"]] = np.where(outward, 0, moving)
    parts[:, _PLACE["write"]] = np.where(outward, moving, 0)
    parts[:, _PLACE["dma_setup"]] = DMA_SETUP
    parts[:, _PLACE["lanes"]] = lanes
    return parts
