"""
The flow as people use it in the browser: `tpuflow ui` on a copy of the sources, in a real Chromium.

Each test leaves a picture in its temporary folder; with `--update-screenshots` those of the tour go to `docs/ui`. The
tests share a server, which is slow to start, and the partition that the first of them builds.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Generator
from io import BytesIO
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from PIL import Image

from pipeline.bench.browser import NotInstalled, NotSeen, Page, chromium, installed
from tests.pipeline import own_tree

DOCS = Path(__file__).parents[2] / "docs" / "ui"
TOUR = ("launch", "one_stage", "launchpad", "profile", "comparison", "checks", "stale", "nightly")
"""The pictures of `docs/ui.md`."""

PICTURE = "[...document.images].some(i => i.src.startsWith('data:image/webp') && i.naturalWidth > 100)"
SHOW = """(() => {
  const row = [...document.querySelectorAll('tr')].find(e => e.textContent.trim().startsWith(%s));
  const one = row && [...row.querySelectorAll('*')].findLast(e => e.textContent.trim() === '[Show Markdown]');
  if (!one) return false;
  one.click();
  return true;
})()"""
"""Opens the plot of that name."""

MODEL, TARGET = own_tree.SOON, "e8-int8"
PARTITION = f"{MODEL}|{TARGET}"
STALE = """query Stale($key: AssetKeyInput!, $partition: String!) {
  assetNodeOrError(assetKey: $key) { ... on AssetNode { staleStatus(partition: $partition) } }
}"""

FILTER = "Filter partitions"
"""What the field above a list of partitions says while it is empty."""

TITLE = "[...document.querySelectorAll('div')].findLast(e => e.textContent.startsWith('Launch runs to materialize'))"
SWITCH = """(() => {
  const name = [...document.querySelectorAll('a, span, div')].findLast(e => e.textContent.trim() === 'nightly');
  const row = name && name.getBoundingClientRect();
  return row && document.elementFromPoint(innerWidth - 40, row.y + row.height);
})()"""
"""The switch at the right end of the schedule's row."""

NO_ROOT = """(() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replace(%s, '');
})()"""
"""Takes the temporary folder's name out of what the page shows."""

Shoot = Callable[[str], None]


