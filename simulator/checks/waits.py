"""
Which waits of a program are needed (docs/isa.md, Programs), each with what proves it.

A wait is *necessary* if without it a conflicting pair of records is left unordered by engine order and the other waits,
whatever the timing: the pair is the proof. It is *implied* if without it no two records lose their order: an earlier
record has waited as long. It is *unneeded* if those that do lose it touch no byte in common: they are listed. A later
subnet's first records wait for the ends of the one before because the host has its turn between (docs/isa.md): a
*border*. WAITs for another core are waits too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from simulator.checks.conflicts import Needs, needs
from simulator.checks.ordering import Numbers, Order, far, ordering
from simulator.cores import Message, Streams, messages, sends
from simulator.isa.table import Engine
from simulator.model_file import Model
from simulator.subnets import ChipSubnet


class Kind(StrEnum):
    """Why a wait is there."""

    NECESSARY = "necessary"
    BORDER = "border"
    IMPLIED = "implied"
    UNNEEDED = "unneeded"


@dataclass(frozen=True)
class Lost:
    """
    Order that goes with a wait: the 1-based records `first` to `last` of an engine, none of which comes after records
    `after` + 1 to `until` of another any longer.
    """

    core: int
    engine: Engine
    first: int
    last: int
    other_core: int
    other: Engine
    after: int
    until: int

    def __str__(self) -> str:
        return (
            f"{self.engine.name} records {self.first} to {self.last} are free of {self.other.name} records "
            f"{self.after + 1} to {self.until}"
        )


@dataclass(frozen=True)
class Pair:
    """Two records, each by core, engine and number from 1, that conflict; the second must follow the first."""

    first: tuple[int, Engine, int]
    second: tuple[int, Engine, int]


@dataclass(frozen=True)
class Wait:
    """
    The wait of a record, until record `until` of `other` of `other_core` is complete.

    If necessary, `pair` is one that loses its order, and to wait until `least` would do; `lost` is all order that goes
    with it. If implied, record `by` of the engine has waited as long.
    """

    core: int
    engine: Engine
    record: int
    other_core: int
    other: Engine
    until: int
    kind: Kind
    lost: Sequence[Lost] = ()
    pair: Pair | None = None
    least: int = 0
    by: int = 0

    @property
    def message(self) -> bool:
        """Whether it is a WAIT for another core."""
        return self.core != self.other_core

    @property
    def spare(self) -> bool:
        """Whether the program is as sound without it."""
        return self.kind in (Kind.IMPLIED, Kind.UNNEEDED)

    def __str__(self) -> str:
        core = f"core {self.core}, " if self.core or self.message else ""
        other = f"core {self.other_core}'s " if self.message else ""
        waits = f"{core}{self.engine.name} record {self.record} waits for {other}{self.other.name} record {self.until}"
        return f"{waits}: {self.kind}: {self._why()}"

    def _why(self) -> str:
        """What proves it."""
        if self.kind == Kind.BORDER:
            return "the host has its turn between"
        if self.kind == Kind.IMPLIED:
            return f"{self.engine.name} record {self.by} has waited as long"
        if self.pair is None:
            return "without it, " + ", ".join(map(str, self.lost)) + ", which share no byte that either writes"
        (_, engine, record), (core, waiting, second) = self.pair.first, self.pair.second
        of = f"core {core}'s " if core != self.core else ""
        enough = f"; record {self.least} would do" if self.least < self.until else ""
        return f"{of}{waiting.name} record {second} conflicts with {engine.name} record {record}{enough}"


def without(model: Model, wait: Wait, until: int = 0) -> Model:
    """The program without a wait, or with one that ends `until` an earlier record of the other stream is complete."""
    cores = list(model.cores)
    own = Streams(cores[wait.core].tiu.copy(), cores[wait.core].gdma.copy())
    record = own.of(wait.engine)[wait.record - 1 : wait.record]
    if wait.message:
        record["i"][0, 0] = np.searchsorted(sends(cores[wait.other_core].gdma), until, "right")
    else:
        record["wait"] = until
    cores[wait.core] = own
    return replace(model, tiu=cores[0].tiu, gdma=cores[0].gdma, others=cores[1:])


def waits(model: Model) -> list[Wait]:
    """Every wait of a program that passes the checks. Raises Deadlock."""
    order = ordering(model.cores)
    need = needs(model, order)
    return [*_near(model, order, need), *_far(model, order, need)]


def _near(model: Model, order: Order, need: Needs) -> Iterator[Wait]:
    """The waits for the other engine of the same core."""
    parts = [part for part in model.parts if isinstance(part, ChipSubnet)]
    for core, streams in enumerate(model.cores):
        for engine in Engine:
            borders = {part.cores[core][engine][0] for part in parts if part.later}
            given: list[int] = streams.of(engine)["wait"].tolist()
            stream = _Stream(core, engine, given, order.near[core][engine].tolist(), need.near[core][engine].tolist())
            for i in (i for i, wait in enumerate(given) if wait):
                yield stream.border(i) if i in borders else stream.judged(i)


@dataclass(frozen=True)
class _Stream:
    """An engine's waits, what each record knows by them, and what it must follow, counted from 1 of the other."""

    core: int
    engine: Engine
    waits: Sequence[int]
    known: Sequence[int]
    need: Sequence[int]

    def border(self, i: int) -> Wait:
        """The first record's of a later subnet."""
        return self._wait(i, Kind.BORDER)

    def judged(self, i: int) -> Wait:
        """Any other."""
        until = self.waits[i]
        before = self.known[i - 1] if i else 0
        if before >= until:
            by = next(j for j in range(i) if self.waits[j] >= until) + 1
            return self._wait(i, Kind.IMPLIED, by=by)
        lost = tuple(self._lost(i, before))
        for part in lost:
            for j in range(part.first - 1, part.last):
                if self.need[j] > part.after:
                    pair = Pair((self.core, self._other, self.need[j]), (self.core, self.engine, j + 1))
                    least = max(self.need[part.first - 1 : lost[-1].last])
                    return self._wait(i, Kind.NECESSARY, lost, pair, min(least, until))
        return self._wait(i, Kind.UNNEEDED, lost)

    @property
    def _other(self) -> Engine:
        return Engine(1 - self.engine)

    def _lost(self, i: int, known: int) -> Iterator[Lost]:
        """What records from the one at `i` on don't know without its wait, if `known` is what those before it knew."""
        until, first = self.waits[i], i
        for j in range(i + 1, len(self.waits) + 1):
            if j == len(self.waits) or self.waits[j] > known:
                yield Lost(self.core, self.engine, first + 1, j, self.core, self._other, known, until)
                if j == len(self.waits) or self.waits[j] >= until:
                    return
                first, known = j, self.waits[j]

    def _wait(
        self, i: int, kind: Kind, lost: Sequence[Lost] = (), pair: Pair | None = None, least: int = 0, by: int = 0
    ) -> Wait:
        until = self.waits[i]
        return Wait(
            self.core, self.engine, i + 1, self.core, self._other, until, kind, lost, pair, least or until, by
        )  # fmt: skip


