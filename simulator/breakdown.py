"""Where time and bytes go, by layer and by layer group, and which resource decides how long each one takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from math import ceil, prod

import numpy as np
from numpy.typing import NDArray

from simulator.bound import Contraction, array_cycles
from simulator.chip import Chip
from simulator.cores import Streams
from simulator.critical import RESOURCES, Deciding, deciding, is_outward, layers_of, summed, waiting
from simulator.debug_map import volume
from simulator.events import Cycles, Timeline, dma_costs, tiu_work
from simulator.isa.record import Records
from simulator.isa.table import BY_CODE, Region
from simulator.model_file import Model
from simulator.profile import Traffic, overlaps
from simulator.spans import local_spans
from simulator.timing import TIU_SETUP

HIDDEN = "hidden"
"""Why a part takes no time of the run: others decide while it runs."""

PARAMETER_BYTES = 12
"""A channel's bias, multiplier and shift, compulsory beside its weights at 8 bits; wider modes have the bias alone."""


@dataclass(frozen=True)
class Part:
    """
    A layer, or the layers of a group.

    `decides` cycles of the run (`simulator.critical`); over all parts they add up to the run but for its last records.
    `why` names the resource that most of them go to. `bound` is the least that its own contractions and weights take.
    `overlap` are the cycles of its TIU records in which the GDMA is busy; `waits_…` those in which an engine stands
    still before its records. `ops` counts its records by kind, `conflict_cycles` those of the TIU's that bank
    conflicts add, `bus_cycles` those of the GDMA's that other cores' transfers do. `compulsory_bytes` are its weights
    as they must be read at least once. `halo` is the share of its results that are computed again; bytes are payload,
    `wire_bytes` whole bursts. `mac_utilisation` is that of the array while the part's TIU records run.
    """

    name: str
    group: str
    ops: str
    decides: int
    why: str
    bound: int
    start: int
    end: int
    tiu_cycles: int
    gdma_cycles: int
    overlap: int
    conflict_cycles: int
    bus_cycles: int
    macs: int
    mac_utilisation: float
    halo: float
    compulsory_bytes: int
    weight_bytes: int
    in_bytes: int
    out_bytes: int
    io_bytes: int
    wire_bytes: int
    lmem_peak: int
    waits_data: int
    waits_drain: int
    waits_buffer: int
    waits_result: int


SUMS = tuple(
    field.name
    for field in fields(Part)
    if field.type == "int" and field.name not in ("start", "end", "bound", "lmem_peak")
)
"""What of a group is the sum of its layers'."""


@dataclass(frozen=True)
class Own:
    """What a layer can't do without: `array` cycles of its contractions, and bytes of weights with their parameters."""

    array: int = 0
    weights: int = 0

    def cycles(self, chip: Chip) -> int:
        """Of the slower of the two."""
        return max(self.array, ceil(self.weights / chip.ddr_bytes_per_cycle))


@dataclass(frozen=True)
class Breakdown:
    """
    Layers in the order they start, groups likewise, the run's cycles by resource, and what decides when.

    `rest`, where it was asked for, is what belongs to no layer: with it, layers add up to the run.
    """

    layers: Sequence[Part]
    groups: Sequence[Part]
    resources: Mapping[str, int]
    deciding: Deciding
    rest: Part | None = None


def own_work(work: Mapping[str, Contraction], layers: Mapping[str, str], size: int, chip: Chip) -> Mapping[str, Own]:
    """By layer: `work` by result (`simulator.bound`), `layers` the layer that each of these results became part of."""
    found = dict[str, Own]()
    for result, item in work.items():
        held = found.get(layers.get(result, ""), Own())
        weights = item.elements * size + item.outputs * (PARAMETER_BYTES if size == 1 else 4)
        found[layers.get(result, "")] = Own(held.array + array_cycles(item, size, chip), held.weights + weights)
    return found


