"""`tpuflow night`: a night from the command line."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from dagster import DagsterInstance

from assets.report import history, order
from assets.report.order import ORDER_TAG, REASON_TAG, Order
from assets.workshop import Workshop
from compiler.build.store import Store
from pipeline.definitions import over
from pipeline.display import CONSOLE, NOTES, table
from pipeline.instance import open_instance
from pipeline.nightly.drive import Driver
from pipeline.nightly.schedule import DEFAULT_TARGETS, MODELS, REASON, TARGETS, named
from pipeline.nightly.work_order import WorkConfig

HEARD_LATELY = 90.0
"""Seconds since its last sign of life within which Dagster's sensor daemon counts as running."""

PAUSE = 2.0
"""Seconds between two looks at an order that the daemon carries out."""


class NoReport(Exception):
    """There is no report to print; the message lists those there are."""


def run(models: Sequence[str], targets: Sequence[str]) -> int:
    """Plan, build, report, print. The exit code: 1 if anything failed or got worse. Raises PlanningFailed, Stuck."""
    workshop = Workshop()
    config = WorkConfig(
        models=list(models) or named(MODELS),
        targets=list(targets) or named(TARGETS, DEFAULT_TARGETS),
        reason=REASON,
        report=True,
    )
    with open_instance(workshop.builder.zoo) as instance, NOTES.status("starting") as status:
        driver = Driver(over(workshop), workshop, instance, status.update)
        night = f"nightly-{datetime.now(UTC):%Y-%m-%d-%H%M%S}"
        held = driver.plan(config, {ORDER_TAG: night, REASON_TAG: REASON})
        if _daemon_runs(instance):
            status.update(f"Dagster's daemon carries out {held.id} (its sensor `dispatch` has to be on)")
            _wait(workshop.builder.store, held)
        else:
            driver.finish(held)
    show(held.id)
    return int(any(past.id == held.id and past.tone == "bad" for past in history.latest(workshop.builder.store)))


def show(name: str | None) -> None:
    """Print an order's report, the latest if none is named. Raises NoReport."""
    store = Workshop().builder.store
    nights = [past.id for past in history.latest(store)]
    wanted = name or (nights[-1] if nights else "")
    text = store.load(f"reports/{wanted}/report.md") if wanted else None
    if text is None:
        raise NoReport(f"no report {wanted!r}; there are {', '.join(nights) or 'none'}")
    CONSOLE.print(text.decode(), markup=False, highlight=False, soft_wrap=True)


def listing() -> None:
    """Print the nights with their verdicts, the latest last, and the open orders."""
    store = Workshop().builder.store
    rows = [{"night": it.id, "when": it.created, "verdict": it.verdict} for it in history.latest(store)]
    for name in order.unfinished(store):
        rows.append({"night": name, "when": "open", "verdict": "not over yet"})
    if not rows:
        raise NoReport("there was no night yet; `tpuflow night run` is one")
    CONSOLE.print(table(rows))


def _daemon_runs(instance: DagsterInstance) -> bool:
    """Whether somebody else evaluates the sensor that launches an order's runs."""
    beat = instance.get_daemon_heartbeats().get("SENSOR")
    return beat is not None and time.time() - beat.timestamp < HEARD_LATELY


def _wait(store: Store, held: Order) -> None:
    while held.id in order.unfinished(store):
        time.sleep(PAUSE)
