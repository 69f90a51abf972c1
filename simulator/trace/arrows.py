"""Arrows of a trace: from what makes bytes to what uses them, from what is waited for, and from core to core."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from simulator.cores import messages
from simulator.isa.table import Engine
from simulator.lifetimes import Use
from simulator.trace.event import Event, process_of, thread_of
from simulator.trace.slices import RECORDS, Traced

Place = tuple[int, Engine, int]
"""A record: core, engine and index from 0."""


def arrows(run: Traced, uses: Iterable[Use]) -> Iterator[Event]:
    """All arrows between engines: of data in local memory, of waits that say more than earlier ones, of messages."""
    told = [("data", (use.core, *use.maker), (use.core, *use.user)) for use in uses if use.maker[0] != use.user[0]]
    for number, (kind, leaves, reaches) in enumerate([*told, *_waits(run), *_messages(run)], 1):
        (core, engine, at), (to, other, then) = leaves, reaches
        common = {"name": kind, "cat": kind, "id": number}
        begin = run.clock.before(int(run.timelines[core].track(engine).free[at]))
        end = run.clock.at(int(run.timelines[to].track(other).start[then]))
        yield {**common, "ph": "s", **_on(core, engine), "ts": begin}
        yield {**common, "ph": "f", "bp": "e", **_on(to, other), "ts": end}


def _waits(run: Traced) -> Iterator[tuple[str, Place, Place]]:
    for core, streams in enumerate(run.model.cores):
        for engine in Engine:
            known = 0
            for i, wait in enumerate(streams.of(engine)["wait"].tolist()):
                if wait > known:
                    known = wait
                    yield "wait", (core, Engine(1 - engine), wait - 1), (core, engine, i)


def _messages(run: Traced) -> Iterator[tuple[str, Place, Place]]:
    for core, held in enumerate(messages(run.model.cores)):
        for i, message in sorted(held.items()):
            yield "message", (message.core, Engine.GDMA, message.record - 1), (core, Engine.GDMA, i)


def _on(core: int, engine: Engine) -> Event:
    return {"pid": process_of(core), "tid": thread_of(process_of(core), RECORDS[engine])}
