"""
`bench night`: does a night name what got worse, exactly, and nothing else?

A small zoo is built and accepted. In the night after that nothing has changed; in the one after, three models of four
have a fault each, planted in their files or settings, and go through real builds.
"""

import os
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from assets.report.notifier import WEBHOOK
from pipeline.bench.nights import TARGET, Nights, webhook
from pipeline.bench.planted import Plant, accuracy_loss, crash, cycle_loss
from pipeline.bench.report import Row
from pipeline.bench.status import Told

FAULTS: Mapping[str, tuple[Plant, Collection[str]]] = {
    "accuracy-loss": (accuracy_loss, ("no_regression_in_accuracy", "no_regression_in_sqnr_db")),
    "cycle-loss": (cycle_loss, ("no_regression_in_cycles", "no_regression_in_ddr_bytes")),
    "crash": (crash, ("every_partition_built",)),
}
"""By the spoilt model's name: the fault, and the checks that have to name it. A random tiling moves more bytes, too."""

SOUND = "sound"


def rows(told: Told) -> Iterator[Row]:
    """For each fault how many checks named it rightly, missed it, or named it wrongly; and what the nights cost."""
    with TemporaryDirectory(prefix="tpuflow-night-") as room, webhook() as (address, posted):
        os.environ[WEBHOOK] = address
        nights = Nights(Path(room), [*FAULTS, SOUND])
        told.at("first night")
        nights.spend("first")
        nights.accept()
        told.at("unchanged night")
        start = time.perf_counter()
        nights.spend("unchanged")
        yield Row("unchanged", "runs_launched", sum(TARGET in run for run in nights.ran), "runs")
        yield Row("unchanged", "checks_failed", sum(not check.passed for check in nights.checks().values()), "checks")
        yield Row("unchanged", "night_s", time.perf_counter() - start, "s")
        for model, (fault, _) in FAULTS.items():
            nights.zoo.plant(model, fault)
        told.at("night with three faults")
        nights.spend("bad")
        for model in (*FAULTS, SOUND):
            yield from _judged(nights, model)
        yield Row("report", "pages", sum(1 for _ in Path(room).glob("build/reports/bad/report.html")), "files")
        yield Row("report", "notifications", sum(post["order"] == "bad" for post in posted), "posts")


def _judged(nights: Nights, model: str) -> Iterator[Row]:
    """What the checks say of one model, against what was done to it."""
    guilty = FAULTS[model][1] if model in FAULTS else ()
    named = {
        name
        for name, check in nights.checks().items()
        if any(line.startswith(f"{model}/{TARGET} ") for line in (check.description or "").splitlines())
    }
    yield Row(model, "named", len(named & set(guilty)), f"of {len(guilty)} checks")
    yield Row(model, "missed", len(set(guilty) - named), "checks")
    yield Row(model, "wrongly_named", len(named - set(guilty)), "checks")
