"""`tpuflow build`: the stages of the assets, without a run of Dagster."""

import json
from collections.abc import Iterator, Mapping, Sequence

from assets.checks import CHECKS
from assets.workshop import Workshop
from compiler.build.builder import partition_of
from compiler.build.flow import Settings, Stage, Target, Zoo
from compiler.build.plan import Action, plan
from compiler.build.store import Record
from pipeline.build_bars import BuildBars
from pipeline.commands.changes import applied, knobs_of
from pipeline.display import CONSOLE, bars, table
from pipeline.instance import home, open_instance
from pipeline.summary import summary
from pipeline.sync import mirror


class ChecksMissed(Exception):
    """A build is there, but does not do what its record asks; the message names each check and its figures."""


def build(
    models: Sequence[str], targets: Sequence[str], goals: Sequence[str], changes: Sequence[str], as_json: bool
) -> None:
    """
    Build every model for every target and print a row for each; tell Dagster, if there is an instance here.

    Raises BadChange, StageFailed, ChecksMissed.
    """
    workshop = Workshop()
    builder = workshop.builder
    wanted = list(_wanted(builder.zoo, models, targets, changes))
    stages = builder.wanted(goals or None)
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
    _mirror(workshop, wanted)
    if not as_json:
        CONSOLE.print(f"artifacts: {builder.store.root}/<model>/<target>/")
    if missed:
        raise ChecksMissed("\n".join(missed))


def _wanted(
    zoo: Zoo, models: Sequence[str], targets: Sequence[str], changes: Sequence[str]
) -> Iterator[tuple[Settings, Target]]:
    """Each model's settings with each target, as the changes have them."""
    knobs = knobs_of(changes)
    for model in models:
        for target in map(Target.parse, targets):
            yield applied(zoo.settings(model), target, knobs), target


def _mirror(workshop: Workshop, built: Sequence[tuple[Settings, Target]]) -> None:
    """Have Dagster's event log say what the partitions show now."""
    if (home() / "dagster.yaml").is_file():
        mirror(open_instance(workshop.builder.zoo), workshop, [(settings.name, target) for settings, target in built])


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


def explain(models: Sequence[str], targets: Sequence[str], goals: Sequence[str], changes: Sequence[str]) -> None:
    """Print what a build would run, and why, without running or fetching anything. Raises BadChange."""
    builder = Workshop().builder
    rows: list[dict[str, str]] = []
    for settings, target in _wanted(builder.zoo, models, targets, changes):
        steps = plan(builder, settings, target, goals or None)
        due = [step for step in steps if step.action is not Action.NOTHING]
        name = partition_of(settings.name, target)
        rows += [{"build": name, "stage": s.stage, "action": s.action.value, "because": s.reason} for s in due]
        if not due:
            rows.append({"build": name, "stage": "all", "action": Action.NOTHING.value, "because": "up to date"})
    CONSOLE.print(table(rows))