def broken_down(
    model: Model,
    timelines: Sequence[Timeline],
    traffic: Iterable[Traffic],
    groups: Mapping[str, str],
    own: Mapping[str, Own],
    macs_per_cycle: float,
    rest: Traffic | None = None,
) -> Breakdown:
    """
    Of a run that is timed and summed up; `groups` has the group of each layer, one of none stands for itself.

    The engines' last records belong to no layer; their cycles are among the resources', and in `rest` if its traffic is
    given.
    """
    figures = _figures(model, timelines)
    place = {name: i for i, name in enumerate(model.layers)}
    layers = [_layer(told, place[told.layer], figures, groups, own, macs_per_cycle, model.chip) for told in traffic]
    ends = _layer(rest, len(place), figures, groups, {}, macs_per_cycle, model.chip) if rest else None
    makers = {part.group: [other for other in layers if other.group == part.group] for part in layers}
    whole = list[Part]()
    for name, parts in makers.items():
        at = [place[part.name] for part in parts]
        made = _grouped(name, parts, figures.decided[at].sum(0), own, macs_per_cycle, model.chip)
        whole.append(replace(made, ops=_ops(figures.kinds[at].sum(0))))
    totals = dict(zip(RESOURCES, figures.decided.sum(0).tolist(), strict=True))
    return Breakdown(layers, sorted(whole, key=lambda part: part.start), totals, figures.when, ends)


@dataclass(frozen=True)
class _Figures:
    """
    Of each layer, and in the last row of what belongs to none, what its traffic doesn't tell.

    `decided` (layers + 1, resources) cycles of the run, `extra` (layers + 1) by the name of the part's field, `kinds`
    (layers + 1, 256) records by op code; `again` by tensor the share of its elements that are computed again.
    """

    when: Deciding
    decided: Cycles
    extra: Mapping[str, Cycles]
    kinds: Cycles
    again: Mapping[str, float]


def _figures(model: Model, timelines: Sequence[Timeline]) -> _Figures:
    count = len(model.layers)
    when = deciding(model.cores, timelines, count, model.chip)
    each = [_extra(core, timeline, count, model.chip) for core, timeline in zip(model.cores, timelines, strict=True)]
    extra = {key: sum((core[key] for core in each), np.zeros(count + 1, np.int64)) for key in each[0]}
    extra["lmem_peak"] = np.max([core["lmem_peak"] for core in each], axis=0)
    again = {tensor.name: volume(tensor.slices) / max(prod(tensor.shape), 1) - 1 for tensor in model.tensors}
    return _Figures(when, when.by_layer(count), extra, _kinds(model, count), again)


def _layer(
    told: Traffic, at: int, figures: _Figures, groups: Mapping[str, str], own: Mapping[str, Own],
    macs_per_cycle: float, chip: Chip,
) -> Part:  # fmt: skip
    """The part that a layer is, or what belongs to none: row `at` of the figures."""
    needed = own.get(told.layer, Own())
    return Part(
        name=told.layer,
        group=groups.get(told.layer, told.layer),
        ops=_ops(figures.kinds[at]),
        decides=int(figures.decided[at].sum()),
        why=_why(figures.decided[at]),
        bound=needed.cycles(chip),
        start=told.start,
        end=told.end,
        tiu_cycles=told.tiu_cycles,
        gdma_cycles=told.gdma_cycles,
        macs=told.macs,
        mac_utilisation=_over(told.macs, macs_per_cycle * told.tiu_cycles),
        compulsory_bytes=needed.weights,
        halo=max(figures.again.get(told.layer, 0.0), 0.0),
        wire_bytes=told.wire_bytes,
        **{name: int(values[at]) for name, values in figures.extra.items()},
    )


class Miscounted(ValueError):
    """What layers add up to isn't what the records do; the message names the figure."""


