"""
Runs on other machines: the Celery workers that execute them, and the launcher that notices when one is lost.

The broker and where results go are `$TPUFLOW_BROKER` and `$TPUFLOW_RESULTS`, as in `deploy/dagster.yaml`. A worker is
`celery -A pipeline.workers worker`.
"""

import functools
import os
import signal
import time
from typing import Any, cast

import billiard.util
import dagster as dg
import dagster_celery.make_app
from celery.signals import worker_process_init
from dagster._cli.api import _execute_run_command_body  # pyright: ignore[reportPrivateUsage]
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import unpack_value
from dagster_celery.config import TASK_EXECUTE_JOB_NAME
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG

SETTINGS = {
    "result_expires": 7 * 24 * 3600,
    "worker_disable_prefetch": True,
    "worker_prefetch_multiplier": 1,
    "broker_connection_retry_on_startup": True,
}
"""A worker takes a run when it is free to execute it; what became of a run is known for longer than any run lasts."""

ANSWER_S = 2.0
"""How long a worker may take to answer one question, in seconds."""

app = dagster_celery.make_app.make_app(
    {
        "broker": os.environ.get("TPUFLOW_BROKER", "redis://127.0.0.1:6379/0"),
        "backend": os.environ.get("TPUFLOW_RESULTS", "redis://127.0.0.1:6379/1"),
        "config_source": SETTINGS,
    }
)


@functools.cache
def instance() -> dg.DagsterInstance:
    """The instance of this process, which keeps its connections: a new one for each event is six times as slow."""
    opened = dg.DagsterInstance.get()
    opened.optimize_for_webserver(statement_timeout=60_000, pool_recycle=3600, max_overflow=5)
    return opened


def execute(execute_job_args_packed: Any) -> int:
    """Execute a run here; the exit code, not 0 if it failed."""
    wanted = unpack_value(execute_job_args_packed, as_type=ExecuteRunArgs)
    return _execute_run_command_body(wanted.run_id, instance(), lambda event: None, set_exit_code_on_failure=True)


execute_job: Any = cast(Any, app).task(execute, name=TASK_EXECUTE_JOB_NAME, track_started=True)


@worker_process_init.connect
def end_with_the_worker(**_: Any) -> None:
    """A run whose worker was killed ends at once, so that it can't go on beside the one that is launched instead."""
    billiard.util.set_pdeathsig(signal.SIGKILL)


class WorkerLauncher(CeleryRunLauncher):
    """
    Dagster's launcher for Celery, which also finds out when a whole worker is gone.

    Celery marks a run failed when the process that executes it dies, but nobody does when its parent dies too: the run
    would stay STARTED for ever. This one asks the worker. `silent_seconds` is how long it may give no answer.
    """

    def __init__(self, silent_seconds: int = 60, **settings: Any) -> None:
        super().__init__(**settings)
        self._silent_seconds = silent_seconds
        self._silent_since: dict[str, float] = {}

    @classmethod
    def config_type(cls) -> Any:
        """The fields of Celery's launcher, and one more."""
        about = "Seconds without an answer after which a worker counts as lost."
        known = cast(dict[str, Any], CeleryRunLauncher.config_type())
        return {**known, "silent_seconds": dg.Field(int, default_value=60, description=about)}

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the worker that began the run still executes it."""
        task, celery = run.tags[DAGSTER_CELERY_TASK_ID_TAG], cast(Any, self.celery)
        begun = celery.AsyncResult(task).info
        worker: str | None = cast(dict[str, str], begun).get("hostname") if isinstance(begun, dict) else None
        if worker is None:
            return super().check_run_worker_health(run)
        answers = celery.control.inspect([worker], timeout=ANSWER_S, limit=1).query_task(task)
        if not answers:
            silent = time.monotonic() - self._silent_since.setdefault(worker, time.monotonic())
            if silent < self._silent_seconds:
                return CheckRunHealthResult(WorkerStatus.RUNNING)
            return CheckRunHealthResult(WorkerStatus.FAILED, f"worker {worker} has not answered for {silent:.0f} s")
        self._silent_since.pop(worker, None)
        if task not in answers[worker] and celery.AsyncResult(task).state == "STARTED":
            return CheckRunHealthResult(WorkerStatus.FAILED, f"worker {worker} was restarted and knows nothing of it")
        return CheckRunHealthResult(WorkerStatus.RUNNING)

    def terminate(self, run_id: str) -> bool:
        """Cancel a run: Dagster is told first, so that its end counts as a cancellation and is not retried."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        self._instance.report_run_canceling(run)
        return super().terminate(run_id)
