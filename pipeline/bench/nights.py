"""Nights of a zoo in which faults can be planted: its definitions and an instance, driven in this process."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from json import loads
from pathlib import Path
from threading import Thread
from typing import Any

import dagster as dg

from assets.partitions import MODELS
from assets.report import baseline, order
from assets.report.baseline import Accepted
from assets.report.order import ORDER_TAG, REASON_TAG, Order
from assets.workshop import Workshop
from pipeline.bench.planted import PlantedZoo
from pipeline.definitions import over
from pipeline.nightly.drive import Driver
from pipeline.nightly.work_order import WorkConfig

TARGET = "e8-int8"


class Nights:
    """Nights of one small zoo for one target."""

    def __init__(self, root: Path, models: Sequence[str]) -> None:
        self.zoo = PlantedZoo(root / "zoo", models)
        self.workshop = Workshop(root / "build", self.zoo)
        self.store = self.workshop.builder.store
        self.instance = dg.DagsterInstance.ephemeral()
        self.instance.add_dynamic_partitions(str(MODELS.name), list(models))
        self.definitions = over(self.workshop)
        self.ran: list[str] = []

    def driver(self) -> Driver:
        """What executes here the runs that the sensor asks for."""
        return Driver(self.definitions, self.workshop, self.instance, self.ran.append)

    def plan(self, name: str, *, report: bool = True, models: Sequence[str] = ()) -> Order:
        """Only the planning run of a night. Raises PlanningFailed."""
        config = WorkConfig(models=list(models), targets=[TARGET], reason="nightly", report=report)
        return self.driver().plan(config, {ORDER_TAG: name, REASON_TAG: "nightly"})

    def spend(self, name: str) -> Order:
        """A whole night; what it ran is in `ran`."""
        self.ran.clear()
        held = self.plan(name)
        self.driver().finish(held)
        return held

    def accept(self) -> None:
        """Take what is there for the baseline."""
        shown = {f"{model}/{TARGET}": self.store.refs(f"{model}/{TARGET}") for model in self.zoo.names()}
        baseline.move(self.store, {partition: Accepted("once", refs) for partition, refs in shown.items()})

    def checks(self) -> dict[str, dg.AssetCheckEvaluation]:
        """The latest verdict of each of the report's checks."""
        event = self.instance.get_latest_materialization_event(dg.AssetKey("report"))
        assert event is not None
        logs = self.instance.all_logs(event.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        found = [entry.dagster_event.asset_check_evaluation_data for entry in logs if entry.dagster_event]
        return {it.check_name: it for it in found}

    def metadata(self) -> dict[str, Any]:
        """What the report's asset shows."""
        event = self.instance.get_latest_materialization_event(dg.AssetKey("report"))
        assert event is not None
        assert event.asset_materialization is not None
        return {name: it.value for name, it in event.asset_materialization.metadata.items()}

    def open_orders(self) -> Sequence[str]:
        """Ids of the orders that are not carried out yet."""
        return order.unfinished(self.store)


@contextmanager
def webhook(answers: Sequence[int] = (200,)) -> Generator[tuple[str, list[dict[str, Any]]]]:
    """A server that answers each post with the next status, the last again and again; its address and what came."""
    came: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Keep what came."""
            came.append(loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(answers[min(len(came), len(answers)) - 1])
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", came
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
