"""When the whole zoo is planned, by the environment. It starts stopped: enabling it in the UI is a deliberate act."""

import os

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition as AssetJob

from assets.report.order import ORDER_TAG, REASON_TAG
from pipeline.nightly.work_order import WorkConfig

CRON = "TPUFLOW_NIGHTLY_CRON"
TIMEZONE = "TPUFLOW_NIGHTLY_TIMEZONE"
MODELS = "TPUFLOW_NIGHTLY_MODELS"
TARGETS = "TPUFLOW_NIGHTLY_TARGETS"
AT_TWO = "0 2 * * *"
DEFAULT_TARGETS = "x64-f32 x64-bf16 x64-f16 x64-int8 e8-int8"
"""What the zoo is judged by where the environment does not say."""

REASON = "nightly"


class BadSchedule(Exception):
    """The environment asks for a time there is not; the message names the variables."""


def named(variable: str, default: str = "") -> list[str]:
    """The names in an environment variable, apart by spaces or commas."""
    return os.environ.get(variable, default).replace(",", " ").split()


def nightly(job: AssetJob) -> dg.ScheduleDefinition:
    """The schedule; each night is an order with the tick's date and time for an id. Raises BadSchedule."""

    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        night = f"nightly-{context.scheduled_execution_time:%Y-%m-%d-%H%M}"
        config = WorkConfig(models=named(MODELS), targets=named(TARGETS, DEFAULT_TARGETS), reason=REASON, report=True)
        return dg.RunRequest(
            run_key=night,
            run_config=dg.RunConfig(ops={"work_order": config}),
            tags={ORDER_TAG: night, REASON_TAG: REASON},
        )

    try:
        return dg.schedule(
            name="nightly",
            job=job,
            cron_schedule=os.environ.get(CRON, AT_TWO),
            execution_timezone=os.environ.get(TIMEZONE, "UTC"),
            default_status=dg.DefaultScheduleStatus.STOPPED,
            description=f"Plan the zoo, build what is stale, report. Set {CRON} and {TARGETS} to change when and what.",
        )(tick)
    except dg.DagsterInvalidDefinitionError as error:
        raise BadSchedule(f"{CRON} (such as '{AT_TWO}') or {TIMEZONE} (such as 'Europe/Rome'): {error}") from error
