"""`bench sim --only waits` on a model that needs no download: all necessary waits are caught, and a miss is told."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline.bench import sim_waits
from pipeline.bench.app import app
from simulator.model_file import Model

pytestmark = pytest.mark.usefixtures("offline")


def told(code: int) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["sim", "--only", "waits", "-m", "lenet", "-t", "x32-int8", "--json"])
    assert result.exit_code == code, result.output
    return {row["metric"]: row for row in json.loads(result.stdout)["rows"]}


def test_all_necessary_waits_are_caught_and_the_chip_shows_why() -> None:
    rows = told(code=0)
    values = {metric: row["value"] for metric, row in rows.items()}
    assert values["waits"] == values["necessary"] > 0
    assert values["necessary_caught"] == values["shortened_caught"] == values["unneeded_proven"] == 100
    assert values["false_alarms"] == values["verdicts_that_differ"] == values["implied"] == values["unneeded"] == 0
    assert 0 < values["deletions_with_other_bytes"] <= values["deletions_run"]
    assert values["unneeded_when_planted"] > 0


def test_a_check_that_misses_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def blind(model: Model) -> bool:
        return False

    monkeypatch.setattr(sim_waits, "racing", blind)
    rows = told(code=1)
    assert rows["necessary_caught"]["verdict"] == rows["verdicts_that_differ"]["verdict"] == "missed"
