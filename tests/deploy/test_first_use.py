"""Processes that start together where nothing was used yet: on one home, and on homes of their own with PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from pipeline.instance import open_instance
from tests.deploy import services
from tests.deploy.definitions import TwoModels

TOGETHER = 8
USE = """
import os, sys, traceback
import dagster as dg
from pathlib import Path
from pipeline.instance import open_instance
from tests.deploy.definitions import TwoModels

zoo, homes = TwoModels(Path(sys.argv[1])), sys.argv[2:]
hear, tell = os.pipe()
for home in homes:
    if os.fork() == 0:
        os.close(tell)
        os.environ["DAGSTER_HOME"] = home
        os.read(hear, 1)
        try:
            with open_instance(zoo) as instance:
                dg.materialize([dg.asset(name="thing")(lambda: 1)], instance=instance)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
os.close(tell)
sys.exit(sum(os.wait()[1] != 0 for home in homes))
"""
"""Processes that wait until all are there, open the instance in the same moment and execute a run in it."""


def run_together(root: Path, homes: list[Path], **environment: str) -> None:
    """Each of the processes on a home; none may fail."""
    TwoModels(root / "zoo")
    command = [sys.executable, "-c", USE, str(root / "zoo"), *map(str, homes)]
    known = {**services.known(), **environment}
    done = subprocess.run(command, cwd=services.REPOSITORY, env=known, capture_output=True, text=True)
    said = "\n".join(line for line in done.stderr.splitlines() if " - DEBUG - " not in line)
    assert done.returncode == 0, f"{done.returncode} of {len(homes)} failed: {said[-4000:]}"


def succeeded(root: Path) -> int:
    """Runs that the instance has, all of which succeeded."""
    with open_instance(TwoModels(root / "zoo")) as instance:
        statuses = [run.status for run in instance.get_runs()]
    assert set(statuses) <= {dg.DagsterRunStatus.SUCCESS}
    return len(statuses)


def test_on_one_empty_home_all_succeed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_together(tmp_path, [tmp_path / "home"] * TOGETHER)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    assert succeeded(tmp_path) == TOGETHER


@pytest.mark.skipif(services.absent() is not None, reason=f"not installed: {services.absent()}")
def test_on_an_empty_database_all_succeed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with services.postgres(tmp_path) as port:
        leads = {
            **services.database(port),
            "TPUFLOW_DAGSTER_YAML": str(services.REPOSITORY / "deploy" / "dagster.yaml"),
            "TPUFLOW_BROKER": "redis://127.0.0.1:9/0",
            "TPUFLOW_RESULTS": "redis://127.0.0.1:9/1",
        }
        run_together(tmp_path, [tmp_path / f"home{index}" for index in range(TOGETHER)], **leads)
        for name, value in {**leads, "DAGSTER_HOME": str(tmp_path / "home0")}.items():
            monkeypatch.setenv(name, value)
        assert succeeded(tmp_path) == TOGETHER
