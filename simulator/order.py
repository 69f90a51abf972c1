"""The order of a core's records: each engine's own is kept, and none runs before what it waits for (CHIP §2)."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.isa.table import Engine


class Deadlock(ValueError):
    """
    Engines wait for records that come after those that wait; the message names them.

    `record` of `engine` of `core`, counted from 1, is the first of them.
    """

    def __init__(self, message: str, core: int = 0, engine: Engine = Engine.TIU, record: int = 0) -> None:
        super().__init__(message)
        self.core, self.engine, self.record = core, engine, record


def order(tiu_wait: Sequence[int], gdma_wait: Sequence[int]) -> list[tuple[Engine, int]]:
    """
    All records, each by engine and index from 0, in an order that keeps engine order and waits. Raises Deadlock.

    The TIU goes on for as long as it can, then the GDMA.
    """
    done = [0, 0]
    waits = (tiu_wait, gdma_wait)
    made: list[tuple[Engine, int]] = []
    while done[0] < len(tiu_wait) or done[1] < len(gdma_wait):
        before = len(made)
        for engine in Engine:
            mine, other = waits[engine], done[1 - engine]
            first = at = done[engine]
            while at < len(mine) and mine[at] <= other:
                at += 1
            made += [(engine, i) for i in range(first, at)]
            done[engine] = at
        if len(made) == before:
            raise _stuck(waits, done)
    return made


def _stuck(waits: tuple[Sequence[int], Sequence[int]], done: list[int]) -> Deadlock:
    stuck = [(engine, at) for engine in Engine if (at := done[engine]) < len(waits[engine])]
    parts = [
        f"{engine.name} record {at + 1} waits for {Engine(1 - engine).name} record {waits[engine][at]}"
        for engine, at in stuck
    ]
    first, at = stuck[0]
    return Deadlock("deadlock: " + ", ".join(parts), 0, first, at + 1)
