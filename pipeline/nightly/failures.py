"""What is said when planning or reporting itself fails: a night never ends without a word."""

from collections.abc import Sequence
from typing import Any

import dagster as dg
from dagster import DagsterRun
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition as AssetJob

from assets.report import order
from assets.report.notifier import Notifier
from assets.report.outcome import told_of
from assets.workshop import Workshop
from pipeline.nightly.dispatch import REPORT_JOB, report_request
from pipeline.nightly.work_order import WorkConfig, order_id


def failed(
    workshop: Workshop,
    planning: Sequence[AssetJob],
    report_job: AssetJob,
) -> dg.SensorDefinition:
    """The sensor: planning that failed is reported as such, reporting that failed is told by the notifier."""

    @dg.run_failure_sensor(
        name="night_failed",
        monitored_jobs=[*planning, report_job],
        request_jobs=[report_job],
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Reports a night whose planning run failed, and tells of a report that could not be made.",
    )
    def sensor(context: dg.RunFailureSensorContext, notifier: Notifier) -> dg.RunRequest | dg.SkipReason:
        run = context.dagster_run
        steps = [told_of(event) for event in context.get_step_failure_events()]
        told = "; ".join(steps) or context.failure_event.message or "no reason is known"
        if run.tags.get("dagster/will_retry") == "true":
            return dg.SkipReason("Dagster starts it again")
        if run.job_name == REPORT_JOB:
            name = run.tags.get(order.ORDER_TAG, run.run_id)
            return dg.SkipReason(notifier.tell(f"{name}: the report failed: {told}", {"order": name, "verdict": "bad"}))
        name, wanted = order_id(run), _config(run)
        if not wanted.report or order.load(workshop.builder.store, name):
            return dg.SkipReason("no report is wanted, or it will come by the order's own runs")
        return report_request(name, wanted.reason, f"the planning run failed: {told}")

    return sensor


def _config(run: DagsterRun) -> WorkConfig:
    """What the planning run was asked for."""
    given: Any = run.run_config
    return WorkConfig(**given.get("ops", {}).get("work_order", {}).get("config", {}))
