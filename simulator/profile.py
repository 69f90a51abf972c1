"""Where a model's cycles and bytes go: by engine, and by the layer named in each record's tag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.chip import Chip
from simulator.concurrent import last_cycle, run_cores
from simulator.cores import Streams
from simulator.critical import CONTRACTIONS, is_outward, layers_of, summed
from simulator.events import Cycles, Timeline, Track
from simulator.isa.distinct import distinct
from simulator.isa.record import Command, Records, decode
from simulator.isa.table import DType, Flag, Region
from simulator.model_file import Model
from simulator.timing import input_channels, span, used


@dataclass(frozen=True)
class Traffic:
    """Records, cycles and bytes of one layer, or of all; `macs` as executed, repeated halos included."""

    layer: str
    start: int
    end: int
    tiu_records: int
    gdma_records: int
    tiu_cycles: int
    gdma_cycles: int
    load_bytes: int
    store_bytes: int
    wire_bytes: int
    macs: int


@dataclass(frozen=True)
class Profile:
    """
    A model in time on its chip.

    `cycles` of the whole run, in which `overlap` cycles keep both engines of a core busy; it and all sums are over all
    cores. `lmem_peak` is the highest byte of a lane's memory that a record touches, plus one. `layers` in the order
    they start, `total` their sum; `rest` has the records that belong to none: those that end or order the streams.
    """

    cycles: int
    seconds: float
    overlap: int
    lmem_peak: int
    total: Traffic
    layers: tuple[Traffic, ...]
    rest: Traffic

    @property
    def ddr_bytes(self) -> int:
        """Payload bytes moved between global and local memory, both ways."""
        return self.total.load_bytes + self.total.store_bytes

    def rows(self) -> list[dict[str, Any]]:
        """One flat row for each layer."""
        return [asdict(layer) for layer in self.layers]

    def summary(self) -> dict[str, Any]:
        """The figures of the whole run as one flat row."""
        whole = asdict(self.total)
        del whole["layer"], whole["start"], whole["end"]
        figures = {"cycles": self.cycles, "seconds": self.seconds, "overlap": self.overlap}
        return {**figures, "lmem_peak": self.lmem_peak, "ddr_bytes": self.ddr_bytes, **whole}


def profile(model: Model) -> Profile:
    """The model's records timed and summed up. Raises order.Deadlock."""
    return profile_of(model, run_cores(model.cores, model.chip))


def profile_of(model: Model, timelines: Sequence[Timeline]) -> Profile:
    """The sums of a run that is already timed, core by core."""
    layers, rest = _layers(model, timelines)
    peak = max(lmem_peak(records, model.chip) for core in model.cores for records in (core.tiu, core.gdma))
    cycles = last_cycle(timelines)
    both = sum(overlap(timeline.tiu, timeline.gdma) for timeline in timelines)
    return Profile(cycles, cycles / model.chip.hertz, both, peak, _total(layers, cycles), layers, rest)


def macs(command: Command) -> int:
    """Multiply-accumulates a record does, those on padding included."""
    if command.op == "BMATMUL":
        return prod(used(command)["out"].dims) * used(command)["a"].dims[2]
    if command.op not in ("CONV", "DWCONV", "MATMUL"):
        return 0
    present = used(command)
    result = present["acc"] if Flag.ACC_OUT in command.flags else present["out"]
    _, _, depth, taps = present["filter"].dims
    return prod(result.dims) * depth * taps


def peak_macs(command: Command, chip: Chip) -> int:
    """Multiply-accumulates a cycle that the array does at most on numbers of the record's type; 0 if it does none."""
    if command.op not in CONTRACTIONS:
        return 0
    read = used(command)["a" if command.op == "BMATMUL" else "in"].dtype
    if command.op == "DWCONV" or read == DType.F32:
        return chip.lanes * chip.eu_bytes // read.itemsize
    return chip.lanes * chip.cube_px * input_channels(chip, read)


