"""`tpuflow build`: the stages of the assets, without a run of Dagster."""

import json
from collections.abc import Iterator, Mapping, Sequence

from assets.checks import CHECKS
from assets.workshop import Workshop
from compiler.build.builder import partition_of
from compiler.build.flow import Settings, Stage, Target, needed
from compiler.build.plan import Action, plan
from compiler.build.store import Record
from pipeline.display import CONSOLE, BuildBars, bars, table
from pipeline.summary import summary


class ChecksMissed(Exception):
    """A build is there, but does not do what its record asks; the message names each check and its figures."""


def build(models: Sequence[str], targets: Sequence[str], goals: Sequence[str], as_json: bool) -> None:
    """Build every model for every target and print a row for each. Raises StageFailed, ChecksMissed."""
    builder = Workshop().builder
    wanted = [(builder.zoo.settings(model), Target.parse(target)) for model in models for target in targets]
    stages = needed(builder.flow, goals or list(builder.stages))
    missed: list[str] = []
    with bars() as display:
        listener = BuildBars(display, len(wanted) * len(stages))
        for settings, target in wanted:
            listener.enter(partition_of(settings.name, target))
            records = builder.build(settings, target, goals or None, listener)
            missed += _missed(
                [stage for stage in stages if stage.params(settings, target) is not None], settings, target, records
            )
    _show([{"build": name, **summary(records)} for name, records in listener.records.items()], as_json)
    if not as_json:
        CONSOLE.print(f"artifacts: {builder.store.root}/<model>/<target>/")
    if missed:
        raise ChecksMissed("\n".join(missed))


def _missed(
    stages: Sequence[Stage], settings: Settings, target: Target, records: Mapping[str, Record]
) -> Iterator[str]:
    """The checks that do not hold of what was built, as the assets check it."""
    partition, tolerance = partition_of(settings.name, target), settings.tolerance.get(target.mode, {})
    for stage in stages:
        found = records[stage.name].metadata
        for check in CHECKS.get(stage.name, ()):
            if not check.holds(found, tolerance):
                figures = ", ".join(f"{key} {found[key]}" for key in check.evidence if key in found)
                yield f"{partition}: check {stage.name}:{check.name} does not hold ({figures})"


def _show(rows: Sequence[Mapping[str, object]], as_json: bool) -> None:
    """A row a build, on the console without the columns that none of them fills."""
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    shown = [
        {name: value for name, value in row.items() if any(other[name] is not None for other in rows)} for row in rows
    ]
    CONSOLE.print(table(shown))


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
