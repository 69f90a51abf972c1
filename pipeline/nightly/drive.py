"""A night in this very process, for where no daemon runs: the same jobs, the same sensor, one run after the other."""

from collections.abc import Callable, Mapping

import dagster as dg
from dagster import DagsterInstance

from assets.report import order
from assets.report.order import ORDER_TAG, Order
from assets.report.outcome import told_of
from assets.workshop import Workshop
from pipeline.nightly.work_order import WorkConfig, order_id

Listener = Callable[[str], None]
"""Hears what is being run."""

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Run configuration that keeps Dagster's events off the terminal; they are in the event log."""


class PlanningFailed(Exception):
    """No order was written; the message says why."""


class Stuck(Exception):
    """An order is open, but nothing can be done for it here; the message says what it waits for."""


class Driver:
    """Launches in this process what the definitions' sensor asks for."""

    def __init__(
        self, definitions: dg.Definitions, workshop: Workshop, instance: DagsterInstance, tell: Listener
    ) -> None:
        self._definitions, self._workshop, self._instance, self._tell = definitions, workshop, instance, tell
        self._cursor: str | None = None
        self._asked: set[str] = set()

    def plan(self, config: WorkConfig, tags: Mapping[str, str]) -> Order:
        """Run the planning job; the order that it wrote. Raises PlanningFailed."""
        self._tell("planning")
        done = self._definitions.resolve_job_def("plan_work").execute_in_process(
            run_config={**dg.RunConfig(ops={"work_order": config}).to_config_dict(), **QUIET},
            instance=self._instance,
            tags=tags,
            raise_on_error=False,
        )
        held = order.load(self._workshop.builder.store, order_id(done.dagster_run)) if done.success else None
        if held is None:
            told = [told_of(event) for event in done.all_events if event.is_step_failure]
            raise PlanningFailed(f"planning failed: {'; '.join(told) or 'see the run in the UI'}")
        return held

    def finish(self, held: Order) -> None:
        """Run what is asked for until the order is closed. Raises Stuck."""
        while held.id in order.unfinished(self._workshop.builder.store):
            before = self._cursor
            if not self.tick() and self._cursor == before and held.id in order.unfinished(self._workshop.builder.store):
                raise Stuck(f"order {held.id} waits for a run that this process does not execute: see the UI")

    def tick(self) -> int:
        """Evaluate the sensor once and execute the runs it asks for, each of them once; how many."""
        sensor = self._definitions.resolve_sensor_def("dispatch")
        with (
            dg.partition_loading_context(dynamic_partitions_store=self._instance),
            dg.build_sensor_context(
                instance=self._instance, cursor=self._cursor, repository_def=self._definitions.get_repository_def()
            ) as context,
        ):
            data = sensor.evaluate_tick(context)
        self._cursor = data.cursor
        fresh = [request for request in data.run_requests or () if request.run_key not in self._asked]
        for request in fresh:
            self._run(request)
        return len(fresh)

    def _run(self, request: dg.RunRequest) -> None:
        assert request.job_name is not None
        assert request.run_key is not None
        self._asked.add(request.run_key)
        self._tell(request.run_key)
        self._definitions.resolve_job_def(request.job_name).execute_in_process(
            run_config={**request.run_config, **QUIET},
            instance=self._instance,
            partition_key=request.partition_key,
            tags={**request.tags, "dagster/run_key": request.run_key, ORDER_TAG: request.tags[ORDER_TAG]},
            asset_selection=request.asset_selection,
            raise_on_error=False,
        )
