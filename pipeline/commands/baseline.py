"""`tpuflow baseline`: the only way the baseline moves."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import dagster as dg
from dagster import DagsterInstance

from assets.metadata import table as shown_table
from assets.report import baseline
from assets.report.accept import objections
from assets.report.baseline import Accepted, Baseline
from assets.report.built import Figures, figures_of
from assets.report.metrics import METRICS
from assets.workshop import Workshop
from compiler.build import hashes
from compiler.build.builder import partition_of
from compiler.build.store import Store
from pipeline.display import CONSOLE, table
from pipeline.instance import home, open_instance
from pipeline.sync import built


class NothingChosen(Exception):
    """No partition is both chosen and there; the message says what to do."""


class Refused(Exception):
    """Partitions that were not accepted; the message names each with its reasons."""


def accept(models: Sequence[str], targets: Sequence[str], anyway: bool) -> None:
    """Accept what the chosen partitions show and print each figure that moves. Raises Refused, NothingChosen."""
    workshop = Workshop()
    builder, instance = workshop.builder, _instance(workshop)
    chosen = [(m, t) for m, t in built(workshop) if _is_in(m, models) and _is_in(str(t), targets)]
    if not chosen:
        raise NothingChosen("nothing of that was built; build it first, or look at `tpuflow zoo list`")
    against = {partition_of(m, t): list(objections(builder, instance, m, t)) for m, t in chosen}
    refused = [line for lines in against.values() for line in lines] if not anyway else []
    now = datetime.now(UTC).isoformat(timespec="seconds")
    fresh = {
        partition: Accepted(now, builder.store.refs(partition))
        for partition, lines in against.items()
        if anyway or not lines
    }
    moved = _moved(builder.store, baseline.load(builder.store), fresh)
    if fresh:
        _tell(instance, builder.store, baseline.move(builder.store, fresh), moved)
    if moved:
        CONSOLE.print(table(moved))
    CONSOLE.print(f"accepted {len(fresh)} of {len(chosen)} partitions; {len(moved)} figures are new or moved")
    if refused:
        raise Refused("\n".join([*refused, "not accepted; --anyway does it all the same"]))


def show(models: Sequence[str], targets: Sequence[str]) -> None:
    """Print what was accepted, and when."""
    store = Workshop().builder.store
    rows = [
        {"partition": partition, "accepted": held.when, **_texts(figures_of(store, held.built))}
        for partition, held in sorted(_chosen(baseline.load(store), models, targets))
    ]
    if not rows:
        raise NothingChosen("no such partition has a baseline; `tpuflow baseline accept` takes one")
    CONSOLE.print(table(rows))


def forget(models: Sequence[str], targets: Sequence[str]) -> None:
    """Drop the chosen partitions; without a choice nothing is dropped."""
    workshop = Workshop()
    store = workshop.builder.store
    gone = [name for name, _ in _chosen(baseline.load(store), models, targets)] if models or targets else []
    if not gone:
        raise NothingChosen("nothing to forget: name a model or a target that `tpuflow baseline show` lists")
    _tell(_instance(workshop), store, baseline.move(store, {}, gone), [])
    CONSOLE.print(f"forgot {', '.join(sorted(gone))}")


def _chosen(held: Baseline, models: Sequence[str], targets: Sequence[str]) -> Iterator[tuple[str, Accepted]]:
    for partition, accepted in held.items():
        model, _, target = partition.partition("/")
        if _is_in(model, models) and _is_in(target, targets):
            yield partition, accepted


def _is_in(name: str, chosen: Sequence[str]) -> bool:
    return not chosen or name in chosen


def _moved(store: Store, before: Baseline, fresh: Baseline) -> list[dict[str, str]]:
    """A row for each figure that is another one from now on."""
    rows: list[dict[str, str]] = []
    for partition, accepted in sorted(fresh.items()):
        old: Figures = figures_of(store, before[partition].built) if partition in before else {}
        new = figures_of(store, accepted.built)
        for metric in METRICS:
            was, now = old.get(metric.name), new.get(metric.name)
            if was != now:
                change = metric.change(was, now) if was is not None else "new"
                rows.append(
                    {
                        "partition": partition,
                        "metric": metric.name,
                        "before": metric.text(was),
                        "after": metric.text(now),
                        "change": change,
                    }
                )
    return rows


def _texts(figures: Mapping[str, float]) -> dict[str, str]:
    return {metric.name: metric.text(figures.get(metric.name)) for metric in METRICS}


def _instance(workshop: Workshop) -> DagsterInstance | None:
    """The project's instance, where there is one: the command line works without."""
    return open_instance(workshop.builder.zoo) if (home() / "dagster.yaml").exists() else None


def _tell(instance: DagsterInstance | None, store: Store, held: Baseline, moved: Sequence[Mapping[str, str]]) -> None:
    """Show the baseline's move on its asset."""
    if instance is None:
        return
    keys = {partition: {stage: made.key for stage, made in it.built.items()} for partition, it in sorted(held.items())}
    metadata: dict[str, dg.RawMetadataValue] = {
        "partitions": len(held),
        "moved_figures": len(moved),
        "path": dg.MetadataValue.path(str(store.inner / baseline.PLACE)),
    }
    if moved:
        metadata["moved"] = shown_table(moved)
    tags = {"dagster/data_version": hashes.of_value(keys)[:16]}
    instance.report_runless_asset_event(dg.AssetMaterialization("baseline", metadata=metadata, tags=tags))
