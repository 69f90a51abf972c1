"""Where a model's cycles and bytes go: by engine, and by the layer named in each record's tag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import prod
from typing import Any

import numpy as np

from simulator.chip import Chip
from simulator.events import Cycles, Timeline, Track, distinct, run
from simulator.isa.record import Command, Records, decode
from simulator.isa.table import SPECS, Flag, Region
from simulator.model_file import Model
from simulator.timing import span, used


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

    `cycles` of the whole run, in which `overlap` cycles keep both engines busy. `lmem_peak` is the highest byte of a
    lane's memory that a record touches, plus one. `layers` in the order they start, `total` their sum.
    """

    cycles: int
    seconds: float
    overlap: int
    lmem_peak: int
    total: Traffic
    layers: tuple[Traffic, ...]

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
    """The model's records timed and summed up. Raises events.Deadlock."""
    return profile_of(model, run(model.tiu, model.gdma, model.chip))


def profile_of(model: Model, timeline: Timeline) -> Profile:
    """The sums of a run that is already timed."""
    layers = _layers(model, timeline)
    peak = max(lmem_peak(model.tiu, model.chip), lmem_peak(model.gdma, model.chip))
    cycles = timeline.cycles
    return Profile(
        cycles, cycles / model.chip.hertz, overlap(timeline.tiu, timeline.gdma), peak, _total(layers, cycles), layers
    )


def macs(command: Command) -> int:
    """Multiply-accumulates a record does, those on padding included."""
    if command.op not in ("CONV", "DWCONV", "MATMUL"):
        return 0
    present = used(command)
    result = present["acc"] if Flag.ACC_OUT in command.flags else present["out"]
    _, _, depth, taps = present["filter"].dims
    return prod(result.dims) * depth * taps


def overlap(one: Track, other: Track) -> int:
    """Cycles in which both engines are busy."""
    if not len(one.start) or not len(other.start):
        return 0
    times = np.stack([one.start, one.free], 1).ravel()
    busy = np.concatenate([[0], np.cumsum(one.free - one.start)])
    done = np.stack([busy[:-1], busy[1:]], 1).ravel()
    return round(float((np.interp(other.free, times, done) - np.interp(other.start, times, done)).sum()))


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


def _layers(model: Model, timeline: Timeline) -> tuple[Traffic, ...]:
    count = len(model.layers)
    sums = _sums(model, timeline, count)
    start, end = _limits(model, timeline, count)
    rows = [
        Traffic(name, int(start[i]), int(end[i]), **{key: int(values[i]) for key, values in sums.items()})
        for i, name in enumerate(model.layers)
        if sums["tiu_records"][i] + sums["gdma_records"][i]
    ]
    return tuple(sorted(rows, key=lambda row: row.start))


def _sums(model: Model, timeline: Timeline, count: int) -> Mapping[str, Cycles]:
    loads = model.gdma["op"] != SPECS["STORE"].code
    kinds, kind = distinct(model.tiu, addresses=False)
    products = np.array([macs(decode(record)) for record in kinds], np.int64)[kind]
    computes, moves = timeline.tiu, timeline.gdma
    tiu, gdma = _places(model.tiu, count), _places(model.gdma, count)
    return {
        "tiu_records": _summed(tiu, np.ones_like(computes.start), count),
        "gdma_records": _summed(gdma, np.ones_like(moves.start), count),
        "tiu_cycles": _summed(tiu, computes.free - computes.start, count),
        "gdma_cycles": _summed(gdma, moves.free - moves.start, count),
        "load_bytes": _summed(gdma, np.where(loads, timeline.payload, 0), count),
        "store_bytes": _summed(gdma, np.where(loads, 0, timeline.payload), count),
        "wire_bytes": _summed(gdma, timeline.wire, count),
        "macs": _summed(tiu, products, count),
    }


def _places(records: Records, count: int) -> Cycles:
    """The layer of each record; `count` for one without operands, which belongs to none."""
    markers = [spec.code for spec in SPECS.values() if not spec.operands]
    return np.where(np.isin(records["op"], markers), count, records["tag"].astype(np.int64))


def _summed(places: Cycles, figures: Cycles, count: int) -> Cycles:
    sums = np.zeros(count + 1, np.int64)
    np.add.at(sums, places, figures)
    return sums


def _limits(model: Model, timeline: Timeline, count: int) -> tuple[Cycles, Cycles]:
    """First start and last completion of each layer."""
    start = np.full(count + 1, np.iinfo(np.int64).max)
    end = np.zeros(count + 1, np.int64)
    for track, records in ((timeline.tiu, model.tiu), (timeline.gdma, model.gdma)):
        np.minimum.at(start, _places(records, count), track.start)
        np.maximum.at(end, _places(records, count), track.end)
    return start, end


def _total(layers: tuple[Traffic, ...], cycles: int) -> Traffic:
    rows = [asdict(layer) for layer in layers]
    summed = [field.name for field in fields(Traffic) if field.name not in ("layer", "start", "end")]
    return Traffic("", 0, cycles, **{key: sum(row[key] for row in rows) for key in summed})
