"""A debugger without a face: one inference, run by record, layer or group, stopped, looked into and changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from simulator.checks.check import Examined, examine
from simulator.concurrent import run_cores
from simulator.debugger.order import Moment
from simulator.debugger.program import Program
from simulator.debugger.reference import Reference
from simulator.debugger.run import CannotRun, Run
from simulator.debugger.stops import Breakpoint, DataChecks
from simulator.debugger.tensors import Tensors
from simulator.events import Timeline
from simulator.host import Feeds
from simulator.isa.table import Engine
from simulator.memory import Array
from simulator.model_file import Model
from simulator.order import Deadlock


@dataclass(frozen=True)
class Stop:
    """Why a run stopped, in words, and at which breakpoint if at one; `stuck` where nothing can run any more."""

    why: str
    breakpoint: Breakpoint | None = None
    stuck: bool = False

    @property
    def fault(self) -> bool:
        """Whether something is wrong with what ran."""
        return self.stuck or (self.breakpoint is not None and self.breakpoint.fault)


class Debugger:
    """
    One inference under a user's control.

    Steps count moments: records of any engine, and ops of the host. `groups` has the group of each layer, where that is
    known.
    """

    def __init__(self, model: Model, feeds: Feeds, groups: Mapping[str, str] | None = None) -> None:
        """Raises BadFeed, Deadlock for a WAIT that no SEND can end."""
        self.program = Program(model)
        self.run = Run(self.program, feeds)
        self.tensors = Tensors(self.run)
        self.groups = groups or {}
        self.reference: Reference | None = None
        self.breakpoints: dict[int, Breakpoint] = {}

    @cached_property
    def timelines(self) -> list[Timeline]:
        """When the cycle model has each record run, core by core; none of a program that it can't run to its end."""
        if self.examined.program is None:
            return []
        try:
            return run_cores(self.program.model.cores, self.program.model.chip)
        except Deadlock:
            return []

    @cached_property
    def examined(self) -> Examined:
        """What the static checks say of the program."""
        return examine(self.program.model)

    @cached_property
    def data(self) -> DataChecks:
        """The checks of data, which look at each record from the first time they are asked for. Raises CannotRun."""
        return DataChecks(self.run, self.examined)

    def hold_against(self, arrays: Mapping[str, Array]) -> Reference:
        """Have results to compare with. Raises BadReference."""
        self.reference = Reference(self.tensors, arrays)
        return self.reference

    def add(self, breakpoint: Breakpoint) -> Breakpoint:
        """Number a breakpoint and heed it."""
        breakpoint.number = max(self.breakpoints, default=0) + 1
        self.breakpoints[breakpoint.number] = breakpoint
        return breakpoint

    def step(self, count: int = 1) -> Stop:
        """Run so many moments."""
        return self._go(self.run.at + count, "")

    def step_engine(self, core: int, engine: Engine, count: int = 1) -> Stop:
        """Run so many records of one engine, whatever the order was; the order goes on from there. Raises CannotRun."""
        stop = Stop("")
        for _ in range(count):
            self.run.prefer(core, engine)
            stop = self._go(self.run.at + 1, "")
            if stop.why:
                break
        return stop

    def next_layer(self, count: int = 1) -> Stop:
        """Run until so many more layers are done."""
        return self._next({name: set(moments) for name, moments in self.program.by_layer.items()}, "layer", count)

    def next_group(self, count: int = 1) -> Stop:
        """Run until so many more groups are done; a layer of none counts as one. Raises CannotRun without groups."""
        if not self.groups:
            raise CannotRun("nobody has told which group a layer is of; give them with the model")
        made: dict[str, set[Moment]] = {}
        for name, moments in self.program.by_layer.items():
            made.setdefault(self.groups.get(name, name), set()).update(moments)
        return self._next(made, "group", count)

    def until(self, moment: Moment) -> Stop:
        """Run to right before a moment. Raises CannotRun if it is done, or is never reached."""
        position = self.run.position(moment)
        if position < self.run.at:
            raise CannotRun("that has run already; go back first")
        return self._go(position, "")

    def finish(self, moments: set[Moment], what: str) -> Stop:
        """Run until all of these are done. Raises CannotRun if they are, or there are none."""
        last = max(map(self.run.position, moments), default=-1)
        if last < self.run.at:
            raise CannotRun(f"{what} is finished already; go back first")
        return self._go(last + 1, f"{what} is finished")

    def go_on(self) -> Stop:
        """Run to the next stop, or to the end."""
        return self._go(len(self.run.moments), "")

    def back(self, count: int = 1) -> None:
        """Undo so many moments, all if there are fewer."""
        self.run.to(max(self.run.at - count, 0))

    def back_to_stop(self) -> Stop:
        """Go back to the last place a breakpoint names, or to the start; what bytes hold stops nothing on this way."""
        before, after = self._marks()
        places = {at: each[0] for at, each in before.items()}
        places |= {at + 1: tested[0] for at, each in after.items() if (tested := [b for b in each if not b.fault])}
        at = max((at for at in places if at < self.run.at), default=0)
        self.run.to(at)
        return _hit(places[at], "") if at in places else Stop("at the start")

    def again(self) -> None:
        """To the start; what was changed there by hand stays so."""
        self.run.to(0)

    def _next(self, parts: Mapping[str, set[Moment]], what: str, count: int) -> Stop:
        ends = sorted((max(map(self.run.position, moments)), name) for name, moments in parts.items())
        ahead = [end for end in ends if end[0] >= self.run.at]
        if not ahead:
            return self.go_on()
        last, name = ahead[min(count, len(ahead)) - 1]
        return self._go(last + 1, f"{what} {name} is done")

    def _go(self, goal: int, reached: str) -> Stop:
        """Run to a goal unless something stops it on the way."""
        run = self.run
        if run.next() is None:
            return self._at_end()
        for each in self.breakpoints.values():
            each.arm()
        before, after = self._marks()
        stops: list[Stop] = []

        def ahead(at: int) -> bool:
            stops.extend(_hit(each, "") for each in before.get(at, ()))
            return bool(stops)

        def behind(at: int) -> bool:
            for each in after.get(at, ()):
                if said := each.test(run.moments[at]):
                    stops.append(_hit(each, f" after {self.program.title(run.moments[at])}: {said}"))
            return bool(stops)

        run.forward(min(goal, len(run.moments)), ahead, behind)
        for stop in stops:
            if stop.breakpoint and stop.breakpoint.once:
                self.breakpoints.pop(stop.breakpoint.number, None)
        if stops:
            faulty = next((stop for stop in stops if stop.fault), stops[0])
            return Stop("; ".join(stop.why for stop in stops), faulty.breakpoint)
        if run.next() is None and (goal > len(run.moments) or not run.done or not reached):
            return self._at_end()
        return Stop(reached)

    def _at_end(self) -> Stop:
        if self.run.done:
            return Stop("the run is at its end")
        walk = self.run.walk()
        held = [
            f"core {core}'s {engine.name} record {at + 1} waits for {walk.held_by(core, engine, at)}"
            for core, engine in walk.engines(None)
            if (at := walk.done[core][engine]) < walk.ends[core][engine]
        ]
        return Stop("deadlock: " + ", ".join(held), stuck=True)

    def _marks(self) -> tuple[dict[int, list[Breakpoint]], dict[int, list[Breakpoint]]]:
        """By position, the breakpoints before and after what runs there."""
        before: dict[int, list[Breakpoint]] = {}
        after: dict[int, list[Breakpoint]] = {}
        for each in self.breakpoints.values():
            if each.enabled:
                _mark(before, each, each.before, self.run)
                _mark(after, each, each.after, self.run)
        return before, after


def _mark(
    marks: dict[int, list[Breakpoint]], each: Breakpoint, moments: Callable[[], Iterable[Moment]], run: Run
) -> None:
    for moment in moments():
        marks.setdefault(run.position(moment), []).append(each)


def _hit(each: Breakpoint, said: str) -> Stop:
    each.hits += 1
    return Stop(f"breakpoint {each.number}, {each.what}{said}", each)
