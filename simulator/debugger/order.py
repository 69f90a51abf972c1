"""The order in which a debugged run goes: any that engines, waits and cores allow, chosen again at any point."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from random import Random
from typing import NamedTuple

from simulator.concurrent import run_cores
from simulator.cores import LONGEST, Turn, Walk
from simulator.isa.table import Engine
from simulator.model_file import Model
from simulator.subnets import ChipSubnet


class Hosted(NamedTuple):
    """An op of the host, by its index in `Model.parts`."""

    part: int


Moment = Turn | Hosted
"""What runs at once: a record, or an op of the host."""

ORDERS = ("machine", "time", "gdma", "random")
"""
What an order is called: `machine` is PyRuntime's, each core for as long as it can and its TIU before its GDMA; `time`
that in which the cycle model starts records; `gdma` has transfers go first; `random` draws turns by a seed.
"""


class UnknownOrder(ValueError):
    """No order has that name; the message lists those there are."""


class CannotPlan(ValueError):
    """An order that the program has no part in; the message says why."""


class Planner:
    """Plans of a model's run from any point on."""

    def __init__(self, model: Model) -> None:
        """Raises Deadlock for a WAIT that no SEND can end."""
        self._model = model
        self._parts = model.parts
        self._starts: list[tuple[list[int], list[int]]] | None = None
        self._fresh = Walk(model.cores)

    def at(self, past: Iterable[Moment]) -> Walk:
        """How far engines are after what has run; `ends` are those of the subnet that is next."""
        walk, part = copy(self._fresh), 0
        walk.done = [[0, 0] for _ in walk.done]
        for moment in past:
            if isinstance(moment, Turn):
                walk.done[moment.core][moment.engine] += 1
            else:
                part = moment.part + 1
        self._bound(walk, part)
        while walk.done == walk.ends and part < len(self._parts) and isinstance(self._parts[part], ChipSubnet):
            part += 1
            self._bound(walk, part)
        return walk

    def plan(self, past: Sequence[Moment], order: str = "machine", seed: int = 0) -> list[Moment]:
        """What is to run after `past`, to the end or to where nothing can run. Raises UnknownOrder, CannotPlan."""
        if order not in ORDERS:
            raise UnknownOrder(f"no order {order!r}; there are {', '.join(ORDERS)}")
        hosted = [moment.part for moment in past if isinstance(moment, Hosted)]
        walk, random, made = self.at(past), Random(seed) if order == "random" else None, list[Moment]()
        for part in range(hosted[-1] + 1 if hosted else 0, len(self._parts)):
            if not isinstance(self._parts[part], ChipSubnet):
                made.append(Hosted(part))
                continue
            self._bound(walk, part)
            made += self._timed(walk) if order == "time" else self._turns(walk, order, random)
            if walk.done != walk.ends:
                break
        return made

    def _bound(self, walk: Walk, part: int) -> None:
        """Let engines run to the end of the chip subnet `part`; no further if it is one of the host's."""
        subnet = self._parts[part] if part < len(self._parts) else None
        if isinstance(subnet, ChipSubnet):
            walk.ends = [[tiu[1], gdma[1]] for tiu, gdma in subnet.cores]
        else:
            walk.ends = [list(done) for done in walk.done]

    def _turns(self, walk: Walk, order: str, random: Random | None) -> Iterator[Turn]:
        """As `simulator.cores.turns`."""
        moved = True
        while moved:
            moved = False
            engines = walk.engines(random)
            for core, engine in engines[::-1] if order == "gdma" else engines:
                for turn in walk.runs(core, engine, random.randint(1, LONGEST) if random else None):
                    moved = True
                    yield turn

    def _timed(self, walk: Walk) -> Iterator[Turn]:
        """One record at a time, of those that can run the one that starts first."""
        while ready := runnable(walk):
            core, engine = min(ready, key=self._start(walk))
            yield from walk.runs(core, engine, 1)

    def _start(self, walk: Walk) -> Callable[[tuple[int, Engine]], int]:
        if self._starts is None:
            try:
                timelines = run_cores(self._model.cores, self._model.chip)
            except (ValueError, KeyError) as error:
                raise CannotPlan(f"the cycle model can't time this program: {error}") from error
            self._starts = [(line.tiu.start.tolist(), line.gdma.start.tolist()) for line in timelines]
        starts = self._starts
        return lambda who: starts[who[0]][who[1]][walk.done[who[0]][who[1]]]


def runnable(walk: Walk) -> list[tuple[int, Engine]]:
    """Engines whose next record waits for nothing."""
    return [
        (core, engine)
        for core, engine in walk.engines(None)
        if (at := walk.done[core][engine]) < walk.ends[core][engine] and not walk.held_by(core, engine, at)
    ]
