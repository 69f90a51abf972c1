"""
Faults put into real programs: how many the checks find, and what becomes of those they don't.

A fault that no check finds makes another program, sound in itself: it is *refused* by the chip once data show it up,
leaves *other bytes* (what a comparison with the TPU's results is for), or the same. Of the same it is *equivalent* if
the records mean the same, or may change places; the rest left the same bytes on these feeds. What must not be is a
program that passes the checks but has records that conflict and nothing orders, by a count that shares nothing with the
check's, or that leaves different bytes in different orders.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from random import Random

import numpy as np

from pipeline.bench.judged import Judged, Wanted, judged
from pipeline.bench.mutators import faults, mutants
from pipeline.bench.sim import Bench
from pipeline.bench.sim_stand import Stand
from simulator.checks.check import check
from simulator.checks.conflicts import needs, runs_of
from simulator.checks.ordering import ordering
from simulator.checks.walk import accesses, in_lanes
from simulator.cores import turns
from simulator.execute.site import IllegalRecord
from simulator.isa.record import Command, Operand, Records, decode
from simulator.isa.table import Engine, Region
from simulator.layout import up
from simulator.model_file import Model, read

MODELS = ("resnet8", "squeezenet", "vowels_gru")
TARGETS = ("x64-int8", "x32-int8")

EACH = 12
"""Mutants of a kind of each program."""

SEEDS = (None, 1, 2)
"""Orders that each mutant is run in."""

OUTCOMES = ("found", "refused", "other bytes", "equivalent", "same bytes", "missed")
"""What becomes of a mutant; `missed` passes the checks and races, or leaves bytes that depend on the order."""

NONE = Wanted(0, 0, less=True)


def rows(bench: Bench) -> Iterator[Judged]:
    """For each kind of fault how many mutants there were, and what became of them."""
    tally: dict[str, Counter[str]] = {fault: Counter() for fault in faults()}
    for name, target in bench.cases(MODELS, TARGETS):
        built = bench.built(name, target)
        model = read(built.model)
        subject = Subject(model, Stand(model, built.feeds))
        for fault in faults():
            tally[fault].update(map(subject.outcome, islice(mutants(model, fault, Random(built.case + fault)), EACH)))
    for fault, counted in tally.items():
        case = f"fault/{fault}"
        yield judged(case, "mutants", counted.total(), "programs")
        for outcome in OUTCOMES:
            wanted = NONE if outcome == "missed" and counted else None
            yield judged(case, outcome.replace(" ", "_"), counted[outcome], "programs", wanted)


class Subject:
    """A program to be held against its mutants."""

    def __init__(self, model: Model, stand: Stand) -> None:
        """Run the program itself."""
        self._model, self._stand = model, stand
        self._right = stand.result(model, turns(model.cores))

    def outcome(self, mutant: Model) -> str:
        """One of `OUTCOMES`."""
        if check(mutant):
            return "found"
        order = ordering(mutant.cores)
        if not needs(mutant, order).met(order):
            return "missed"
        try:
            results = {self._stand.result(mutant, turns(mutant.cores, seed)) for seed in SEEDS}
        except IllegalRecord:
            return "refused"
        if len(results) > 1:
            return "missed"
        if results != {self._right}:
            return "other bytes"
        return "equivalent" if equivalent(self._model, mutant) else "same bytes"


@dataclass(frozen=True)
class _Changed:
    """The commands of a stream that differ, as they were and as they are."""

    was: list[Command]
    is_: list[Command]


def equivalent(model: Model, mutant: Model) -> bool:
    """Whether it is plain that two programs that differ in a record, or in two neighbours, do the same."""
    changed = [
        _changed(was.of(engine), now.of(engine), model.chip.lanes)
        for was, now in zip(model.cores, mutant.cores, strict=True)
        for engine in Engine
    ]
    return all(_same(part, model.chip.lanes) for part in changed if part.was)


def _changed(was: Records, now: Records, lanes: int) -> _Changed:
    differ = np.flatnonzero([a.tobytes() != b.tobytes() for a, b in zip(was, now, strict=True)])
    before, after = ([_plain(decode(records[i]), lanes) for i in differ] for records in (was, now))
    return _Changed(before, after)


def _same(changed: _Changed, lanes: int) -> bool:
    """Commands that mean the same, or two that may change places: neither writes what the other touches."""
    if changed.was == changed.is_:
        return True
    if changed.was != changed.is_[::-1] or any(command.op in ("SEND", "WAIT") for command in changed.was):
        return False
    first, second = ([in_lanes(command, of, lanes) for of in accesses(command)] for command in changed.was)
    return not any(
        mine.meets(its)
        for a in first
        for b in second
        if (a.write or b.write) and (a.operand.region == b.operand.region)
        for mine in runs_of(a.operand, lanes)
        for its in runs_of(b.operand, lanes)
    )


def _plain(command: Command, lanes: int) -> Command:
    """Without what has no meaning: wait and tag, operands that aren't touched, strides that take no step."""
    touched = {access.name for access in accesses(command)}
    operands = {
        name: _unstrided(operand, lanes)
        for name, operand in command.operands.items()
        if operand is not None and name in touched
    }
    return replace(command, operands=operands, wait=0, tag=0)


def _unstrided(operand: Operand, lanes: int) -> Operand:
    n, c, h, w = operand.dims
    extents = (n, up(operand.lane + c, lanes), h, w) if operand.region == Region.LOCAL else operand.dims
    a, b, y, x = (0 if extent == 1 else stride for extent, stride in zip(extents, operand.strides, strict=True))
    return replace(operand, strides=(a, b, y, x))
