"""
The report on one model for one target: a notebook, run on request, and the page made of it.

Made once for each state of template, sources and artifacts, and kept in the store beside them: `report.ipynb`,
`report.html`, and `report.json` with what the template is told besides the artifacts. No other asset needs it and the
job `build` leaves it out; it has a job of its own.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from assets.figures import plotting_code
from assets.flow import ABOUT, STAGE_ASSETS
from assets.notebooks.facts import INPUTS, facts
from assets.notebooks.failure import CellFailed
from assets.partitions import MODEL_TARGET, split
from assets.stage import OWNERS
from assets.told import VERSION_LENGTH
from assets.workshop import Workshop
from compiler.build import hashes
from compiler.build.builder import Builder, partition_of
from compiler.build.flow import Settings, Target
from compiler.build.keys import Closure, Recipe
from compiler.build.store import Record

NAME = "notebook"
"""The asset, and what a partition shows the report as."""

TEMPLATE = Path(__file__).parent / "notebooks" / "report.py"

MODULES = ("assets.notebooks.report", "assets.notebooks.write")
"""The template with all it imports, and what runs it: the code that decides the report's bytes."""


def closure() -> Closure:
    """All sources and packages that take part in a report."""
    code = plotting_code()
    return Closure({name: held for module in MODULES for name, held in code.closure(module).items()})


CODE_VERSION = closure().digest[:VERSION_LENGTH]
"""Of the sources as they were when this process began."""


def report(
    builder: Builder,
    settings: Settings,
    target: Target,
    records: Mapping[str, Record],
    template: Path = TEMPLATE,
) -> Record:
    """The report on the records of INPUTS, made now if the store has none. Raises CellFailed, SourceChanged."""
    told = facts(builder.stages, ABOUT, settings, target, records)
    names = {"model": settings.name, "target": str(target)}
    given = {"facts": hashes.of_value(told), "template": hashes.of_file(template)}
    inputs = {name: records[name].ref for name in INPUTS}
    recipe = Recipe(NAME, closure(), {**names, **given}, {name: ref.hash for name, ref in inputs.items()})

    def make(out: Path) -> dict[str, Any]:
        from assets.notebooks.write import write

        write(template, {name: builder.store.bring(ref) for name, ref in inputs.items()}, told, names, out)
        for module in MODULES:
            plotting_code().verify(module)
        return {"excerpt": _excerpt(told, records)}

    return builder.store.build(recipe.key, recipe.plain(), make)


def _excerpt(told: Mapping[str, Any], records: Mapping[str, Record]) -> str:
    """The figures that matter most as a Markdown table, and the checks that fail."""
    costs, likeness, scored = (records[name].metadata for name in ("profile", "comparison", "accuracy"))
    score = f"{scored['accuracy']:.4f} (float {scored['accuracy_float']:.4f})" if "accuracy" in scored else "not scored"
    figures = {
        "cycles": f"{costs['cycles']:,}",
        "cycles / bound": f"{costs['cycles_over_bound']:.3f}",
        "DDR bytes": f"{costs['ddr_bytes']:,}",
        "SQNR, dB": f"{likeness['sqnr_db']:.1f}",
        "accuracy": score,
    }
    failing = [check["check"] for check in told["checks"] if not check["passed"]]
    lines = [f"| {' | '.join(row)} |" for row in (figures, ["---"] * len(figures), figures.values())]
    held = f"All {len(told['checks'])} checks hold."
    return "\n".join([*lines, "", f"Failing checks: {', '.join(failing)}." if failing else held])


def _records(workshop: Workshop, partition: str) -> dict[str, Record]:
    """The records of what the partition shows. Raises LookupError naming what was never built, or was collected."""
    store, found = workshop.builder.store, dict[str, Record]()
    for name in INPUTS:
        ref, held = store.read(partition, name), store.shown(partition, name)
        record = store.get(held.key) if held else None
        if record is None or record.ref != ref:
            raise LookupError(f"{partition} no longer shows the {name} that was there: build it again")
        found[name] = record
    return found


@dg.asset(
    name=NAME,
    deps=INPUTS,
    partitions_def=MODEL_TARGET,
    required_resource_keys={"workshop"},
    code_version=CODE_VERSION,
    group_name="results",
    kinds={"jupyter"},
    owners=list(OWNERS),
    description="What a compiler engineer wants on one page: a notebook over the artifacts, and its page in HTML.",
)
def notebook(context: dg.AssetExecutionContext):
    """Run the template over what the partition shows, or find its report in the store."""
    workshop: Workshop = context.resources.workshop
    model, target = split(context.partition_key)
    partition, builder = partition_of(model, target), workshop.builder
    workshop.listener.started(NAME)
    try:
        record = report(builder, builder.zoo.settings(model), target, _records(workshop, partition))
    except (CellFailed, LookupError) as failure:
        told = f"{partition}, {NAME}: {failure}"
        raise dg.Failure(told, allow_retries=False, metadata={"reason": str(failure)}) from failure
    builder.store.point(partition, NAME, record)
    workshop.listener.finished(NAME, record)
    metadata: dict[str, dg.MetadataValue[Any]] = {
        "summary": dg.MetadataValue.md(record.metadata["excerpt"]),
        "notebook": dg.MetadataValue.notebook(str(record.ref.path / "report.ipynb")),
        "page": dg.MetadataValue.path(record.ref.path / "report.html"),
        "seconds": dg.MetadataValue.float(record.metadata["seconds"]),
    }
    context.add_asset_metadata(metadata, partition_key=context.partition_key)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(record.ref.hash[:VERSION_LENGTH]),
        tags={"tpuflow/key": record.key[:VERSION_LENGTH], "tpuflow/cache": "hit" if record.hit else "miss"},
    )


ASSETS = (notebook,)

# A job called as an asset is cannot be told from the asset's step: no code server loads it.
JOB = dg.define_asset_job(
    "write_notebook",
    selection=dg.AssetSelection.assets(*(asset.key for asset in (*STAGE_ASSETS.values(), *ASSETS))),
    description="The report on one model for one target, over artifacts that are built first where they are missing.",
    executor_def=dg.in_process_executor,
)


def definitions(workshop: Workshop) -> dg.Definitions:
    """The asset and its job, for the code location; resources are those of the flow."""
    return dg.Definitions(assets=[*ASSETS], jobs=[JOB])
