"""
Bank conflicts, counted: what they cost the TIU, and where both engines work on a bank of one lane at a time.

A lane has 16 banks. A TIU record whose operands share one takes longer (docs/isa.md, Time): no fault, but time.
Where a transfer is on its way while a record computes, and both touch a bank, the chip charges nothing, and counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from simulator import spans
from simulator.checks.boxes import Whole
from simulator.chip import Chip
from simulator.concurrent import run_cores
from simulator.events import Timeline, tiu_work
from simulator.isa.record import Records
from simulator.model_file import Model
from simulator.timing import TIU_SETUP


@dataclass(frozen=True)
class BankConflicts:
    """
    Over all cores: `records` of the TIU have `operands` that share a bank with another of their own, and that takes
    `cycles` of all the TIU's `tiu_cycles`. `meetings` are pairs of a TIU and a GDMA record that are under way at the
    same time and touch a bank.
    """

    records: int
    operands: int
    cycles: int
    tiu_cycles: int
    meetings: int

    def as_dict(self) -> dict[str, float]:
        """Counts by name, the cost as a share of the TIU's cycles too."""
        named: dict[str, float] = asdict(self)
        whole = named.pop("tiu_cycles")
        return named | {"share": self.cycles / whole if whole else 0.0}


def bank_conflicts(model: Model, timelines: Sequence[Timeline] | None = None) -> BankConflicts:
    """Count them; `timelines` are the model's, core by core, if they are there already. Raises order.Deadlock."""
    records = operands = cycles = whole = meetings = 0
    for core, timeline in zip(model.cores, timelines or run_cores(model.cores, model.chip), strict=True):
        shared, cost = _costs(core.tiu, model.chip)
        records += int(np.count_nonzero(shared))
        operands += int(shared.sum())
        cycles += int(cost.sum())
        whole += timeline.tiu.busy
        meetings += _meetings(timeline, _banks(core.tiu, model.chip), _banks(core.gdma, model.chip))
    return BankConflicts(records, operands, cycles, whole, meetings)


def layer_conflicts(model: Model) -> dict[str, int]:
    """Cycles that bank conflicts cost each layer that has any, over all cores, the dearest first."""
    found = dict[str, int]()
    for core in model.cores:
        _, cost = _costs(core.tiu, model.chip)
        for i in np.flatnonzero(cost).tolist():
            tag = int(core.tiu["tag"][i])
            layer = model.layers[tag] if tag < len(model.layers) else ""
            found[layer] = found.get(layer, 0) + int(cost[i])
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def _costs(records: Records, chip: Chip) -> tuple[Whole, Whole]:
    """For each TIU record the operands that share a bank with another of its own, and the cycles which that takes."""
    shared = spans.bank_conflicts(spans.local_spans(records, chip), chip)
    return shared, (TIU_SETUP + tiu_work(records, chip)) * shared


def _banks(records: Records, chip: Chip) -> Whole:
    """The banks that each record touches, a bit each."""
    ends = spans.local_spans(records, chip)
    first, stop = ends[..., 0] // chip.bank_bytes, -(-ends[..., 1] // chip.bank_bytes)
    return np.bitwise_or.reduce((np.int64(1) << stop) - (np.int64(1) << first), 1)


def _meetings(timeline: Timeline, computes: Whole, moves: Whole) -> int:
    """Pairs of records under way at one time that have a bank in common; tracks are in order of time."""
    tiu, gdma = timeline.tiu, timeline.gdma
    first = np.searchsorted(gdma.free, tiu.start, "right")
    last = np.maximum(np.searchsorted(gdma.start, tiu.free, "left"), first)
    counts = last - first
    of = np.repeat(np.arange(len(counts)), counts)
    other = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts) + first[of]
    return int(np.count_nonzero(computes[of] & moves[other]))
