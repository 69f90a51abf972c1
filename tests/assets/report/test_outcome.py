"""What became of a partition, for every way in which its runs can end; one run is really killed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterInstance, DagsterRunStatus

from assets.report.order import ORDER_TAG, Order, Task
from assets.report.outcome import outcomes

SCRIPT = """
import os, signal
import dagster as dg

@dg.op
def canonical_mlir(): ...

@dg.op(ins={"after": dg.In(dg.Nothing)})
def lg_mlir():
    os.kill(os.getpid(), signal.SIGKILL)

@dg.job
def build():
    lg_mlir(canonical_mlir())

build.execute_in_process(
    instance=dg.DagsterInstance.get(), tags={"tpuflow/order": "night", "dagster/partition": "m|e8-int8"}
)
"""


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[DagsterInstance]:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}")
    with DagsterInstance.from_config(str(tmp_path)) as held:
        yield held


def order(*targets: str) -> Order:
    work = [Task("m", target, "lg_mlir", "") for target in targets]
    return Order("night", "nightly", "", True, work=work, unchanged=["n/e8-int8"], broken={"o/e8-int8": "no YAML"})


def job(instance: DagsterInstance, target: str, fail: str = "", message: str = "") -> dg.ExecuteInProcessResult:
    """A run of two steps, of which one may fail."""

    def step(name: str, before: dict[str, dg.In]) -> dg.OpDefinition:
        @dg.op(name=name, ins=before)
        def body() -> None:
            if name == fail:
                raise dg.Failure(message) if message else ZeroDivisionError("one over nothing")

        return body

    @dg.job(name="build")
    def build() -> None:
        step("lg_mlir", {"after": dg.In(dg.Nothing)})(step("canonical_mlir", {})())

    tags = {ORDER_TAG: "night", "dagster/partition": f"m|{target}"}
    return build.execute_in_process(instance=instance, tags=tags, raise_on_error=False)


def test_every_partition_of_the_order_has_an_outcome(instance: DagsterInstance) -> None:
    job(instance, "e8-int8")
    job(instance, "e8-f32", "lg_mlir", "m/e8-f32, stage lg_mlir: nothing fits a lane")
    job(instance, "e8-f16", "canonical_mlir")
    found = outcomes(instance, order("e8-int8", "e8-f32", "e8-f16", "e8-bf16"))
    assert {name: (it.status, it.stage, it.message) for name, it in found.items()} == {
        "m/e8-int8": ("built", "", ""),
        "m/e8-f32": ("failed", "lg_mlir", "nothing fits a lane"),
        "m/e8-f16": ("failed", "canonical_mlir", "ZeroDivisionError: one over nothing"),
        "m/e8-bf16": ("not run", "", ""),
        "n/e8-int8": ("unchanged", "", ""),
        "o/e8-int8": ("not planned", "", "no YAML"),
    }
    assert found["m/e8-f32"].made == {"canonical_mlir"}


def test_a_later_run_of_the_order_is_the_one_that_counts(instance: DagsterInstance) -> None:
    job(instance, "e8-int8", "lg_mlir", "no")
    job(instance, "e8-int8")
    assert outcomes(instance, order("e8-int8"))["m/e8-int8"].status == "built"


def test_a_killed_run_is_a_row_with_the_stage_it_was_at(instance: DagsterInstance, tmp_path: Path) -> None:
    home = {**os.environ, "DAGSTER_HOME": str(tmp_path)}
    killed = subprocess.run([sys.executable, "-c", SCRIPT], env=home, capture_output=True, check=False)
    assert killed.returncode < 0, killed.stderr.decode()
    before = outcomes(instance, order("e8-int8"))["m/e8-int8"]
    assert (before.status, before.stage, before.made) == ("unfinished", "lg_mlir", {"canonical_mlir"})
    [run] = instance.get_runs()
    instance.report_run_failed(run, "the worker is gone")
    after = outcomes(instance, order("e8-int8"))["m/e8-int8"]
    assert (after.status, after.stage, after.message) == ("lost", "lg_mlir", "the worker is gone")


def test_a_cancelled_run_is_a_row(instance: DagsterInstance) -> None:
    run = dg.DagsterRun("build", "0123", status=DagsterRunStatus.STARTED)
    instance.add_run(run.with_tags({ORDER_TAG: "night", "dagster/partition": "m|e8-int8"}))
    instance.report_run_canceled(run, "somebody wanted to go home")
    found = outcomes(instance, order("e8-int8"))["m/e8-int8"]
    assert (found.status, found.message) == ("cancelled", "somebody wanted to go home")
