"""A night with an accuracy loss, a cycle loss and a crash planted, through real builds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipeline.bench.nights import Nights, webhook
from pipeline.bench.planted import accuracy_loss, crash, cycle_loss

FAULTS = {"blurred": accuracy_loss, "slowed": cycle_loss, "broken": crash}


@dataclass(frozen=True)
class Told:
    """What came of the night before the faults, and of the one with them."""

    nights: Nights
    quiet: Mapping[str, dg.AssetCheckEvaluation]
    quiet_runs: list[str]
    checks: Mapping[str, dg.AssetCheckEvaluation]
    runs: list[str]
    posted: list[dict[str, Any]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    with webhook() as (address, posted), pytest.MonkeyPatch.context() as patch:
        patch.setenv("TPUFLOW_WEBHOOK", address)
        nights = Nights(tmp_path_factory.mktemp("night"), [*FAULTS, "sound"])
        nights.spend("first")
        nights.accept()
        nights.spend("quiet")
        quiet, quiet_runs = nights.checks(), list(nights.ran)
        for model, fault in FAULTS.items():
            nights.zoo.plant(model, fault)
        nights.spend("bad")
    return Told(nights, quiet, quiet_runs, nights.checks(), list(nights.ran), posted)


def offenders(check: dg.AssetCheckEvaluation) -> list[str]:
    assert check.description is not None
    return [] if check.passed else [line.split()[0] for line in check.description.splitlines()]


def test_a_night_without_changes_launches_no_build_and_is_green(told: Told) -> None:
    assert told.quiet_runs == ["planning", "quiet:report"]
    assert all(check.passed for check in told.quiet.values())


def test_each_fault_is_named_and_nothing_else(told: Told) -> None:
    assert {name: offenders(check) for name, check in told.checks.items()} == {
        "every_partition_built": ["broken/e8-int8"],
        "checks_hold": [],
        "no_regression_in_accuracy": ["blurred/e8-int8"],
        "no_regression_in_sqnr_db": ["blurred/e8-int8"],
        "no_regression_in_cycles": ["slowed/e8-int8"],
        "no_regression_in_ddr_bytes": ["slowed/e8-int8"],
        "no_regression_in_model_bytes": ["slowed/e8-int8"],
        "no_regression_in_host_ops": [],
        "no_regression_in_seconds": [],
    }


def test_a_regression_says_before_after_and_where_it_began(told: Told) -> None:
    cycles = told.checks["no_regression_in_cycles"].description or ""
    pattern = r"slowed/e8-int8 cycles: ([\d,]+) → ([\d,]+) \(\+[\d.]+%\), first changed in lg_mlir: parameter seed"
    said = re.match(pattern, cycles)
    assert said, cycles
    before, after = (int(figure.replace(",", "")) for figure in said.groups())
    assert before < after
    accuracy = told.checks["no_regression_in_accuracy"].description or ""
    assert "first changed in cali_table: input calibration_data" in accuracy
    assert "sample_onnx" in (told.checks["every_partition_built"].description or "")


def test_the_broken_one_stops_no_other_and_the_sound_one_is_not_run(told: Told) -> None:
    built = [f"bad:{model}/e8-int8" for model in ("blurred", "slowed", "broken")]
    assert told.runs == ["planning", *built, "bad:report"]
    assert not told.nights.open_orders()


def test_the_report_is_there_and_people_are_told(told: Told) -> None:
    metadata = told.nights.metadata()
    page = Path(metadata["page"])
    assert "broken/e8-int8" in page.read_text()
    assert "slowed/e8-int8" in page.with_name("report.md").read_text()
    assert len(metadata["summary"].encode()) <= 4096
    assert metadata["notification"] == "sent"
    assert [message["order"] for message in told.posted] == ["first", "quiet", "bad"]
    message = told.posted[-1]
    assert message["text"].startswith("bad: 1 failure and 5 regressions in 4 partitions\nbroken/e8-int8 failed")
    assert message["verdict"] == "bad"
    assert message["failures"] == ["broken/e8-int8"]


def test_a_failed_partition_shows_no_figure_of_an_older_build(told: Told) -> None:
    text = Path(told.nights.metadata()["page"]).with_name("report.md").read_text()
    row = next(line for line in text.split("## All")[1].splitlines() if line.startswith("| broken/"))
    assert row == "| broken/e8-int8 | failed | – | – | – | – | – | – | – |"