class Served:
    """The UI on a copy of the sources, and the page it is shown in."""

    def __init__(self, tree: Path, address: str, page: Page, instance: dg.DagsterInstance) -> None:
        self.tree, self.address, self.page, self.instance = tree, address, page, instance

    def stage(self, name: str, target: str = TARGET) -> None:
        """Open a stage's page at a partition of the model."""
        self.page.go(f"{self.address}/assets/{name}?view=partitions&partition={MODEL}%7C{target}")
        self.page.see(f"{MODEL}|{target}")
        self.page.see("Latest materialization")

    def launched(self, launch: Callable[[], None]) -> dg.DagsterRun:
        """The run that `launch` makes, once it is over."""
        return self.over(self.begun(launch))

    def begun(self, launch: Callable[[], None]) -> str:
        """The id of the one run that `launch` makes."""
        before = {run.run_id for run in self.instance.get_runs()}
        launch()
        return until(lambda: next((r.run_id for r in self.instance.get_runs() if r.run_id not in before), None))

    def over(self, run: str) -> dg.DagsterRun:
        """A run once it is over."""
        return until(lambda: found if (found := self.instance.get_run_by_id(run)) and found.is_finished else None)

    def status(self, stage: str) -> str:
        """FRESH, STALE or MISSING, as the UI is told for the model's partition."""
        asked = {"query": STALE, "variables": {"key": {"path": [stage]}, "partition": PARTITION}}
        request = urllib.request.Request(
            f"{self.address}/graphql", json.dumps(asked).encode(), headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["data"]["assetNodeOrError"]["staleStatus"]


def until(look: Callable[[], Any], seconds: float = 240) -> Any:
    """The first true value. Raises NotSeen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.3)
    raise NotSeen("it did not come to that")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    """One server and one browser for all tests. Skips where there is no Chromium."""
    try:
        program = installed()
    except NotInstalled as absent:
        pytest.skip(str(absent))
    root = tmp_path_factory.mktemp("ui")
    tree = own_tree.make(root)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    known = {"DAGSTER_HOME": f"{root}/dagster", "TPUFLOW_STORE": f"{root}/build", "PYTHONPATH": str(tree)}
    command = [sys.executable, "-c", "from pipeline.cli import app; app()", "ui", "--port", str(port)]
    with (
        (root / "server.log").open("w") as log,
        subprocess.Popen(command, cwd=tree, env={**os.environ, **known}, stderr=log, start_new_session=True) as server,
    ):
        try:
            with chromium(program, root / "profile") as page:
                page.go_when_served(f"http://127.0.0.1:{port}/assets")
                page.see("canonical_mlir")
                with pytest.MonkeyPatch.context() as patch:
                    patch.setenv("DAGSTER_HOME", known["DAGSTER_HOME"])
                    with dg.DagsterInstance.get() as instance:
                        yield Served(tree, f"http://127.0.0.1:{port}", page, instance)
        finally:
            server.send_signal(signal.SIGINT)
            assert server.wait(timeout=60) == 0


@pytest.fixture
def shoot(served: Served, tmp_path: Path, request: pytest.FixtureRequest) -> Shoot:
    """Takes a picture by name."""
    kept = DOCS if request.config.getoption("--update-screenshots") else tmp_path

    def shot(name: str) -> None:
        folder = kept if name in TOUR else tmp_path
        time.sleep(1)
        served.page.evaluate(NO_ROOT % json.dumps(f"{served.tree.parent}/"))
        data = served.page.png()
        with Image.open(BytesIO(data)) as picture:
            picture.convert("RGB").quantize(256).save(folder / f"{name}.png", optimize=True)

    return shot


@pytest.fixture(scope="module")
def built(served: Served) -> dg.DagsterRun:
    """The run of the job's dialog that builds the partition."""
    return served.launched(lambda: choose(served, MODEL, TARGET))


def choose(served: Served, model: str, target: str, before: Callable[[], None] = lambda: None) -> None:
    """Choose one partition of the job in its dialog, and launch."""
    page = served.page
    page.go(f"{served.address}/jobs")
    page.click("build", "a")
    page.click("Materialize all")
    page.see("Partition selection")
    for name in (target, model):
        page.click("Select a partition", "div")
        page.type(FILTER, name)  # A long list holds only the rows in sight.
        page.click_exactly(name)
        page.press(TITLE)
        page.wait(f"![...document.querySelectorAll('input')].some(e => e.placeholder === '{FILTER}')")
    before()
    page.click("Launch 1 run")


def test_one_launch_builds_one_partition(served: Served, shoot: Shoot) -> None:
    run = served.launched(lambda: choose(served, MODEL, TARGET, lambda: shoot("launch")))
    assert run.is_success
    assert run.tags["dagster/partition"] == PARTITION
    assert {served.status(stage) for stage in ("sample_onnx", "lg_mlir", "accuracy")} == {"FRESH"}


def test_a_stage_shows_its_figures_tables_and_plots(served: Served, built: dg.DagsterRun, shoot: Shoot) -> None:
    for asset, figure, plot in (
        ("profile", "cycles_over_bound", "timeline"),
        ("comparison", "mismatched_bytes", "similarity"),
    ):
        served.stage(asset)
        served.page.see(figure)
        served.page.wait(SHOW % json.dumps(plot))
        served.page.wait(PICTURE)
        shoot(asset)


def test_checks_are_seen_by_partition(served: Served, built: dg.DagsterRun, shoot: Shoot) -> None:
    page = served.page
    page.go(f"{served.address}/assets/comparison?view=checks")
    page.see("chip_equals_tpu")
    page.see("byte for byte")
    shoot("checks")


def test_one_stage_is_materialized_from_its_page(served: Served, built: dg.DagsterRun, shoot: Shoot) -> None:
    served.stage("lg_mlir")

    def launch() -> None:
        served.page.click("Materialize…")
        served.page.see("Launch runs to materialize lg_mlir")
        shoot("one_stage")
        served.page.click("Launch 1 run")

    run = served.launched(launch)
    assert run.is_success
    assert run.asset_selection == {dg.AssetKey("lg_mlir")}
    assert run.tags["dagster/partition"] == PARTITION


def test_a_stage_is_launched_with_changed_settings(served: Served, built: dg.DagsterRun, shoot: Shoot) -> None:
    page = served.page
    served.stage("lg_mlir")

    def launch() -> None:
        page.click("Materialize…")
        page.click_exactly("Config")
        page.click("Add config")
        page.write("ops:\n  lg_mlir:\n    config:\n      effort: 1\n")
        page.see("search longer for fewer cycles")
        shoot("launchpad")
        page.click("Save config")
        page.click("Launch 1 run")

    run = served.launched(launch)
    assert run.is_success
    assert run.run_config == {"ops": {"lg_mlir": {"config": {"effort": 1}}}}
    again = served.launched(lambda: choose(served, MODEL, TARGET))
    assert again.is_success


def test_a_failed_run_says_why(served: Served, shoot: Shoot) -> None:
    model = served.tree / "my_models" / f"{MODEL}.npz"
    whole = model.read_bytes()
    model.write_bytes(whole[:500])
    try:
        run = served.launched(lambda: choose(served, MODEL, "x64-int8"))
    finally:
        model.write_bytes(whole)
    assert run.status == dg.DagsterRunStatus.FAILURE
    served.page.go(f"{served.address}/runs/{run.run_id}")
    served.page.see(f"{MODEL}.npz")
    shoot("failed")


def test_a_run_is_cancelled(served: Served, shoot: Shoot) -> None:
    run = served.begun(lambda: choose(served, own_tree.LATE, "e8-f32"))
    page = served.page
    page.go(f"{served.address}/runs/{run}")
    page.see("STEP_START")
    page.click("Terminate")
    page.click("Terminate 1 run")
    assert served.over(run).status == dg.DagsterRunStatus.CANCELED
    page.see("Canceled")
    shoot("cancelled")


def test_the_nightly_schedule_is_enabled(served: Served, shoot: Shoot) -> None:
    page = served.page
    page.go(f"{served.address}/automation")
    page.see("nightly")
    time.sleep(2)  # Rows still move while the states of the others arrive.
    page.press(SWITCH)
    until(lambda: any(state.name == "nightly" for state in served.instance.all_instigator_state()), 60)
    shoot("nightly")


def test_an_edit_makes_its_stage_stale_until_it_is_built(served: Served, built: dg.DagsterRun, shoot: Shoot) -> None:
    with (served.tree / "compiler" / "schedule" / "groups.py").open("a") as source:
        source.write("# edited\n")
    until(lambda: served.status("lg_mlir") == "STALE")
    assert served.status("tpu_mlir") == "FRESH"
    served.stage("lg_mlir")
    served.page.see("Unsynced")
    shoot("stale")
    assert served.launched(lambda: choose(served, MODEL, TARGET)).is_success
    assert {served.status(stage) for stage in ("tpu_mlir", "lg_mlir", "addr_mlir")} == {"FRESH"}
