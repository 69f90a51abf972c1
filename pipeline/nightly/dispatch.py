"""Carries out work orders: a run for each partition in them, and a report when all of them are over."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence

import dagster as dg
from dagster import DagsterInstance, DagsterRunStatus, RunsFilter
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition as AssetJob

from assets.partitions import MODELS, key_of
from assets.report import order
from assets.report.asset import ReportConfig
from assets.report.documents import DamagedDocument
from assets.report.order import ORDER_TAG, REASON_TAG, Order
from assets.report.outcome import BUILD_JOB
from assets.workshop import Workshop
from compiler.build.flow import Target
from pipeline import jobs
from pipeline.sync import UNFINISHED

BATCH = 100
"""Runs that one tick asks for."""

INTERVAL = 10
"""Seconds from tick to tick."""

REPORT_JOB = "report_night"
"""Not `report`: a job may not be called as an asset is."""

RETRY_PAUSE = 600.0
"""Seconds within which Dagster starts a lost run again, if it is going to."""

Cursor = dict[str, int]
"""How many of each open order's runs were asked for."""


def dispatch(workshop: Workshop, report_job: AssetJob) -> dg.SensorDefinition:
    """The sensor. Asking twice for a run launches it once: a run's key is its order and partition."""

    @dg.sensor(
        name="dispatch",
        jobs=[jobs.build, report_job],
        minimum_interval_seconds=INTERVAL,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Launches the runs of open work orders, a batch at a time, and their report at the end.",
    )
    def tick(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        cursor: Cursor = json.loads(context.cursor or "{}")
        found = list(_open_orders(workshop, context))
        if not found:
            return dg.SkipReason("no work order is open")
        asked: list[dg.RunRequest] = []
        kept: Cursor = {}
        for held in found:
            sent = cursor.get(held.id, 0)
            due = held.work[sent : sent + BATCH - len(asked)]
            asked += _requests(workshop, context.instance, held, due)
            kept[held.id] = sent + len(due)
            if kept[held.id] == len(held.work) and not due and not _waits(context.instance, held):
                asked += _conclude(workshop, context.instance, held)
        return dg.SensorResult(run_requests=asked, cursor=json.dumps(kept, sort_keys=True))

    return tick


def _open_orders(workshop: Workshop, context: dg.SensorEvaluationContext) -> Iterator[Order]:
    """Every open order that can be read; one that can't must not hold up the others."""
    store = workshop.builder.store
    for name in order.unfinished(store):
        try:
            held = order.load(store, name)
        except DamagedDocument as error:
            context.log.error(str(error))
            continue
        if held is not None:
            yield held


def _requests(
    workshop: Workshop, instance: DagsterInstance, held: Order, due: Sequence[order.Task]
) -> Iterator[dg.RunRequest]:
    """A run for each task whose model is still there; for one that is not, the report says that none was run."""
    known = set(instance.get_dynamic_partitions(str(MODELS.name))) if due else set[str]()
    stages = workshop.builder.wanted(held.goals) if held.goals else ()
    for task in due:
        if task.model in known:
            yield dg.RunRequest(
                run_key=f"{held.id}:{task.partition}",
                job_name=BUILD_JOB,
                partition_key=key_of(task.model, Target.parse(task.target)),
                tags=_tags(held),
                asset_selection=[dg.AssetKey(stage.name) for stage in stages] or None,
            )


def _tags(held: Order) -> Mapping[str, str]:
    return {ORDER_TAG: held.id, REASON_TAG: held.reason}


def _waits(instance: DagsterInstance, held: Order) -> bool:
    """Whether a run of the order is under way or about to be started again, and something was heard lately."""
    tags = {ORDER_TAG: held.id}
    under_way = instance.get_runs_count(RunsFilter(job_name=BUILD_JOB, tags=tags, statuses=UNFINISHED))
    if not under_way and not _to_be_retried(instance, held):
        return False
    last = instance.get_run_records(RunsFilter(job_name=BUILD_JOB, tags=tags), limit=1, order_by="update_timestamp")
    return time.time() - last[0].update_timestamp.timestamp() < held.patience_hours * 3600


def _to_be_retried(instance: DagsterInstance, held: Order) -> bool:
    """Whether a lost run is about to be started again, but is not yet."""
    lost = RunsFilter(
        job_name=BUILD_JOB,
        tags={ORDER_TAG: held.id, "dagster/will_retry": "true"},
        statuses=[DagsterRunStatus.FAILURE],
    )
    return any(
        "dagster/auto_retry_run_id" not in record.dagster_run.tags
        and time.time() - record.update_timestamp.timestamp() < RETRY_PAUSE
        for record in instance.get_run_records(lost)
    )


def _conclude(workshop: Workshop, instance: DagsterInstance, held: Order) -> Iterator[dg.RunRequest]:
    """Ask for the report of an order whose runs are over; close it when there is nothing left to ask for."""
    reports = RunsFilter(job_name=REPORT_JOB, tags={ORDER_TAG: held.id})
    if held.report and not instance.get_runs_count(reports):
        yield report_request(held.id, held.reason)
    elif not instance.get_runs_count(RunsFilter(job_name=REPORT_JOB, tags=dict(reports.tags), statuses=UNFINISHED)):
        order.close(workshop.builder.store, held)


def report_request(name: str, reason: str, trouble: str = "") -> dg.RunRequest:
    """The one report of an order."""
    return dg.RunRequest(
        run_key=f"{name}:report",
        job_name=REPORT_JOB,
        run_config=dg.RunConfig(ops={"report": ReportConfig(order=name, trouble=trouble)}),
        tags={ORDER_TAG: name, REASON_TAG: reason},
    )
