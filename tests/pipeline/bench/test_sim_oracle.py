"""`bench sim --only oracle` says what was compared, and that nothing was where there is nothing to compare with."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline.bench import sim_oracle
from pipeline.bench.app import app
from pipeline.bench.sim_oracle import CONTRACTIONS, Run, RunnerFailed, compared
from simulator.arithmetic.processor import available

pytestmark = pytest.mark.usefixtures("offline")

FEW = 16


def told(code: int) -> list[dict[str, Any]]:
    result = CliRunner().invoke(app, ["sim", "--only", "oracle", "--json"])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)["rows"]


def only(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    def runs() -> list[Run]:
        return [run]

    monkeypatch.setattr(sim_oracle, "runs", runs)


def test_a_run_of_all_kinds_reaches_its_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sim_oracle, "COMMANDS", FEW)
    only(monkeypatch, Run("oracle", ops=("RESCALE_ADD", "UNPACK")))
    rows = {row["metric"]: row for row in told(code=0)}
    assert rows["commands_an_op"]["value"] == FEW
    assert rows["kinds_left_out"]["value"] == rows["mismatching_bytes"]["value"] == 0
    assert rows["kinds"]["value"] >= 10


def test_a_kind_left_out_is_a_bar_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sim_oracle, "COMMANDS", FEW)
    only(monkeypatch, Run("oracle", ops=("CAST",)))
    (row,) = [row for row in told(code=1) if row["verdict"] == "missed"]
    assert (row["metric"], row["value"]) == ("kinds_left_out", 24 - FEW)


def test_without_the_tests_it_says_so_and_misses_its_bar(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sim_oracle, "ROOT", tmp_path)
    rows = told(code=1)
    assert [row["verdict"] for row in rows] == ["missed"] * len(list(sim_oracle.runs()))
    assert all("no tests/simulator/oracle here" in row["case"] for row in rows)


LEVELS = [pytest.param(level.name, 1 + at % 2, id=level.name) for at, level in enumerate(available())]


@pytest.mark.parametrize(("level", "threads"), LEVELS)
def test_every_level_of_kernels_makes_the_same_bytes_with_one_thread_or_two(level: str, threads: int) -> None:
    found = compared(Run(level, threads, level, CONTRACTIONS), commands=300)
    assert found["mismatching_bytes"] == 0
    assert set(found["ops"].values()) == {300}


def test_a_level_that_there_is_not_is_no_comparison() -> None:
    with pytest.raises(RunnerFailed, match="NoSuchLevel"):
        compared(Run("none", level="abacus", ops=("CONV",)), commands=1)
