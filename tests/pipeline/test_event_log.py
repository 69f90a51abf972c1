"""One database for all runs: many processes begin at once, and who watches a run hears of it."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import dagster as dg

from compiler.build.flow import TARGETS
from pipeline.event_log import EventLog
from pipeline.instance import open_instance
from tests.offline_zoo import OfflineZoo

REPOSITORY = Path(__file__).parents[2]


def run_of(zoo: Path, target: str) -> subprocess.Popen[bytes]:
    known = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "tests.pipeline.one_run", str(zoo), target]
    return subprocess.Popen(command, env=known, stderr=subprocess.DEVNULL)


def test_eight_runs_together_on_an_empty_home_all_succeed(offline: Path) -> None:
    zoo = offline.parent / "zoo"
    together = [run_of(zoo, target) for target in TARGETS[:8]]
    assert [process.wait(timeout=300) for process in together] == [0] * 8
    with open_instance(OfflineZoo(zoo)) as instance:
        assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.SUCCESS] * 8
        shown = instance.get_materialized_partitions(dg.AssetKey("sample_onnx"))
    assert shown == {f"lenet|{target}" for target in TARGETS[:8]}


def test_who_watches_a_run_hears_of_its_events(offline: Path) -> None:
    zoo = offline.parent / "zoo"
    assert run_of(zoo, "e8-int8").wait(timeout=300) == 0
    with open_instance(OfflineZoo(zoo)) as instance:
        log = instance.event_log_storage
        assert isinstance(log, EventLog)
        run, heard = instance.get_runs()[0].run_id, list[str]()
        over = threading.Event()

        def hear(entry: dg.EventLogEntry, cursor: str) -> None:
            event = entry.dagster_event
            heard.append(event.event_type_value if event else "")
            if heard[-1] == "PIPELINE_SUCCESS":
                over.set()

        log.watch(run, None, hear)
        assert over.wait(timeout=60)
        log.end_watch(run, hear)
    assert "ASSET_MATERIALIZATION" in heard
