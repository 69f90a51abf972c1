"""A run that goes forwards and back: the order of its records, how far it is, and what was changed by hand."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter

from simulator.cores import Turn, Walk
from simulator.debugger.order import Hosted, Moment, Planner, runnable
from simulator.debugger.program import Program
from simulator.debugger.state import Snapshot, State
from simulator.execute.site import IllegalRecord
from simulator.host import Feeds
from simulator.isa.record import Operand
from simulator.isa.table import Engine, Region
from simulator.memory import Array

APART_S = 0.25
"""Seconds of running from one snapshot to the next: about what going back costs."""

KEPT_BYTES = 256 << 20
"""Snapshots together; beyond that, every other one goes."""


class CannotRun(ValueError):
    """An engine can't run its next record, or there is none; the message says why."""


@dataclass(frozen=True)
class Edit:
    """Values put at an operand of a core's memory by hand."""

    core: int
    operand: Operand
    values: Array


class Run:
    """
    A run of one inference. `at` moments of `moments` are done.

    Going back begins anew, or at the last snapshot before, and runs up to there: what a moment does depends on nothing
    but memory, so that it does the same again. Edits are made again where they were made.
    """

    def __init__(self, program: Program, feeds: Feeds) -> None:
        """Raises BadFeed, Deadlock."""
        self.program = program
        self.state = State(program, feeds)
        self.planner = Planner(program.model)
        self.at = 0
        self.order, self.seed = "machine", 0
        self.moments: list[Moment] = []
        self._positions: dict[Moment, int] = {}
        self._edits: dict[int, list[Edit]] = {}
        self._snapshots: dict[int, Snapshot] = {}
        self._apart, self._since = APART_S, perf_counter()
        self._go_on(self.planner.plan(()))

    @property
    def past(self) -> Sequence[Moment]:
        """What is done, in order."""
        return self.moments[: self.at]

    def next(self) -> Moment | None:
        """What runs next; None at the end, or where nothing can run."""
        return self.moments[self.at] if self.at < len(self.moments) else None

    @property
    def done(self) -> bool:
        """Whether every record of every engine has run, and every op of the host."""
        return self.at == len(self.moments) == len(self.program.moments)

    def position(self, moment: Moment) -> int:
        """How many moments run before this one; the run's length if it is never reached."""
        return self._positions.get(moment, len(self.moments))

    def walk(self) -> Walk:
        """How far each engine is."""
        return self.planner.at(self.past)

    def choose(self, order: str, seed: int = 0) -> None:
        """Go on in another order. Raises UnknownOrder."""
        self._go_on(self.planner.plan(self.past, order, seed))
        self.order, self.seed = order, seed

    def prefer(self, core: int, engine: Engine) -> None:
        """Have this engine's record run next, whatever the order. Raises CannotRun."""
        walk = self.walk()
        if (core, engine) not in runnable(walk):
            raise CannotRun(why_not(walk, core, engine))
        turn = Turn(core, engine, walk.done[core][engine])
        self._go_on([turn, *self.planner.plan([*self.past, turn], self.order, self.seed)])

    def forward(self, goal: int, before: Callable[[int], bool], after: Callable[[int], bool]) -> None:
        """
        Run until `goal` moments are done, or a test holds.

        `before` is asked at each position but the first, `after` with the position of what has just run. Raises
        IllegalRecord, HostFault; what failed then is next.
        """
        first = self.at
        for i in range(first, goal):
            if i > first and before(i):
                return
            self._one()
            if after(i):
                return

    def to(self, count: int) -> None:
        """Go to where so many moments are done, without a stop. Going back forgets edits made after there."""
        if count < self.at:
            self._edits = {at: edits for at, edits in self._edits.items() if at <= count}
        self._reach(count)

    def mend(self) -> None:
        """Make memory anew as it should be here: a record may have been broken off."""
        count = self.at
        self._rewind(count)
        self._reach(count)

    def revisit(self, counts: Iterable[int], look: Callable[[int], None]) -> None:
        """Call `look` with each of these numbers of moments done, in order, while memory is as it was then."""
        now, at = self.state.snapshot(), self.at
        try:
            for count in sorted(counts):
                self._reach(count)
                look(count)
        finally:
            self.at = at
            self.state.restore(now)
            self._put_all(range(at + 1), {Region.WEIGHT})

    def edit(self, edit: Edit) -> None:
        """Put values in memory, now and whenever the run comes by here again. Raises BadOperand."""
        self.state.memories[edit.core].place(edit.operand)
        if edit.operand.region == Region.WEIGHT and not self.state.owns_weights:
            at = self.at
            self.state.own_weights()
            self._snapshots.clear()
            self.at = 0
            self._put_all(range(1))
            self._reach(at)
        self._forget_snapshots()
        self._edits.setdefault(self.at, []).append(edit)
        self._put(edit)

    @property
    def edits(self) -> Sequence[tuple[int, Edit]]:
        """What was changed by hand, each with the number of moments done before."""
        return [(count, edit) for count, edits in sorted(self._edits.items()) for edit in edits]

    def forget_edits(self) -> None:
        """Begin anew with nothing changed."""
        self._edits.clear()
        self._snapshots.clear()
        self._rewind(0)

    def _go_on(self, moments: Sequence[Moment]) -> None:
        """Have these come next."""
        self.moments[self.at :] = moments
        self._positions = {moment: i for i, moment in enumerate(self.moments)}
        self._forget_snapshots()

    def _forget_snapshots(self) -> None:
        self._snapshots = {count: kept for count, kept in self._snapshots.items() if count <= self.at}

    def _reach(self, count: int) -> None:
        if count < self.at:
            self._rewind(count)
        while self.at < count:
            self._one()
            self._put_all((self.at,))

    def _rewind(self, count: int) -> None:
        """Go back to the last snapshot at or before `count`, or to the start."""
        self.at = max((at for at in self._snapshots if at <= count), default=0)
        self.state.begin()
        if self.at:
            self.state.restore(self._snapshots[self.at])
            self._put_all(range(self.at), {Region.WEIGHT})
        self._put_all((self.at,))
        self._since = perf_counter()

    def _one(self) -> None:
        moment = self.moments[self.at]
        try:
            self.state.run(moment)
        except IllegalRecord:
            raise
        except ValueError as error:
            if isinstance(moment, Hosted):
                raise
            raise IllegalRecord(moment.engine, moment.at + 1, "data", str(error)) from error
        self.at += 1
        if perf_counter() - self._since > self._apart:
            self._keep()

    def _keep(self) -> None:
        """Take a snapshot; where they come to too much, keep every other one and take fewer."""
        self._snapshots[self.at] = self.state.snapshot()
        if sum(kept.bytes for kept in self._snapshots.values()) > KEPT_BYTES:
            self._snapshots = {at: self._snapshots[at] for at in sorted(self._snapshots)[1::2]}
            self._apart *= 2
        self._since = perf_counter()

    def _put_all(self, counts: Iterable[int], regions: Container[Region] = frozenset(Region)) -> None:
        """Make the edits of these points again, in these regions."""
        for count in counts if self._edits else ():
            for edit in self._edits.get(count, ()):
                if edit.operand.region in regions:
                    self._put(edit)

    def _put(self, edit: Edit) -> None:
        self.state.memories[edit.core].place(edit.operand).scatter(edit.values)


def why_not(walk: Walk, core: int, engine: Engine) -> str:
    """Why an engine's next record can't run."""
    if (at := walk.done[core][engine]) == walk.ends[core][engine]:
        rest = at < len(walk.waits[core][engine])
        return f"core {core}'s {engine.name} {'waits for the host' if rest else 'has no record left to run'}"
    return f"core {core}'s {engine.name} record {at + 1} waits for {walk.held_by(core, engine, at)}"
