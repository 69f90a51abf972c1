"""`tpuflow build`: the stages of the assets, without a run of Dagster."""

import json
from collections.abc import Sequence

from assets.workshop import Workshop
from compiler.build.builder import partition_of
from compiler.build.flow import Target, needed
from compiler.build.plan import Action, plan
from pipeline.display import CONSOLE, BuildBars, bars, table
from pipeline.summary import summary


def build(models: Sequence[str], targets: Sequence[str], goals: Sequence[str], as_json: bool) -> None:
    """Build every model for every target and print a row for each. Raises StageFailed."""
    builder = Workshop().builder
    wanted = [(builder.zoo.settings(model), Target.parse(target)) for model in models for target in targets]
    stages = needed(builder.flow, goals or list(builder.stages))
    with bars() as display:
        listener = BuildBars(display, len(wanted) * len(stages))
        for settings, target in wanted:
            listener.enter(partition_of(settings.name, target))
            builder.build(settings, target, goals or None, listener)
    rows = [{"build": name, **summary(records)} for name, records in listener.records.items()]
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    shown = [
        {name: value for name, value in row.items() if any(other[name] is not None for other in rows)} for row in rows
    ]
    CONSOLE.print(table(shown))
    CONSOLE.print(f"artifacts: {builder.store.root}/<model>/<target>/")


def explain(models: Sequence[str], targets: Sequence[str], goals: Sequence[str]) -> None:
    """Print what a build would run, and why, without running anything."""
    builder = Workshop().builder
    rows: list[dict[str, str]] = []
    for model in models:
        for target in map(Target.parse, targets):
            steps = plan(builder, builder.zoo.settings(model), target, goals or None)
            due = [step for step in steps if step.action is not Action.NOTHING]
            name = partition_of(model, target)
            rows += [{"build": name, "stage": s.stage, "action": s.action.value, "because": s.reason} for s in due]
            if not due:
                rows.append({"build": name, "stage": "all", "action": Action.NOTHING.value, "because": "up to date"})
    CONSOLE.print(table(rows))
