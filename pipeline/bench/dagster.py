"""
`bench dagster`: what it costs to run the flow as Dagster's assets.

    overhead_cpu_ratio     a cold build as a run of the job `build`, over a plain `Builder.build`: CPU, pairs in turn
    event_log_bytes_a_hit  how much the instance grows for each stage of a run that finds every stage in the store
    hit_seconds            how long such a run takes
    sync_seconds           how long it takes to tell a new instance of what the store holds, without a run
    empty_home_failures    of eight runs started together on an instance that is not there yet, how many fail

What is timed has a process of its own, which has done all of it once before.
"""

import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg
from dagster._serdes import serialize_value

from assets.partitions import key_of
from assets.resources import resources
from assets.workshop import Workshop
from compiler.build.flow import TARGETS, Target
from pipeline.bench.cold import cpu_seconds
from pipeline.bench.report import Row
from pipeline.commands.demo import QUIET
from pipeline.definitions import defs
from pipeline.instance import home, open_instance
from pipeline.sync import sync

TOGETHER = 8
HITS = 5
UNITS = {
    "plain_cpu_s": "s",
    "asset_cpu_s": "s",
    "overhead_cpu_ratio": "ratio",
    "hit_seconds": "s",
    "event_log_bytes_a_hit": "B",
    "sync_seconds": "s",
}


def rows(model: str, target: str, pairs: int, told: Callable[[str], object]) -> Iterator[Row]:
    """All rows; a stage's are of one run of hits. Raises CalledProcessError."""
    told(f"{model}/{target} through Dagster and without")
    with TemporaryDirectory() as folder:
        command = _command("costs", model, target, str(pairs))
        measured = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=_fresh(folder)).stdout)
    for metric, unit in UNITS.items():
        yield Row(f"{model}/{target}", metric, measured[metric], unit)
    for stage, size in measured["stages"].items():
        yield Row(f"{model}/{target}/{stage}", "event_bytes_a_hit", size, "B")
    told(f"{TOGETHER} runs together on an empty home")
    yield Row(f"{TOGETHER} runs", "empty_home_failures", empty_home_failures(), "runs")


def empty_home_failures() -> int:
    """How many of eight builds fail that are started at once where there is neither an instance nor a store."""
    with TemporaryDirectory() as folder:
        commands = [_command("run", "lenet_mnist", target) for target in TARGETS[:TOGETHER]]
        running = [subprocess.Popen(one, env=_fresh(folder), stderr=subprocess.DEVNULL) for one in commands]
        return sum(process.wait() != 0 for process in running)


def _command(what: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "pipeline.bench.dagster", what, *arguments]


def _fresh(folder: str) -> dict[str, str]:
    return {**os.environ, "DAGSTER_HOME": f"{folder}/dagster", "TPUFLOW_STORE": f"{folder}/build"}


class Ways:
    """The two ways to build a model for a target, the one over an instance."""

    def __init__(self, model: str, target: str) -> None:
        self.model, self.target = model, Target.parse(target)
        self.zoo = Workshop().builder.zoo
        self.instance: dg.DagsterInstance = open_instance(self.zoo)
        self._job = defs.resolve_job_def("build")

    def plain(self, store: Path | None = None) -> None:
        """Build by the library."""
        Workshop(store).builder.build(self.zoo.settings(self.model), self.target)

    def run(self, store: Path | None = None) -> str:
        """Build by a run of the job; its id. Raises what the run does."""
        key, using = key_of(self.model, self.target), resources(Workshop(store))
        return self._job.execute_in_process(QUIET, self.instance, partition_key=key, resources=using).run_id

    def stage_bytes(self, run: str) -> dict[str, int]:
        """By stage, the size of a run's events as they are written."""
        sizes = defaultdict[str, int](int)
        for entry in self.instance.all_logs(run):
            if entry.step_key:
                sizes[entry.step_key] += len(serialize_value(entry))
        return dict(sizes)


def costs(model: str, target: str, pairs: int) -> dict[str, Any]:
    """The figures of UNITS, and `stages`: the bytes of each stage's events in a run of hits."""
    ways = Ways(model, target)
    for way in (ways.plain, ways.run):
        _spent(way)
    both = [(_spent(ways.plain), _spent(ways.run)) for _ in range(pairs)]
    with TemporaryDirectory() as folder:
        store = Path(folder)
        ways.run(store)
        before, start = _size(home()), time.perf_counter()
        runs = [ways.run(store) for _ in range(HITS)]
        elapsed, grown = time.perf_counter() - start, _size(home()) - before
        stages = ways.stage_bytes(runs[-1])
        synced = _sync_seconds(ways, store)
    return {
        "plain_cpu_s": round(statistics.median(plain for plain, _ in both), 3),
        "asset_cpu_s": round(statistics.median(run for _, run in both), 3),
        "overhead_cpu_ratio": round(statistics.median(run / plain for plain, run in both), 3),
        "hit_seconds": round(elapsed / HITS, 3),
        "event_log_bytes_a_hit": round(grown / HITS / len(stages)),
        "stages": stages,
        "sync_seconds": round(synced, 3),
    }


def _spent(build: Callable[[Path], object]) -> float:
    """CPU seconds of a build into a store that was empty."""
    with TemporaryDirectory() as folder:
        before = cpu_seconds()
        build(Path(folder))
        return cpu_seconds() - before


def _sync_seconds(ways: Ways, store: Path) -> float:
    with TemporaryDirectory() as folder:
        os.environ["DAGSTER_HOME"] = folder
        with open_instance(ways.zoo) as instance:
            start = time.perf_counter()
            sync(instance, Workshop(store), [(ways.model, ways.target)])
            return time.perf_counter() - start


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    match sys.argv[1:]:
        case ["costs", model, target, pairs]:
            print(json.dumps(costs(model, target, int(pairs))))
        case [_, model, target]:
            Ways(model, target).run()
        case _:
            sys.exit("costs MODEL TARGET PAIRS, or run MODEL TARGET")