def _far(model: Model, order: Order, need: Needs) -> Iterator[Wait]:
    """The WAITs for other cores."""
    told = messages(model.cores)
    sent = [sends(core.gdma) for core in model.cores]
    marks = [np.array(records, np.int64) - 1 for records in sent]
    lengths = [len(core.gdma) for core in model.cores]

    def told_instead(core: int, i: int, message: Message | None) -> list[Numbers]:
        """What the GDMAs know if that record waits for another message, or for none."""
        own = {at: other for at, other in told[core].items() if at != i} | ({} if message is None else {i: message})
        return far([*told[:core], own, *told[core + 1 :]], marks, lengths)

    for core in range(len(told)):
        for i, message in told[core].items():
            wait = _message(core, i, message, order, need, told_instead(core, i, None))
            if wait.kind == Kind.NECESSARY:
                sooner = (Message(message.core, record) for record in sent[message.core] if record < message.record)
                enough = (
                    other.record for other in sooner if need.met(replace(order, far=told_instead(core, i, other)))
                )
                wait = replace(wait, least=next(enough, wait.least))
            yield wait


def _message(core: int, i: int, message: Message, order: Order, need: Needs, without: Sequence[Numbers]) -> Wait:
    """A WAIT by what the GDMAs know `without` it."""
    lost = tuple(part for c in range(len(without)) for part in _differing(c, order.far[c], without[c]))
    told = core, Engine.GDMA, i + 1, message.core, Engine.GDMA, message.record
    if not lost:
        by = int(np.argmax(order.far[core][:, message.core] >= message.record))
        return Wait(*told, Kind.IMPLIED, least=message.record, by=by + 1)
    for part in lost:
        needed = need.far[part.core][part.first - 1 : part.last, part.other_core]
        if needed[-1] > part.after:
            at = int(np.argmax(needed > part.after))
            second = part.core, Engine.GDMA, part.first + at
            pair = Pair((part.other_core, Engine.GDMA, int(needed[at])), second)
            return Wait(*told, Kind.NECESSARY, lost, pair, message.record)
    return Wait(*told, Kind.UNNEEDED, lost, least=message.record)


def _differing(core: int, known: Numbers, without: Numbers) -> Iterator[Lost]:
    """Where a core's GDMA knows less: stretches of records that know the same."""
    for other in np.flatnonzero((known != without).any(0)).tolist():
        both = np.stack([known[:, other], without[:, other]], 1)
        starts = np.append(0, np.flatnonzero((np.diff(both, axis=0) != 0).any(1)) + 1).tolist()
        for first, last in zip(starts, [*starts[1:], len(both)], strict=True):
            until, after = both[first].tolist()
            if after < until:
                yield Lost(core, Engine.GDMA, first + 1, last, other, Engine.GDMA, after, until)
