"""
An asset around one stage of the flow: name, inputs and parameters from the table, the rest for people.

What travels between stages is what the partition shows in the store; nothing is loaded but by the stage that reads it.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

import dagster as dg
from pydantic import ValidationError

from assets.about import About
from assets.code import code_references
from assets.errors import addressed
from assets.knobs import KNOBS
from assets.partitions import MODEL_TARGET, split
from assets.progress import Lines
from assets.sources import sources_of
from assets.told import VERSION_LENGTH, told
from assets.workshop import Workshop
from assets.zoo.packages import PackageUnavailable
from compiler.build.builder import StageFailed, partition_of
from compiler.build.flow import SOURCES, Settings, Stage, Target
from compiler.build.keys import Code
from compiler.build.store import Record, Ref

OWNERS = ("team:compiler",)


def stage_asset(stage: Stage, code: Code, about: About) -> dg.AssetsDefinition:
    """The asset of a stage; a run of it makes the stage's record, or finds it in the store."""
    made = [name for name in stage.inputs if name not in SOURCES]

    def body(context: dg.AssetExecutionContext):
        workshop: Workshop = context.resources.workshop
        store = workshop.builder.store
        model, target = split(context.partition_key)
        partition = partition_of(model, target)
        with _said():
            settings = _turned(stage, workshop.builder.zoo.settings(model), target, context)
            workshop.listener.started(stage.name)
            upstream = {name: store.read(partition, name) for name in made}
            record = _make(workshop, stage, settings, target, upstream, Lines(stage.name, context.log))
            store.point(partition, stage.name, record)
        workshop.listener.finished(stage.name, record)
        say = told(workshop.builder, stage, about, settings, target, record, upstream)
        # Metadata of the result would be kept twice, with the step's output as well.
        context.add_asset_metadata(say.metadata, partition_key=context.partition_key)
        return dg.MaterializeResult(data_version=dg.DataVersion(say.version), check_results=say.checks, tags=say.tags)

    knobs = KNOBS[stage.knobs] if stage.knobs else None
    return dg.asset(
        name=stage.name,
        deps=[*made, *sources_of(stage)],
        partitions_def=MODEL_TARGET,
        required_resource_keys={"workshop"},
        code_version=code.digest(stage.module)[:VERSION_LENGTH],
        group_name=about.group,
        kinds=set(about.kinds),
        owners=list(OWNERS),
        description=about.description,
        metadata=code_references(stage, about.figures),
        config_schema=knobs.to_fields_dict() if knobs else None,
        check_specs=[check.spec(stage.name) for check in about.checks],
        pool=about.pool,
    )(body)


def _turned(stage: Stage, settings: Settings, target: Target, context: dg.AssetExecutionContext) -> Settings:
    """The settings with what the run's configuration changes of them. Raises Failure naming the field."""
    if stage.knobs is None:
        return settings
    try:
        return KNOBS[stage.knobs](**context.op_execution_context.op_config).applied(settings, target)
    except ValidationError as error:
        raise dg.Failure(f"the configuration of {stage.name}: {error}", allow_retries=False) from error


def _make(
    workshop: Workshop,
    stage: Stage,
    settings: Settings,
    target: Target,
    upstream: Mapping[str, Ref],
    lines: Callable[[int, int], None],
) -> Record:
    builder, inputs = workshop.builder, dict(upstream)

    def progress(done: int, total: int) -> None:
        workshop.listener.progress(stage.name, done, total)
        lines(done, total)

    reads = stage.reads(stage.params(settings, target))
    inputs |= {name: builder.source(settings.name, name) for name in reads if name in SOURCES}
    return builder.run(stage, settings, target, inputs, progress)


@contextmanager
def _said() -> Generator[None]:
    """Errors that are meant for people as failures with their message alone; a fault of the program as it is."""
    try:
        yield
    except StageFailed as failure:
        raise dg.Failure(str(failure), allow_retries=False, metadata={"reason": str(failure.cause)}) from failure
    except Exception as error:
        if (message := addressed(error)) is None:
            raise
        # What can't be fetched now may be had later.
        raise dg.Failure(message, allow_retries=isinstance(error, PackageUnavailable)) from error
