"""`tpuflow debug`: a model's run stepped through, looked into, and held against what it should make."""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import typer

from assets.zoo import packages
from pipeline.debugger import show
from pipeline.debugger.context import Context
from pipeline.debugger.given import Given, from_file, results
from pipeline.debugger.shell import PROMPT, Shell, execute
from pipeline.debugger.words import BadCommand
from simulator.debugger import stops
from simulator.debugger.session import Debugger

HISTORY = "debug_history"
"""Lines typed before, in the cache folder."""


def debug(
    model: str, target: str | None, feeds: Path | None, sample: int, against: Path | None, script: Sequence[str],
    *, as_json: bool,
) -> None:  # fmt: skip
    """
    A session on a `sample.model`, or on a model of the zoo for a target; lines of `script`, standard input, or typed.

    Exit code 1 after a script that found a fault or has a line that can't be run; with `as_json`, all that was said is
    printed at its end. Raises BadSession, StageFailed.
    """
    given = from_file(Path(model), feeds, sample) if target is None else _from_store(model, target, feeds, sample)
    if against is not None:
        given.wanted = results(against)
    said: list[str] = []
    context = Context(Debugger(given.model, given.feeds, given.groups), said.append if as_json else print)
    _begin(context, given)
    if not script and not as_json and sys.stdin.isatty():
        Shell(context, packages.cache() / HISTORY).cmdloop()
        return
    played = play(context, script or map(str.rstrip, sys.stdin))
    if as_json:
        print(json.dumps(_told(context, said)))
    if not played or context.faults:
        raise typer.Exit(1)


def play(context: Context, lines: Iterable[str]) -> bool:
    """Run lines, each said after the prompt, up to one that can't be run; whether there was none."""
    for line in lines:
        context.say(f"{PROMPT}{line}")
        try:
            if execute(context, line):
                break
        except BadCommand as error:
            context.say(str(error))
            return False
    return True


def _told(context: Context, said: Iterable[str]) -> dict[str, Any]:
    """A session for JSON: each command with the lines of its answer, what was said before the first, and the faults."""
    begun = list[str]()
    answers, lines = list[dict[str, Any]](), begun
    for line in said:
        if line.startswith(PROMPT):
            lines = list[str]()
            answers.append({"command": line.removeprefix(PROMPT), "answer": lines})
        else:
            lines.append(line)
    debugger = context.debugger
    reached = {"done": debugger.run.at, "moments": len(debugger.program.moments)}
    return {"begun": begun, "answers": answers, "faults": context.faults, **reached}


def _from_store(model: str, target: str, feeds: Path | None, sample: int) -> Given:
    """What builds is imported only where it may have to."""
    from pipeline.debugger.stored import from_store

    return from_store(model, target, feeds, sample)


def _begin(context: Context, given: Given) -> None:
    """Say what is debugged, and stop where it isn't as it should be."""
    model = given.model
    records = sum(len(core.tiu) + len(core.gdma) for core in model.cores)
    hosted = f", {len(model.host)} ops of the host" if model.host else ""
    cores = f"{len(model.cores)} cores, " if model.others else ""
    context.say(f"{model.chip.name} {model.mode}: {cores}{records:,} records{hosted}, {len(model.layers)} layers")
    context.say(f"fed {given.fed}")
    if given.wanted is not None:
        reference = context.debugger.hold_against(given.wanted)
        made = context.debugger.add(stops.at_mismatch(reference))
        context.say(f"breakpoint {made.number}: a tensor unlike the {len(reference.arrays)} given results")
        if found := reference.check(None):
            context.say(str(found))
            context.fault(str(found))
    context.lines(show.where(context))
