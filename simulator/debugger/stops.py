"""What stops a debugged run: places in the program, bytes that change, and what must not come out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from simulator.checks.check import Examined
from simulator.checks.finding import Finding
from simulator.checks.watch import Watch
from simulator.cores import Turn
from simulator.debugger.order import Moment
from simulator.debugger.program import Extent, Program
from simulator.debugger.reference import Reference
from simulator.debugger.run import CannotRun, Run
from simulator.debugger.tensors import Tensors
from simulator.isa.record import Operand
from simulator.isa.table import Region
from simulator.memory import Bytes, Memory

Place = tuple[Extent | Operand, int]
"""Bytes, and the core whose memory they are in."""


DATA = {"nan": "births", "overflow": "overflow"}
"""Checks of data, by what a breakpoint on one is called."""


@dataclass
class Breakpoint:
    """
    Where a run stops: before any of the moments `before`, or after one of `after` of which `test` has something to say.

    `arm` is called whenever the run sets out. A stop at a `fault` is one that a correct program doesn't have.
    """

    what: str
    before: Callable[[], Iterable[Moment]] = tuple
    after: Callable[[], Iterable[Moment]] = tuple
    test: Callable[[Moment], str] = field(default=lambda moment: "")
    arm: Callable[[], None] = field(default=lambda: None)
    fault: bool = False
    number: int = 0
    enabled: bool = True
    once: bool = False
    hits: int = 0


def at_layer(run: Run, name: str) -> Breakpoint:
    """Before the first moment of a layer, in whatever order the run has."""
    moments = run.program.by_layer[name]
    return Breakpoint(f"layer {name}", before=lambda: [min(moments, key=run.position)])


def at_op(program: Program, op: str) -> Breakpoint:
    """Before each record of an op, or each op of the host of that kind."""
    return Breakpoint(f"op {op}", before=_always(moment for moment in program.moments if program.op(moment) == op))


def at_record(turn: Turn, what: str) -> Breakpoint:
    """Before one record."""
    return Breakpoint(what, before=_always([turn]))


def at_tensor(tensors: Tensors, name: str) -> Breakpoint:
    """After each moment that finishes some of a tensor."""

    def test(moment: Moment) -> str:
        done, whole = tensors.progress(name)
        return f"{done:,} of {whole:,} elements of {name} are finished"

    return Breakpoint(f"tensor {name}", after=_always(tensors.moments(name)), test=test)


def at_bytes(program: Program, extent: Extent, write: bool | None, what: str) -> Breakpoint:
    """Before each record that touches bytes: reads or, with `write`, writes them; None: either."""
    return Breakpoint(what, before=_always(program.touching(extent, extent.core, write)))


def at_change(run: Run, places: Sequence[Place], what: str) -> Breakpoint:
    """After each record that changes bytes of some places."""
    held = [np.empty(0, np.uint8)]

    def now() -> Bytes:
        return np.concatenate([bytes_of(run, *place) for place in places])

    def arm() -> None:
        held[0] = now()

    def test(moment: Moment) -> str:
        was, held[0] = held[0], now()
        changed = np.flatnonzero(held[0] != was)
        if not len(changed):
            return ""
        at = int(changed[0])
        return f"{len(changed):,} of {was.size:,} bytes changed, byte {at} from {was[at]:#04x} to {held[0][at]:#04x}"

    writers = [turn for place, core in places for turn in run.program.touching(place, core, write=True)]
    return Breakpoint(what, after=_always(writers), test=test, arm=arm)


def at_findings(findings: Sequence[Finding], what: str) -> Breakpoint:
    """Before each record that a static check has something to say about."""
    turns = [Turn(each.core, each.engine, each.record - 1) for each in findings if each.record]
    return Breakpoint(what, before=_always(turns), fault=True)


class DataChecks:
    """What only data show, looked for in each record of a run: sums beyond int32, and births of NaN and infinity."""

    def __init__(self, run: Run, examined: Examined) -> None:
        """Raises CannotRun where the program is too faulty to be watched."""
        if examined.program is None:
            raise CannotRun("the program is too faulty for its data to be checked; 'check' lists how")
        self._run, self._program, self._unproven = run, examined.program, examined.unproven
        self._watch: Watch | None = None
        self._last: tuple[Moment | None, Sequence[Finding]] = None, ()
        run.state.watch(self._made)

    def at(self, checks: Sequence[str], what: str) -> Breakpoint:
        """After each record in which one of these checks finds something."""

        def test(moment: Moment) -> str:
            return "; ".join(str(each) for each in self._found(moment) if each.check in checks)

        return Breakpoint(what, after=_always(self._run.program.turns()), test=test, arm=self._forget, fault=True)

    def _made(self, memories: Sequence[Memory]) -> Watch:
        self._watch = Watch(self._program, self._unproven, memories)
        return self._watch

    def _found(self, moment: Moment) -> Sequence[Finding]:
        """What the record that has just run was found to do, however many ask."""
        if self._last[0] != moment and self._watch is not None:
            self._last = moment, self._watch.take()
        return self._last[1]

    def _forget(self) -> None:
        """Whatever was found on the way to where the run sets out from."""
        if self._watch is not None:
            self._watch.take()
        self._last = None, ()


def at_mismatch(reference: Reference) -> Breakpoint:
    """After each moment that leaves a tensor unlike the reference."""
    return Breakpoint(
        "mismatch",
        after=lambda: reference.moments,
        test=lambda moment: str(found) if (found := reference.check(moment)) else "",
        fault=True,
    )


def bytes_of(run: Run, place: Extent | Operand, core: int) -> Bytes:
    """A copy of the bytes of a place: of an extent lane after lane, of an operand element after element."""
    memory = run.state.memories[core]
    if isinstance(place, Operand):
        return np.ascontiguousarray(memory.place(place).gather()).view(np.uint8).reshape(-1).copy()
    if place.region == Region.LOCAL:
        lanes = slice(None) if place.lane is None else slice(place.lane, place.lane + 1)
        return memory.lanes[lanes, place.start : place.stop].reshape(-1).copy()
    return memory.regions[place.region][place.start : place.stop].copy()


def _always(moments: Iterable[Moment]) -> Callable[[], Iterable[Moment]]:
    kept = frozenset(moments)
    return lambda: kept
