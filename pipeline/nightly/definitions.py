"""What the nightly adds to the code location."""

import dagster as dg

from assets.report.asset import BASELINE, report
from assets.report.notifier import Notifier
from assets.workshop import Workshop
from pipeline.nightly.dispatch import REPORT_JOB, dispatch
from pipeline.nightly.failures import failed
from pipeline.nightly.schedule import nightly
from pipeline.nightly.work_order import WorkConfig, work_order

plan_work = dg.define_asset_job(
    "plan_work",
    selection=["work_order"],
    description="Find what is missing or stale, and have a run launched for each partition with work.",
    executor_def=dg.in_process_executor,
)

rebuild_stale = dg.define_asset_job(
    "rebuild_stale",
    selection=["work_order"],
    config=dg.RunConfig(ops={"work_order": WorkConfig(reason="rebuild")}),
    description="Rebuild what is missing or stale, of a model, a target or the whole zoo; nothing else is run.",
    executor_def=dg.in_process_executor,
)

report_job = dg.define_asset_job(
    REPORT_JOB,
    selection=["report"],
    description="Report an order: what failed, what got worse or better than the baseline.",
    executor_def=dg.in_process_executor,
)


def definitions(workshop: Workshop) -> dg.Definitions:
    """Assets, jobs, the schedule, the sensors and the notifier."""
    return dg.Definitions(
        assets=[work_order, report, BASELINE],
        jobs=[plan_work, rebuild_stale, report_job],
        schedules=[nightly(plan_work)],
        sensors=[dispatch(workshop, report_job), failed(workshop, [plan_work, rebuild_stale], report_job)],
        resources={"notifier": Notifier()},
    )