def overlap(one: Track, other: Track) -> int:
    """Cycles in which both engines are busy."""
    return round(float(overlaps(one, other).sum()))


def overlaps(one: Track, other: Track) -> NDArray[np.float64]:
    """Of each record of `other`, the cycles in which the engine of `one` is busy too."""
    if not len(one.start) or not len(other.start):
        return np.zeros(len(other.start))
    times = np.stack([one.start, one.free], 1).ravel()
    busy = np.concatenate([[0], np.cumsum(one.free - one.start)])
    done = np.stack([busy[:-1], busy[1:]], 1).ravel()
    return np.interp(other.free, times, done) - np.interp(other.start, times, done)


def lmem_peak(records: Records, chip: Chip) -> int:
    """Bytes from a lane's start to the last one that an operand of the records touches."""
    kinds, _ = distinct(records, addresses=True)
    tops = [
        span(operand, chip)[1]
        for record in kinds
        for operand in used(decode(record)).values()
        if operand.region == Region.LOCAL
    ]
    return max(tops, default=0)


def _layers(model: Model, timelines: Sequence[Timeline]) -> tuple[tuple[Traffic, ...], Traffic]:
    """The layers that have records, and what belongs to none."""
    count = len(model.layers)
    each = [_sums(core, timeline, count) for core, timeline in zip(model.cores, timelines, strict=True)]
    sums = {key: sum((core[key] for core in each), np.zeros(count + 1, np.int64)) for key in each[0]}
    start, end = _limits(model, timelines, count)
    rows = [
        Traffic(name, int(start[i]), int(end[i]), **{key: int(values[i]) for key, values in sums.items()})
        for i, name in enumerate((*model.layers, ""))
        if i == count or sums["tiu_records"][i] + sums["gdma_records"][i]
    ]
    return tuple(sorted(rows[:-1], key=lambda row: row.start)), rows[-1]


def _sums(core: Streams, timeline: Timeline, count: int) -> Mapping[str, Cycles]:
    loads = ~is_outward(core.gdma)
    kinds, kind = distinct(core.tiu, addresses=False)
    products = np.array([macs(decode(record)) for record in kinds], np.int64)[kind]
    computes, moves = timeline.tiu, timeline.gdma
    tiu, gdma = layers_of(core.tiu, count), layers_of(core.gdma, count)
    return {
        "tiu_records": summed(tiu, np.ones_like(computes.start), count),
        "gdma_records": summed(gdma, np.ones_like(moves.start), count),
        "tiu_cycles": summed(tiu, computes.free - computes.start, count),
        "gdma_cycles": summed(gdma, moves.free - moves.start, count),
        "load_bytes": summed(gdma, np.where(loads, timeline.payload, 0), count),
        "store_bytes": summed(gdma, np.where(loads, 0, timeline.payload), count),
        "wire_bytes": summed(gdma, timeline.wire, count),
        "macs": summed(tiu, products, count),
    }


def _limits(model: Model, timelines: Sequence[Timeline], count: int) -> tuple[Cycles, Cycles]:
    """First start and last completion of each layer."""
    start = np.full(count + 1, np.iinfo(np.int64).max)
    end = np.zeros(count + 1, np.int64)
    for core, timeline in zip(model.cores, timelines, strict=True):
        for track, records in ((timeline.tiu, core.tiu), (timeline.gdma, core.gdma)):
            np.minimum.at(start, layers_of(records, count), track.start)
            np.maximum.at(end, layers_of(records, count), track.end)
    return start, end


def _total(layers: tuple[Traffic, ...], cycles: int) -> Traffic:
    rows = [asdict(layer) for layer in layers]
    summed = [field.name for field in fields(Traffic) if field.name not in ("layer", "start", "end")]
    return Traffic("", 0, cycles, **{key: sum(row[key] for row in rows) for key in summed})