def check_sums(parts: Breakdown, timelines: Sequence[Timeline], cycles: int) -> None:
    """Raise Miscounted unless layers, kinds and resources add up to the records' bytes and the run's cycles."""
    payload = sum(int(timeline.payload.sum()) for timeline in timelines)
    wire = sum(int(timeline.wire.sum()) for timeline in timelines)
    kinds = sum(part.weight_bytes + part.in_bytes + part.out_bytes + part.io_bytes for part in parts.layers)
    every = [*parts.layers, *([parts.rest] if parts.rest else [])]
    whole = (
        ("cycles by layer", sum(part.decides for part in every), cycles),
        ("TIU cycles by layer", sum(part.tiu_cycles for part in every), sum(run.tiu.busy for run in timelines)),
        ("GDMA cycles by layer", sum(part.gdma_cycles for part in every), sum(run.gdma.busy for run in timelines)),
    )
    for what, added, records in (
        *(whole if parts.rest else ()),
        ("payload bytes by kind", kinds, payload),
        ("bytes on the bus by layer", sum(part.wire_bytes for part in parts.layers), wire),
        ("bytes on the bus by group", sum(part.wire_bytes for part in parts.groups), wire),
        ("cycles by resource", sum(parts.resources.values()), cycles),
    ):
        if added != records:
            raise Miscounted(f"{what}: {added:,}, the records have {records:,}")


def _grouped(
    name: str, parts: Sequence[Part], decided: Cycles, own: Mapping[str, Own], macs_per_cycle: float, chip: Chip
) -> Part:
    sums = {key: sum(getattr(part, key) for part in parts) for key in SUMS}
    needed = [own.get(part.name, Own()) for part in parts]
    bound = Own(sum(item.array for item in needed), sum(item.weights for item in needed)).cycles(chip)
    busy = sums["tiu_cycles"]
    again = _over(sum(part.halo * part.tiu_cycles for part in parts), busy)
    return replace(
        parts[0], name=name, why=_why(decided), bound=bound, halo=again,
        start=min(part.start for part in parts), end=max(part.end for part in parts),
        lmem_peak=max(part.lmem_peak for part in parts),
        mac_utilisation=_over(sums["macs"], macs_per_cycle * busy), **sums,
    )  # fmt: skip


def _extra(core: Streams, timeline: Timeline, count: int, chip: Chip) -> Mapping[str, Cycles]:
    """(layers + 1) of what the traffic doesn't tell, by the name of the part's field, on one core."""
    tiu, gdma = layers_of(core.tiu, count), layers_of(core.gdma, count)
    outward, region = is_outward(core.gdma), _far_region(core.gdma)
    kinds = {
        "weight_bytes": region == Region.WEIGHT,
        "in_bytes": (region == Region.ACTIVATION) & ~outward,
        "out_bytes": (region == Region.ACTIVATION) & outward,
        "io_bytes": region == Region.IO,
    }
    alone = TIU_SETUP + tiu_work(core.tiu, chip)
    shared = np.rint(overlaps(timeline.gdma, timeline.tiu)).astype(np.int64)
    peaks = np.zeros(count + 1, np.int64)
    for places, records in ((tiu, core.tiu), (gdma, core.gdma)):
        np.maximum.at(peaks, places, local_spans(records, chip)[..., 1].max(-1, initial=0))
    return {
        "overlap": summed(tiu, shared, count),
        "lmem_peak": peaks,
        **{name: summed(gdma, np.where(chosen, timeline.payload, 0), count) for name, chosen in kinds.items()},
        "conflict_cycles": summed(tiu, timeline.tiu.free - timeline.tiu.start - alone, count),
        "bus_cycles": summed(gdma, timeline.gdma.free - timeline.gdma.start - dma_costs(core.gdma, chip)[:, 0], count),
        **{f"waits_{cause}": values for cause, values in waiting(core, timeline, count).items()},
    }


def _kinds(model: Model, count: int) -> Cycles:
    """(layers + 1, 256) records by layer and op code."""
    made = np.zeros((count + 1, 256), np.int64)
    for core in model.cores:
        for records in (core.tiu, core.gdma):
            np.add.at(made, (layers_of(records, count), records["op"]), 1)
    return made


def _ops(kinds: Cycles) -> str:
    """Each kind of record and how many there are of it."""
    return " ".join(f"{BY_CODE[code]}:{kinds[code]}" for code in np.flatnonzero(kinds).tolist())


def _far_region(records: Records) -> NDArray[np.integer]:
    """The region that each GDMA record moves from or to."""
    regions = records["operands"]["region"]
    return np.where(is_outward(records), regions[:, 0], regions[:, 1])


def _why(decided: Cycles) -> str:
    return list(RESOURCES)[int(decided.argmax())] if decided.any() else HIDDEN


def _over(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
