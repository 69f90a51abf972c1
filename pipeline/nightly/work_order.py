"""Planning as an asset: what there is to do, partition by partition, before any run is launched."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import dagster as dg
from dagster import DagsterInstance, DagsterRun
from pydantic import Field

from assets.metadata import table
from assets.partitions import MODELS
from assets.report import order
from assets.report.asset import GROUP
from assets.report.order import ORDER_TAG, Order, Task
from assets.workshop import Workshop
from compiler.build.builder import Builder, partition_of
from compiler.build.flow import TARGETS, Target
from compiler.build.plan import Action, Step, plan
from compiler.build.shared import looking_ahead
from pipeline.sync import sync

RETRY_NUMBER = "dagster/retry_number"
"""On runs that Dagster itself started again."""


class WorkConfig(dg.Config):
    """What to look at, and what follows."""

    models: list[str] = Field(default=[], description="Models to look at; none: all of the zoo.")
    targets: list[str] = Field(default=[], description="Targets, <chip>-<mode>; none: all there are.")
    goals: list[str] = Field(default=[], description="Only what leads to these stages; none: every stage.")
    reason: str = Field(default="rebuild", description="Why, for the tags of the runs.")
    report: bool = Field(default=False, description="Whether a report follows when all runs are over.")
    patience_hours: float = Field(
        default=6.0, gt=0, description="A report is made without the runs of which nothing was heard for so long."
    )


@dg.asset(
    group_name=GROUP,
    kinds={"json"},
    required_resource_keys={"workshop"},
    description="What the last planning found to do: a run is launched for each partition in it, and for no other.",
)
def work_order(context: dg.AssetExecutionContext, config: WorkConfig):
    """Plan every partition and write the order; the sensor `dispatch` launches its runs. Raises Failure."""
    workshop: Workshop = context.resources.workshop
    builder = workshop.builder
    models, targets = _chosen(builder, config)
    context.instance.add_dynamic_partitions(str(MODELS.name), models)
    found = _found(builder, config, models, targets)
    _synced(context.instance, workshop, found)
    made = order.save(builder.store, _order(config, found, order_id(context.run)))
    counts = {"partitions": len(made.partitions), "work": len(made.work), "unchanged": len(made.unchanged)}
    shown: dict[str, dg.RawMetadataValue] = {**counts, "broken": len(made.broken), "reason": made.reason}
    if made.work:
        rows = [{"partition": it.partition, "first_stage": it.stage, "because": it.because} for it in made.work]
        shown["work_table"] = table(rows)
    if made.broken:
        shown["broken_table"] = table([{"partition": name, "problem": text} for name, text in made.broken.items()])
    return dg.MaterializeResult(value=counts, metadata=shown, tags={ORDER_TAG: made.id})


def order_id(run: DagsterRun) -> str:
    """
    The id of the order that a planning run writes: its tag's, or one of its own.

    Where Dagster started a lost run again it is the same order; where a person did, it is another one.
    """
    again = RETRY_NUMBER in run.tags
    origin = (run.root_run_id or run.run_id) if again else run.run_id
    tagged = run.tags.get(ORDER_TAG)
    if tagged is None:
        return f"order-{origin[:8]}"
    return tagged if again or run.parent_run_id is None else f"{tagged}-{origin[:8]}"


def _chosen(builder: Builder, config: WorkConfig) -> tuple[list[str], list[str]]:
    """The models and targets that are meant. Raises Failure naming those there are not."""
    known = {"models": list(builder.zoo.names()), "targets": list(TARGETS), "goals": list(builder.stages)}
    for what, names in known.items():
        given: Sequence[str] = getattr(config, what)
        if unknown := sorted(set(given) - set(names)):
            raise dg.Failure(
                f"{what}: there is no {', '.join(unknown)}; there are {', '.join(names)}", allow_retries=False
            )
    return config.models or known["models"], config.targets or known["targets"]


@dataclass
class Found:
    """What planning came to, by partition."""

    work: list[Task] = field(default_factory=list[Task])
    unchanged: list[tuple[str, Target]] = field(default_factory=list[tuple[str, Target]])
    broken: dict[str, str] = field(default_factory=dict[str, str])


def _found(builder: Builder, config: WorkConfig, models: Sequence[str], targets: Sequence[str]) -> Found:
    """Plan each partition; one that can't be is `broken` with the reason, and stops no other."""
    found = Found()
    partitions = [(model, Target.parse(target)) for model in models for target in targets]
    with looking_ahead(builder.store, [partition_of(*one) for one in partitions]):
        for model, target in partitions:
            try:
                steps = plan(builder, builder.zoo.settings(model), target, config.goals or None)
            except Exception as error:
                found.broken[partition_of(model, target)] = f"{type(error).__name__}: {error}"
                continue
            due = [step for step in steps if step.action is not Action.NOTHING]
            if due and (config.goals or any(step.action is not Action.REPOINT for step in due)):
                found.work.append(_task(model, target, due))
            else:
                found.unchanged.append((model, target))
    return found


def _synced(instance: DagsterInstance, workshop: Workshop, found: Found) -> None:
    """Have the event log say what the store says; where that fails of one partition, it is broken, not the others."""
    partitions = [*found.unchanged, *((task.model, Target.parse(task.target)) for task in found.work)]
    try:
        sync(instance, workshop, partitions)
    except Exception:
        for model, target in partitions:
            try:
                sync(instance, workshop, [(model, target)])
            except Exception as error:
                found.broken[partition_of(model, target)] = f"{type(error).__name__}: {error}"
    found.unchanged = [it for it in found.unchanged if partition_of(*it) not in found.broken]
    found.work = [task for task in found.work if task.partition not in found.broken]


def _order(config: WorkConfig, found: Found, name: str) -> Order:
    return Order(
        name,
        config.reason,
        datetime.now(UTC).isoformat(timespec="seconds"),
        config.report,
        config.goals,
        found.work,
        [partition_of(*partition) for partition in found.unchanged],
        found.broken,
        config.patience_hours,
    )


def _task(model: str, target: Target, due: Sequence[Step]) -> Task:
    """Named for the first stage that has to run; if none has, for the first that has to be pointed again."""
    first = next((step for step in due if step.action is Action.RUN), due[0])
    return Task(model, str(target), first.stage, first.reason or first.action.value)
