"""What became of each partition of an order, as the event log tells it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import dagster as dg
from dagster import DagsterEventType, DagsterInstance, DagsterRunStatus, RunsFilter

from assets.partitions import split
from assets.report.order import ORDER_TAG, Order
from compiler.build.builder import partition_of

Status = Literal["built", "unchanged", "failed", "lost", "cancelled", "unfinished", "not run", "not planned"]

BUILD_JOB = "build"
"""The job that an order's runs are of."""

MESSAGE_LENGTH = 600
"""Characters of a failure's message that are kept."""

ENDED: Mapping[DagsterRunStatus, Status] = {
    DagsterRunStatus.SUCCESS: "built",
    DagsterRunStatus.CANCELED: "cancelled",
    DagsterRunStatus.FAILURE: "lost",
}
"""How runs end; a failure with a failed step is `failed`."""


SPEAKING = {
    DagsterEventType.STEP_START,
    DagsterEventType.ENGINE_EVENT,
    DagsterEventType.RUN_FAILURE,
    DagsterEventType.RUN_CANCELED,
}
"""Events that tell how a run ended which no step ended."""


@dataclass(frozen=True)
class Outcome:
    """
    How a partition fared.

    `stage` is the one that failed, or that a lost or cancelled run was at. `made`: the stages that the order's runs
    made or found; None: all that the partition shows counts, as nothing had to move or everything was built.
    """

    status: Status
    stage: str = ""
    message: str = ""
    run_id: str = ""
    made: frozenset[str] | None = None

    @property
    def good(self) -> bool:
        """Whether the partition is as the sources say."""
        return self.status in ("built", "unchanged")


def outcomes(instance: DagsterInstance, order: Order) -> dict[str, Outcome]:
    """An outcome for every partition of the order, `<model>/<target>`."""
    runs = runs_of(instance, order.id)
    found = {name: Outcome("not planned", message=text, made=frozenset()) for name, text in order.broken.items()}
    found |= {name: Outcome("unchanged") for name in order.unchanged}
    for task in order.work:
        held = runs.get(task.partition)
        found[task.partition] = _outcome(instance, held) if held else Outcome("not run", made=frozenset())
    return dict(sorted(found.items()))


def runs_of(instance: DagsterInstance, order: str) -> dict[str, list[dg.DagsterRun]]:
    """The order's build runs by partition, the oldest first."""
    wanted = RunsFilter(job_name=BUILD_JOB, tags={ORDER_TAG: order})
    found: dict[str, list[dg.DagsterRun]] = {}
    for run in reversed(instance.get_runs(wanted)):
        if key := run.tags.get("dagster/partition"):
            model, target = split(key)
            found.setdefault(partition_of(model, target), []).append(run)
    return found


def _outcome(instance: DagsterInstance, runs: Sequence[dg.DagsterRun]) -> Outcome:
    """A later run takes up where an earlier one of the same order failed."""
    last = runs[-1]
    if last.status is DagsterRunStatus.SUCCESS:
        return Outcome("built", run_id=last.run_id)
    made: set[str] = set()
    at = ""
    for run in runs:
        for step in instance.get_run_step_stats(run.run_id):
            state = step.status.value if step.status else ""
            (made.add if state == "SUCCESS" else made.discard)(step.step_key)
            at = step.step_key if state in ("FAILURE", "IN_PROGRESS") else at
    status = ENDED.get(last.status, "unfinished")
    failures = instance.all_logs(last.run_id, of_type=DagsterEventType.STEP_FAILURE)
    if status == "lost" and failures and (event := failures[0].dagster_event):
        return Outcome("failed", event.step_key or at, told_of(event), last.run_id, frozenset(made))
    return Outcome(status, at, _run_message(instance, last), last.run_id, frozenset(made))


def told_of(event: dg.DagsterEvent) -> str:
    """What the step's author says of the failure, or the exception at the bottom of it."""
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        told = data.user_failure_data.description
        return told.split(f", stage {event.step_key}: ", 1)[-1][:MESSAGE_LENGTH]
    error = data.error
    while error and error.cause:
        error = error.cause
    return (error.message.strip() if error else event.message or "")[:MESSAGE_LENGTH]


def _run_message(instance: DagsterInstance, run: dg.DagsterRun) -> str:
    """What is said of a run that no step of it speaks for: by the engine after the last step began, and at the end."""
    events = [entry.dagster_event for entry in instance.all_logs(run.run_id, of_type=SPEAKING)]
    told: list[str] = []
    for event in events:
        if event and event.event_type is DagsterEventType.STEP_START:
            told.clear()
        elif event and event.message:
            told.append(event.message)
    return ("; ".join(told[-2:]) or run.status.value.lower())[:MESSAGE_LENGTH]
