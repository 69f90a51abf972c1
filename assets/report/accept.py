"""Whether what a partition shows may become its baseline."""

from collections.abc import Iterator, Mapping

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

from assets.partitions import key_of
from assets.report.night import missed_of
from assets.report.outcome import BUILD_JOB
from compiler.build.builder import Builder, partition_of
from compiler.build.flow import SOURCES, Target


def objections(builder: Builder, instance: DagsterInstance | None, model: str, target: Target) -> Iterator[str]:
    """One line a reason not to accept the partition; none if it is whole, of one build, and every check holds."""
    partition = partition_of(model, target)
    shown = builder.store.refs(partition)
    absent = [stage.name for stage in builder.wanted() if stage.name not in shown]
    gone = [name for name, made in shown.items() if builder.store.get(made.key) is None]
    if absent or gone:
        yield f"{partition}: not built: {', '.join([*absent, *gone])}"
        return
    if run := _failed_run(instance, str(key_of(model, target))):
        yield f"{partition}: its last build failed (run {run[:8]})"
    yield from _mixed(builder, partition)
    for missed in missed_of(builder, partition, shown, {}):
        yield f"{partition}: check {missed.check} does not hold ({missed.figures})"


def _failed_run(instance: DagsterInstance | None, key: str) -> str:
    """The id of the partition's last run, if that did not succeed."""
    if instance is None:
        return ""
    last = instance.get_runs(RunsFilter(job_name=BUILD_JOB, tags={"dagster/partition": key}), limit=1)
    return last[0].run_id if last and last[0].status in (DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED) else ""


def _mixed(builder: Builder, partition: str) -> Iterator[str]:
    """Stages made from another artifact than the partition shows: a build stopped half-way."""
    shown = builder.store.refs(partition)
    for stage in builder.wanted():
        record = builder.store.get(shown[stage.name].key)
        made_from: Mapping[str, str] = record.recipe.get("inputs", {}) if record else {}
        for name in stage.inputs:
            if name not in SOURCES and name in made_from and made_from[name] != shown[name].object:
                yield f"{partition}: {stage.name} was made from another {name} than is there: build it again"
