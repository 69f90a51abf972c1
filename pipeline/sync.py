"""
Dagster's event log made to say what the store says, without a run.

The store is the truth: builds from the command line, a return to an earlier artifact and a new Dagster home over an old
store are not in the event log. For each stage that a partition shows, the latest materialization has to name the
artifact's hash, the code that made it and the versions that it was made from; where it does not, one is reported. From
these, Dagster derives for each partition what is stale, by the planner's own criteria.
"""

import contextlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice

import dagster as dg

from assets.partitions import MODELS, key_of
from assets.workshop import Workshop
from compiler.build import hashes
from compiler.build.builder import Builder, partition_of
from compiler.build.flow import Target, UnknownTarget
from compiler.build.plan import Action, plan
from compiler.build.shared import looking_ahead
from pipeline.mirror import Mirror, Partition, Verdicts, source_versions

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
"""States of a run that is under way or about to be."""

QUERY = 10_000
"""Names that one query asks for; SQLite takes no more than about three times as many."""


@dataclass(frozen=True)
class Synced:
    """How many artifacts were shown again, materializations and observations reported, and partitions looked into."""

    repointed: int
    materializations: int
    observations: int
    partitions: int


def sync(instance: dg.DagsterInstance, workshop: Workshop, partitions: Iterable[Partition]) -> Synced:
    """
    Show again what only has to be shown again, in the partitions where nothing has to run; then `mirror` all.

    A partition that a run is at work on is left to it: what it shows must not change between two stages.
    """
    builder, wanted = workshop.builder, list(partitions)
    busy = {run.tags.get("dagster/partition") for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))}
    idle = [one for one in wanted if str(key_of(*one)) not in busy]
    with looking_ahead(builder.store, [partition_of(*one) for one in idle]):
        elsewhere = {one: count for one in idle if (count := _shown_otherwise(builder, *one))}
    for model, target in elsewhere:
        builder.build(builder.zoo.settings(model), target)
    return replace(mirror(instance, workshop, wanted), repointed=sum(elsewhere.values()))


def mirror(instance: dg.DagsterInstance, workshop: Workshop, partitions: Iterable[Partition]) -> Synced:
    """Report what the event log lacks of what the partitions show; those that are as they were last are passed over."""
    wanted = {f"tpuflow/mirrored/{key_of(*one)}": one for one in partitions}
    with looking_ahead(workshop.builder.store, [partition_of(*one) for one in wanted.values()]):
        states = dict(zip(wanted, _states(workshop, wanted.values()), strict=True))
    seen = _seen(instance, states)
    due = [name for name, state in states.items() if state not in seen]
    instance.add_dynamic_partitions(str(MODELS.name), sorted({wanted[name][0] for name in due}))
    materializations = observations = 0
    verdicts = Verdicts(instance)
    for name in due:
        partition = Mirror(instance, workshop, wanted[name], verdicts)
        observations += partition.observe()
        materializations += partition.report()
        instance.daemon_cursor_storage.set_cursor_values({name: states[name]})
    return Synced(0, materializations, observations, len(wanted))


def built(workshop: Workshop) -> list[Partition]:
    """The partitions that the store shows anything of, where there still are such a model and target."""
    models, found = set(workshop.builder.zoo.names()), list[Partition]()
    for name in workshop.builder.store.names("refs"):
        model, _, target = name.removeprefix("refs/").removesuffix(".json").rpartition("/")
        with contextlib.suppress(UnknownTarget):
            found += [(model, Target.parse(target))] if model in models else []
    return found


def _shown_otherwise(builder: Builder, model: str, target: Target) -> int:
    """How many artifacts only have to be shown again; 0 where any has to be made, which a run does."""
    actions = [step.action for step in plan(builder, builder.zoo.settings(model), target)]
    return actions.count(Action.REPOINT) if {Action.NOTHING, Action.REPOINT}.issuperset(actions) else 0


def _states(workshop: Workshop, partitions: Iterable[Partition]) -> Iterator[str]:
    """For each partition, a hash over all that the event log has to say of it."""
    builder = workshop.builder
    settings = cache(builder.zoo.settings)
    for model, target in partitions:
        held = settings(model)
        unwanted = [stage for stage in builder.flow if stage.params(held, target) is None]
        yield hashes.of_value(
            {
                "partition": partition_of(model, target),
                "shown": {name: list(it) for name, it in builder.store.refs(partition_of(model, target)).items()},
                "sources": source_versions(workshop, held, target),
                "code": {stage.name: builder.code.digest(stage.module) for stage in unwanted},
            }
        )


def _seen(instance: dg.DagsterInstance, names: Collection[str]) -> set[str]:
    """The states that these partitions were last mirrored in."""
    found, left = set[str](), iter(names)
    while batch := set(islice(left, QUERY)):
        found.update(instance.daemon_cursor_storage.get_cursor_values(batch).values())
    return found
