"""
Several cores in order: which record of which core may run when (docs/isa.md, Programs).

Within a core the engines wait for each other's records; between cores, the GDMA's WAIT for another core's SEND.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

import numpy as np

from simulator.isa.record import Records
from simulator.isa.table import SPECS, Engine
from simulator.order import Deadlock, order

LONGEST = 8
"""The most records of one engine in a row where turns are drawn at random."""


@dataclass(frozen=True)
class Streams:
    """One core's records, an array for each engine."""

    tiu: Records
    gdma: Records

    def of(self, engine: Engine) -> Records:
        """The records of an engine."""
        return self.tiu if engine == Engine.TIU else self.gdma


class Turn(NamedTuple):
    """A record: its core, its engine, and its index from 0 in that stream."""

    core: int
    engine: Engine
    at: int


class Message(NamedTuple):
    """What a WAIT is for: the 1-based GDMA record `record` of `core`, a SEND."""

    core: int
    record: int


def sends(gdma: Records) -> list[int]:
    """The 1-based records of a GDMA stream that are SENDs."""
    return [i + 1 for i in np.flatnonzero(gdma["op"] == SPECS["SEND"].code).tolist()]


def messages(cores: Sequence[Streams]) -> list[dict[int, Message]]:
    """
    For each core, by index in its GDMA stream, what its WAITs are for; without those whose count is 0.

    Raises Deadlock for a WAIT that no SEND can end.
    """
    sent = [sends(core.gdma) for core in cores]
    made = [dict[int, Message]() for _ in cores]
    for number, core in enumerate(cores):
        for i in np.flatnonzero(core.gdma["op"] == SPECS["WAIT"].code).tolist():
            sender, count = int(core.gdma["u"][i, 0]), int(core.gdma["i"][i, 0])
            if count == 0:
                continue
            if sender == number or sender >= len(cores) or not 0 < count <= len(sent[sender]):
                message = f"deadlock: core {number}: GDMA record {i + 1} waits for SEND {count} of core {sender}"
                raise Deadlock(message, number, Engine.GDMA, i + 1)
            made[number][i] = Message(sender, sent[sender][count - 1])
    return made


def turns(cores: Sequence[Streams], seed: int | None = None) -> list[Turn]:
    """
    All records in an order that keeps engine order, waits and messages. Raises Deadlock.

    Each core goes on for as long as it can, its TIU before its GDMA; with a `seed`, engines of all cores take turns at
    random.
    """
    if len(cores) == 1 and seed is None:
        (only,) = cores
        messages(cores)
        return [Turn(0, engine, i) for engine, i in order(only.tiu["wait"].tolist(), only.gdma["wait"].tolist())]
    walk = Walk(cores)
    made, random = list[Turn](), None if seed is None else Random(seed)
    while True:
        before = len(made)
        for core, engine in walk.engines(random):
            made += walk.runs(core, engine, random.randint(1, LONGEST) if random else None)
        if len(made) == before:
            break
    walk.check_done()
    return made


class Walk:
    """How far each engine of each core has come: `done` records of it, of which it may run those before its `ends`."""

    def __init__(self, cores: Sequence[Streams]) -> None:
        """At the start, free to run to the ends of all streams. Raises Deadlock as `messages`."""
        self.messages = messages(cores)
        self.waits: list[tuple[list[int], list[int]]] = [
            (core.tiu["wait"].tolist(), core.gdma["wait"].tolist()) for core in cores
        ]
        self.done = [[0, 0] for _ in cores]
        self.ends = [[len(core.tiu), len(core.gdma)] for core in cores]

    def engines(self, random: Random | None) -> list[tuple[int, Engine]]:
        """All engines, in the order of their next turns."""
        engines = [(core, engine) for core in range(len(self.done)) for engine in Engine]
        if random:
            random.shuffle(engines)
        return engines

    def runs(self, core: int, engine: Engine, most: int | None) -> Iterator[Turn]:
        """An engine's next records, for as long as none of them must wait, `most` at most."""
        done, end = self.done[core], self.ends[core][engine]
        stop = end if most is None else min(end, done[engine] + most)
        while done[engine] < stop and not self.held_by(core, engine, done[engine]):
            yield Turn(core, engine, done[engine])
            done[engine] += 1

    def held_by(self, core: int, engine: Engine, index: int) -> str:
        """What a record waits for in vain so far; empty if nothing."""
        wait, other = self.waits[core][engine][index], Engine(1 - engine)
        if wait > self.done[core][other]:
            return f"{other.name} record {wait}"
        message = self.messages[core].get(index) if engine == Engine.GDMA else None
        if message and message.record > self.done[message.core][Engine.GDMA]:
            return f"core {message.core}'s GDMA record {message.record}"
        return ""

    def check_done(self) -> None:
        """Raise Deadlock if records are left."""
        stuck = [
            (core, engine, at)
            for core, engine in self.engines(None)
            if (at := self.done[core][engine]) < self.ends[core][engine]
        ]
        told = [
            f"{f'core {core}: ' if len(self.done) > 1 else ''}{engine.name} record {at + 1} waits for "
            f"{self.held_by(core, engine, at)}"
            for core, engine, at in stuck
        ]
        if stuck:
            core, engine, at = stuck[0]
            raise Deadlock("deadlock: " + ", ".join(told), core, engine, at + 1)
