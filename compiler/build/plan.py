"""What a build would run, and why: from the keys alone, in flow order, without running anything."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from compiler.build import hashes
from compiler.build.builder import Builder, partition_of
from compiler.build.explain import explain
from compiler.build.flow import SOURCES, Settings, Target, needed
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
    """One stage of a plan."""

    stage: str
    action: Action
    reason: str = ""


def plan(builder: Builder, settings: Settings, target: Target, goals: Collection[str] | None = None) -> list[Step]:
    """A step for every stage that leads to `goals` (all, if None)."""
    partition = partition_of(settings.name, target)
    have: dict[str, Ref] = {}
    late: set[str] = set()
    steps: list[Step] = []
    for stage in builder.flow if goals is None else needed(builder.flow, goals):
        wanted = stage.params(settings, target) is not None
        waits = [name for name in stage.inputs if name in late] if wanted else []
        if waits:
            late.add(stage.name)
            steps.append(Step(stage.name, Action.MAYBE, f"after {', '.join(waits)}"))
            continue
        for name in stage.inputs if wanted else ():
            if name in SOURCES and name not in have:
                have[name] = builder.source(settings.name, name)
        recipe = builder.recipe(stage, settings, target, have)
        record = builder.store.get(recipe.key)
        if record is None and wanted:
            late.add(stage.name)
            steps.append(Step(stage.name, Action.RUN, explain(builder.store, partition, stage.name, recipe)))
            continue
        have[stage.name] = record.ref if record else EMPTY
        shown = builder.store.shown(partition, stage.name)
        same = shown is not None and shown[1] == have[stage.name].hash
        steps.append(Step(stage.name, Action.NOTHING if same else Action.REPOINT))
    return steps
