"""An asset around one stage of the flow: name, inputs and parameters from the table, the rest for people."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from assets.checks import Check
from assets.figures import Figure, drawn
from assets.metadata import shown
from assets.partitions import MODEL_TARGET, split
from assets.sources import SOURCE_ASSETS
from assets.workshop import Workshop
from assets.zoo.packages import PackageUnavailable
from compiler.build.builder import StageFailed
from compiler.build.flow import SOURCES, Settings, Stage, Target
from compiler.build.keys import Code
from compiler.build.store import Record, Ref

OWNERS = ("team:compiler",)


@dataclass(frozen=True)
class About:
    """What the UI says of an asset, and what it shows and checks there."""

    group: str
    kinds: Collection[str]
    description: str
    figures: Sequence[Figure] = ()
    checks: Sequence[Check] = ()


def stage_asset(stage: Stage, code: Code, about: About) -> dg.AssetsDefinition:
    """The asset of a stage; a run of it makes the stage's record, or finds it in the store."""
    inputs = [name for name in stage.inputs if name not in SOURCES]
    sources = [name for name in stage.inputs if name in SOURCES]

    @dg.asset(
        name=stage.name,
        ins={name: dg.AssetIn(name) for name in inputs},
        deps=[SOURCE_ASSETS[name] for name in sources],
        partitions_def=MODEL_TARGET,
        io_manager_key="store_io",
        required_resource_keys={"workshop"},
        code_version=code.digest(stage.module)[:16],
        group_name=about.group,
        kinds=set(about.kinds),
        owners=list(OWNERS),
        description=about.description,
        check_specs=[check.spec(stage.name) for check in about.checks],
    )
    def body(context: dg.AssetExecutionContext, **upstream: Ref):
        workshop: Workshop = context.resources.workshop
        model, target = split(context.partition_key)
        settings = workshop.builder.zoo.settings(model)
        wanted = stage.params(settings, target) is not None
        tolerance = settings.tolerance.get(target.mode, {})
        workshop.listener.started(stage.name)
        start = time.perf_counter()
        record = _make(workshop, stage, settings, target, upstream)
        elapsed = time.perf_counter() - start
        workshop.listener.finished(stage.name, record)
        pictures = drawn(workshop.builder, about.figures, stage.name, record, upstream) if wanted else {}
        return dg.MaterializeResult(
            value=record,
            data_version=dg.DataVersion(record.ref.hash[:16]),
            metadata={
                **shown(record.metadata),
                **pictures,
                "look_up_seconds": elapsed if record.hit else 0.0,
                "path": dg.MetadataValue.path(record.ref.path),
            },
            check_results=[check.result(record.metadata, tolerance, wanted=wanted) for check in about.checks],
            tags={"tpuflow/key": record.key[:16], "tpuflow/cache": "hit" if record.hit else "miss"},
        )

    return body


def _make(workshop: Workshop, stage: Stage, settings: Settings, target: Target, upstream: Mapping[str, Ref]) -> Record:
    builder = workshop.builder
    inputs = dict(upstream)
    try:
        if stage.params(settings, target) is not None:
            inputs |= {name: builder.source(settings.name, name) for name in stage.inputs if name in SOURCES}
        return builder.run(
            stage, settings, target, inputs, lambda done, total: workshop.listener.progress(stage.name, done, total)
        )
    except StageFailed as failure:
        raise dg.Failure(str(failure), allow_retries=False, metadata={"reason": str(failure.cause)}) from failure
    except PackageUnavailable as failure:
        raise dg.Failure(str(failure), allow_retries=True, metadata={"reason": str(failure)}) from failure
