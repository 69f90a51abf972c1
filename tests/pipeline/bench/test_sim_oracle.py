"""`bench sim --only oracle` says what was compared, and that nothing was where there is nothing to compare with."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline.bench import sim_oracle
from pipeline.bench.app import app
from pipeline.bench.sim_oracle import Run

pytestmark = pytest.mark.usefixtures("offline")

FEW = 16


def told(code: int) -> list[dict[str, Any]]:
    result = CliRunner().invoke(app, ["sim", "--only", "oracle", "--json"])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)["rows"]


def test_a_run_of_all_kinds_reaches_its_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sim_oracle, "COMMANDS", FEW)
    monkeypatch.setattr(sim_oracle, "RUNS", (Run("oracle", 1, ("RESCALE_ADD", "UNPACK")),))
    rows = {row["metric"]: row for row in told(code=0)}
    assert rows["commands_an_op"]["value"] == FEW
    assert rows["kinds_left_out"]["value"] == rows["mismatching_bytes"]["value"] == 0
    assert rows["kinds"]["value"] >= 10


def test_a_kind_left_out_is_a_bar_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sim_oracle, "COMMANDS", FEW)
    monkeypatch.setattr(sim_oracle, "RUNS", (Run("oracle", 1, ("CAST",)),))
    (row,) = [row for row in told(code=1) if row["verdict"] == "missed"]
    assert (row["metric"], row["value"]) == ("kinds_left_out", 24 - FEW)


def test_without_the_tests_it_says_so_and_misses_its_bar(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sim_oracle, "ROOT", tmp_path)
    rows = told(code=1)
    assert [row["verdict"] for row in rows] == ["missed"] * len(sim_oracle.RUNS)
    assert all("no tests/simulator/oracle here" in row["case"] for row in rows)
