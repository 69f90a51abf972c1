"""`bench sim --only checks`: what checked mode costs, which programs are looked at, and that a false alarm is told."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from assets.workshop import Workshop
from pipeline.bench.app import app
from pipeline.bench.sim import Bench
from pipeline.bench.sim_checks import cases, findings
from pipeline.bench.status import telling
from tests.simulator.hand_made import copy_twice

pytestmark = pytest.mark.usefixtures("offline")


def test_costs_and_alarms_of_a_model() -> None:
    arguments = ("sim", "--only", "checks", "-m", "lenet", "-t", "x32-int8", "--pairs", "1", "--json")
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    rows = {row["metric"]: row for row in json.loads(result.stdout)["rows"]}
    assert rows["checked_over_functional"]["value"] > 0
    assert (rows["false_alarms"]["value"], rows["false_alarms"]["verdict"]) == (0, "goal")
    assert (rows["programs_checked"]["value"], rows["models_absent"]["value"]) == (1, 0)


def test_a_program_that_cannot_run_is_counted_too() -> None:
    made, feeds = copy_twice(), {"x": np.zeros((1, 8, 8, 32), np.int8)}
    racing, beyond = made.gdma.copy(), made.gdma.copy()
    racing["wait"] = 0
    beyond["operands"]["addr"][0, 0] = 1 << 30
    assert {one.check for one in findings(replace(made, gdma=racing), feeds)} == {"races"}
    assert [one.check for one in findings(replace(made, gdma=beyond), feeds)] == ["bounds"]


def test_the_whole_zoo_is_looked_at_where_it_is_asked_for() -> None:
    builder = Workshop().builder
    with telling() as told:
        few, all_, own = (
            cases(Bench(builder, told, 1, 1, models, (), zoo))
            for models, zoo in (((), False), ((), True), (("lenet",), True))
        )
    assert {model for model, target in all_ if target == "x64-int8"} == set(builder.zoo.names())
    assert len(few) == len(set(few)) < len(all_)
    assert own == [("lenet", "x64-int8")]
