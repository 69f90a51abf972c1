"""What a build would run, and why: from the keys alone, in flow order, without running or fetching anything."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from compiler.build import hashes
from compiler.build.builder import Builder, Sources, partition_of
from compiler.build.explain import explain
from compiler.build.flow import SOURCES, Settings, Target
from compiler.build.store import Ref

EMPTY = Ref(hashes.of_value([]), Path())
"""The artifact of a stage that its target has no use for; it is the same before and after it is made."""


class Action(Enum):
    """What a build would do about a stage."""

    NOTHING = "nothing"
    REPOINT = "re-point"
    """The artifact is in the store, but the partition shows another one."""
    RUN = "run"
    MAYBE = "maybe"
    """A stage before it has to run first; an equal result of that stops there."""


@dataclass(frozen=True)
class Step:
    """One stage of a plan. `key` names its record, unless that waits for a stage before it."""

    stage: str
    action: Action
    reason: str = ""
    key: str | None = None


def plan(builder: Builder, settings: Settings, target: Target, goals: Collection[str] | None = None) -> list[Step]:
    """A step for every stage that leads to `goals` (all, if None)."""
    partition, store = partition_of(settings.name, target), builder.store
    shown = store.refs(partition)
    sources = Sources(builder, settings.name) if builder.zoo.present(settings.name) else None
    have: dict[str, Ref] = {}
    late: set[str] = set()
    steps: list[Step] = []

    def step(stage: str, action: Action, reason: str = "", key: str | None = None) -> None:
        steps.append(Step(stage, action, reason, key))
        if action in (Action.RUN, Action.MAYBE):
            late.add(stage)

    for stage in builder.wanted(goals):
        params = stage.params(settings, target)
        reads = stage.reads(params)
        if any(name in SOURCES for name in reads) and sources is None:
            step(stage.name, Action.RUN, "its files have not been fetched")
            continue
        if waits := [name for name in reads if name in late]:
            step(stage.name, Action.MAYBE, f"after {', '.join(waits)}")
            continue
        inputs = {name: have[name] if name in have or sources is None else sources[name] for name in reads}
        recipe = builder.recipe_of(stage, params, inputs)
        key = recipe.key
        record = store.get(key)
        if record is None and params is not None:
            step(stage.name, Action.RUN, explain(store, partition, stage.name, recipe, shown), key)
            continue
        have[stage.name] = record.ref if record else EMPTY
        seen = shown.get(stage.name)
        if seen == (key, have[stage.name].hash):
            step(stage.name, Action.NOTHING, key=key)
        elif seen is None:
            step(stage.name, Action.REPOINT, "made before, not yet shown here", key)
        else:
            why = explain(store, partition, stage.name, recipe, shown)
            step(stage.name, Action.REPOINT, f"the partition shows another version: {why}", key)
    return steps
