"""The sensor that makes partitions of new models and has them built, and the check that says which files are bad."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from assets.metadata import table
from assets.partitions import MODELS, key_of
from assets.workshop import Workshop
from assets.zoo import record
from assets.zoo.complaint import Fault, shown
from assets.zoo.fields import Record
from compiler.build.flow import Target
from compiler.build.plan import Action, plan
from pipeline import jobs
from pipeline.newcomers.memory import Memory
from pipeline.newcomers.tick import Seen, Tick
from pipeline.sync import sync

ASSET = dg.AssetKey("newcomers")
CHECK = "readable"
SECONDS = 15

newcomers_asset = dg.AssetSpec(
    ASSET,
    group_name="zoo",
    kinds={"onnx", "yaml"},
    owners=["team:compiler"],
    description="The user's own models: records and models' files in `$TPUFLOW_MODELS`, else `my_models`.",
)


@dg.asset_check(asset=ASSET, name=CHECK, description="Every record, and every file that a record names, can be read.")
def readable() -> dg.AssetCheckResult:
    """Look into every record now, whatever was found before."""
    from assets.zoo.examine import faults

    paths = [*sorted(record.RECORDS.glob("*.yaml")), *record.own_records()]
    found = [fault for path in paths for fault in faults(path)]
    return dg.AssetCheckResult(passed=not found, metadata=evidence(found))


@dg.sensor(
    name="newcomers",
    job=jobs.build,
    minimum_interval_seconds=SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Watches the records: a new or changed model is built, a removed one loses its partition.",
)
def newcomers(context: dg.SensorEvaluationContext, workshop: dg.ResourceParam[Workshop]) -> dg.SensorResult:
    """Look once; say what is faulty only when that changed."""
    memory = Memory.read(context.cursor)
    tick = Tick(memory)
    seen = tick.look()
    tick.memory.told = seen.faults
    there = context.instance.get_dynamic_partitions(str(MODELS.name))
    models = set(workshop.builder.zoo.names())
    added = sorted(models.intersection(seen.sound).difference(there))
    removed = sorted(set(seen.removed).intersection(there))
    changed = [(held, content) for held, content in seen.changed if held.name in models]
    requests = _requests(context.instance, workshop, changed)
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else _said(seen),
        cursor=tick.memory.model_dump_json(),
        dynamic_partitions_requests=[
            *([MODELS.build_add_request(added)] if added else []),
            *([MODELS.build_delete_request(removed)] if removed else []),
        ],
        asset_events=[] if seen.faults == memory.told else [_evaluation(seen.faults)],
    )


def evidence(faults: Sequence[Fault]) -> dict[str, dg.MetadataValue[Any] | int | str]:
    """What is wrong, a row each, and where the models lie."""
    rows = [{"file": f.file, "line": f.line, "field": f.field, "wrong": f.reason} for f in faults]
    return {"faults": len(rows), "folder": shown(record.own_folder()), **({"table": table(rows)} if rows else {})}


def _evaluation(faults: Sequence[Fault]) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(ASSET, CHECK, passed=not faults, metadata=evidence(faults))


def _requests(
    instance: dg.DagsterInstance, workshop: Workshop, changed: Sequence[tuple[Record, str]]
) -> list[dg.RunRequest]:
    """A run for each target of each changed model with anything to do; what is only to be shown again is, at once."""
    builder = workshop.builder
    requests: list[dg.RunRequest] = []
    for held, content in changed:
        for name in held.targets:
            target = Target.parse(name)
            actions = {step.action for step in plan(builder, builder.zoo.settings(held.name), target)}
            if actions & {Action.RUN, Action.MAYBE}:
                key, tags = f"{held.name}:{name}:{content}", {"tpuflow/reason": "new or changed model"}
                requests.append(dg.RunRequest(key, partition_key=key_of(held.name, target), tags=tags))
            elif Action.REPOINT in actions:
                sync(instance, workshop, [(held.name, target)])
    return requests


def _said(seen: Seen) -> str:
    """Why nothing is launched."""
    folder = record.own_folder()
    told = [
        f"{len(seen.sound)} models",
        *(["none changed"] if not seen.changed else ["nothing to run for what changed"]),
    ]
    told += [f"{len(seen.faults)} faults, see the check"] if seen.faults else []
    told += [f"waiting for {', '.join(seen.waiting)} to be whole"] if seen.waiting else []
    told += [] if folder.is_dir() else [f"no folder {folder} (yet)"]
    return "; ".join(told)
