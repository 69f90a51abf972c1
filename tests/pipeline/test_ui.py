"""One launch in the browser builds one model for one target, and shows its plots."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from pathlib import Path

import dagster as dg
import pytest

from pipeline.bench.browser import NotSeen, Page, chromium
from pipeline.instance import open_instance
from tests.offline_zoo import OfflineZoo

REPOSITORY = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ANYTHING = "label, div, span, a, button"
PICTURE = "[...document.images].some(i => i.src.startsWith('data:image/webp') && i.naturalWidth > 100)"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture
def instance(offline: Path) -> Generator[dg.DagsterInstance]:
    with open_instance(OfflineZoo(offline.parent / "zoo")) as opened:
        yield opened


@pytest.fixture
def server(offline: Path, instance: dg.DagsterInstance) -> Generator[str]:
    """The address of Dagster's UI on the offline definitions."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "dagster", "dev", "-m", "tests.pipeline.offline_definitions", "-p", str(port)]
    known = {**os.environ, "OFFLINE_ZOO": str(offline.parent / "zoo"), "PYTHONPATH": str(REPOSITORY)}
    log = (offline.parent / "server.log").open("w")
    with subprocess.Popen(command, env=known, stdout=log, stderr=subprocess.STDOUT, start_new_session=True) as running:
        try:
            address = f"http://127.0.0.1:{port}"
            _until_served(address)
            yield address
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(timeout=60)


def _until_served(address: str) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{address}/server_info", timeout=5)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.5)
        else:
            return
    raise NotSeen(f"nothing is served at {address}")


def launch(page: Page, address: str, model: str, target: str) -> None:
    """Choose one partition of the job in its dialog, and launch."""
    page.go(f"{address}/jobs")
    page.click("build", "a")
    page.click("Materialize all")
    page.see("Partition selection")
    page.click("Select a partition", "div")
    page.click(target, ANYTHING)
    page.click("Select a partition", "div")
    page.click(model, ANYTHING)
    page.click("Launch 1 run")


def finished(instance: dg.DagsterInstance) -> dg.DagsterRun:
    """The one run there is, once it is over."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        runs = instance.get_runs()
        if runs and runs[0].is_finished:
            assert len(runs) == 1
            return runs[0]
        time.sleep(0.5)
    raise NotSeen("no run finished")


def test_one_launch_builds_one_partition_and_its_plots_are_seen(
    server: str, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    assert CHROMIUM is not None
    with chromium(CHROMIUM, tmp_path / "profile") as page:
        launch(page, server, "lenet", "e8-int8")
        run = finished(instance)
        assert run.is_success
        assert run.tags["dagster/partition"] == "lenet|e8-int8"
        for asset, figure in (("profile", "cycles_over_bound"), ("comparison", "mismatched_bytes")):
            page.go(f"{server}/assets/{asset}?view=partitions&partition=lenet%7Ce8-int8")
            page.see(figure)
            page.click("[Show Markdown]", ANYTHING)
            page.wait(PICTURE)
