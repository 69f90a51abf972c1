"""
One process of `bench incremental`: reads a job as JSON on standard input, does it, prints what happened as JSON.

A job is `{"action", "partitions": [[model, target], …]}`; a build also takes `changes`, as `--set` has them, and
`hang_in`, a stage in which it says `begun` and then never ends, to be killed.
"""

import importlib
import json
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from assets.workshop import Workshop
from compiler.build.builder import Builder, Sources, partition_of
from compiler.build.flow import SOURCES, Settings, Stage, Target
from compiler.build.plan import Action, Step, plan
from compiler.build.store import Metadata, Ref
from pipeline.commands.changes import applied, knobs_of

PASSES = 5
"""Plans of each partition after the first, of which the middle one counts."""

METADATA_BYTES = 8000
"""About as much as a record of the zoo holds."""

Wanted = Sequence[tuple[Settings, Target]]


def build(builder: Builder, wanted: Wanted, job: Mapping[str, Any]) -> dict[str, Any]:
    """By partition, the stages that something was due for, those that ran, and how long each took when it did."""
    if hanging := job.get("hang_in"):
        _hang(builder.stages[hanging])
    told: dict[str, Any] = {}
    for settings, target in wanted:
        due = _due(plan(builder, settings, target))
        records = builder.build(settings, target)
        told[partition_of(settings.name, target)] = {
            "due": due,
            "ran": [name for name, record in records.items() if not record.hit],
            "seconds": {name: record.metadata["seconds"] for name, record in records.items()},
        }
    return told


def planned(builder: Builder, wanted: Wanted, job: Mapping[str, Any]) -> dict[str, Any]:
    """By partition, the stages that something is due for, and the milliseconds of its first plan and of later ones."""
    told: dict[str, Any] = {}
    for _ in range(1 + PASSES):
        for settings, target in wanted:
            start = time.perf_counter()
            steps = plan(builder, settings, target)
            took = 1e3 * (time.perf_counter() - start)
            held = told.setdefault(partition_of(settings.name, target), {"due": [], "took_ms": []})
            held["due"] = _due(steps)
            held["took_ms"].append(took)
    return told


def recorded(builder: Builder, wanted: Wanted, job: Mapping[str, Any]) -> dict[str, Any]:
    """
    Give every stage the record it would have, with a few bytes for its artifact, and show it; nothing runs.

    A plan reads keys, records, sizes and refs, never what is in an artifact: to a planner this is the built zoo.
    """
    for settings, target in wanted:
        partition, sources = partition_of(settings.name, target), Sources(builder, settings.name)
        have: dict[str, Ref] = {}
        for stage in builder.flow:
            reads = stage.reads(stage.params(settings, target))
            inputs = {name: sources[name] if name in SOURCES else have[name] for name in reads}
            recipe = builder.recipe(stage, settings, target, inputs)
            record = builder.store.build(recipe.key, recipe.plain(), _token(recipe.key, empty=not reads))
            builder.store.point(partition, stage.name, record)
            have[stage.name] = record.ref
    return {}


def models(builder: Builder, wanted: Wanted, job: Mapping[str, Any]) -> dict[str, Any]:
    """The models whose files are here, and those whose are not."""
    there = {name: builder.zoo.present(name) for name in builder.zoo.names()}
    return {"present": [name for name in there if there[name]], "absent": [name for name in there if not there[name]]}


def _due(steps: Sequence[Step]) -> list[str]:
    return [step.stage for step in steps if step.action is not Action.NOTHING]


def _token(key: str, *, empty: bool) -> Callable[[Path], Metadata]:
    def write(out: Path) -> Metadata:
        if empty:
            return {}
        (out / f"artifact.{key[:8]}").write_text(key)
        return {"figures": "x" * METADATA_BYTES}

    return write


def _hang(stage: Stage) -> None:
    """Have a stage tell that it has begun, do its work, and never come back."""
    module: Any = importlib.import_module(stage.module)
    whole = module.run

    def run(*arguments: Any) -> None:
        print("begun", flush=True)
        whole(*arguments)
        signal.pause()

    module.run = run


ACTIONS = {"build": build, "plan": planned, "record": recorded, "models": models}

if __name__ == "__main__":
    given = json.load(sys.stdin)
    makers, knobs = Workshop().builder, knobs_of(given.get("changes", ()))
    pairs = [(makers.zoo.settings(model), Target.parse(target)) for model, target in given["partitions"]]
    pairs = [(applied(settings, target, knobs), target) for settings, target in pairs]
    print(json.dumps(ACTIONS[given["action"]](makers, pairs, given)))
