"""`tpuflow demo`: two models for five targets through the Dagster job, in one process."""

import warnings
from collections.abc import Sequence
from typing import Any

import dagster as dg

from assets.partitions import key_of
from assets.resources import resources
from assets.workshop import Workshop
from compiler.build.builder import partition_of
from compiler.build.flow import Target
from pipeline.build_bars import BuildBars
from pipeline.definitions import defs
from pipeline.display import CONSOLE, bars, table
from pipeline.instance import open_instance
from pipeline.summary import summary

MODELS = ("lenet_mnist", "ppocr_cls")
TARGETS = ("x64-f32", "x64-bf16", "x64-f16", "x64-int8", "e8-int8")

QUIET: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Run configuration that leaves the terminal to the progress display."""

COLUMNS = ("accuracy", "float", "cosine", "sqnr_db", "mismatched_bytes", "cycles", "cycles_over_bound", "ddr_bytes")
MEMORY = ("local_bytes", "activation_bytes", "model_bytes")


class DemoFailed(Exception):
    """A build of the demonstration failed, or a check of it did; the message names which and why."""


def demo(models: Sequence[str] = MODELS, targets: Sequence[str] = TARGETS) -> None:
    """Build all, show a row for each, and say where the artifacts are. Raises DemoFailed."""
    workshop = Workshop()
    job = defs.resolve_job_def("build")
    builds = [(model, Target.parse(target)) for model in models for target in targets]
    failed: list[str] = []
    with bars() as display, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        instance = open_instance(workshop.builder.zoo)
        listener = BuildBars(display, len(builds) * len(workshop.builder.flow))
        workshop.listener = listener
        for model, target in builds:
            listener.enter(partition_of(model, target))
            result = job.execute_in_process(
                run_config=QUIET,
                instance=instance,
                partition_key=key_of(model, target),
                resources=resources(workshop),
                raise_on_error=False,
            )
            failed += _failures(result, partition_of(model, target))
    rows = [{"build": name, **summary(records)} for name, records in listener.records.items()]
    keys = ("build", *COLUMNS, *MEMORY, "seconds")
    CONSOLE.print(table([{key: row[key] for key in keys} for row in rows]))
    CONSOLE.print(f"artifacts: {workshop.builder.store.root}/<model>/<target>/   in the browser: make ui")
    if failed:
        raise DemoFailed("\n".join(failed))


def _failures(result: dg.ExecuteInProcessResult, partition: str) -> list[str]:
    steps = [event for event in result.all_events if event.is_step_failure]
    reasons = [str(event.step_failure_data.user_failure_data or event.step_failure_data.error) for event in steps]
    checks = [check for check in result.get_asset_check_evaluations() if not check.passed]
    return reasons + [f"{partition}: check {check.asset_check_key.to_user_string()} does not hold" for check in checks]
