"""`bench sim --only mutants`: faults in a program are found, or change its results, or are plainly none."""

import json
from dataclasses import replace
from itertools import islice
from random import Random
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from pipeline.bench import sim_mutants
from pipeline.bench.app import app
from pipeline.bench.mutators import faults, mutants
from pipeline.bench.sim_mutants import Subject, equivalent
from pipeline.bench.sim_stand import Stand
from simulator.checks.finding import Finding
from simulator.checks.waits import waits, without
from simulator.isa.table import Engine, Region
from simulator.model_file import Model
from tests.simulator.hand_made import copy_twice
from tests.simulator.two_cores import BYTES, halves

X = np.arange(2 * BYTES, dtype=np.uint8).reshape(2, 32, 4, 16)


def told(code: int) -> dict[tuple[str, str], dict[str, Any]]:
    result = CliRunner().invoke(app, ["sim", "--only", "mutants", "-m", "lenet", "-t", "x32-int8", "--json"])
    assert result.exit_code == code, result.output
    return {(row["case"], row["metric"]): row for row in json.loads(result.stdout)["rows"]}


@pytest.mark.usefixtures("offline")
def test_no_fault_leaves_bytes_that_depend_on_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sim_mutants, "EACH", 5)
    rows = told(code=0)
    for fault in faults():
        outcomes = [rows[f"fault/{fault}", outcome.replace(" ", "_")]["value"] for outcome in sim_mutants.OUTCOMES]
        assert sum(outcomes) == rows[f"fault/{fault}", "mutants"]["value"]
    assert sum(row["value"] for (_, metric), row in rows.items() if metric == "found") > 25
    for fault in faults():
        there = rows[f"fault/{fault}", "mutants"]["value"]
        assert rows[f"fault/{fault}", "missed"]["verdict"] == ("goal" if there else "")


@pytest.mark.parametrize("fault", [fault for fault in faults() if fault != "drop a flag"])
def test_a_fault_changes_a_record_or_two(fault: str) -> None:
    made = halves()
    found = list(islice(mutants(made, fault, Random(0)), 8))
    assert found
    for mutant in found:
        pairs = [
            (was, now)
            for old, new in zip(made.cores, mutant.cores, strict=True)
            for engine in Engine
            for was, now in zip(old.of(engine), new.of(engine), strict=True)
        ]
        assert sum(was != now for was, now in pairs) == (2 if fault == "swap neighbours" else 1)


def test_what_becomes_of_one() -> None:
    made = halves()
    subject = Subject(made, Stand(made, {"x": X}))
    assert subject.outcome(made) == "equivalent"
    other = replace(made, gdma=made.gdma.copy())
    other.gdma["operands"]["addr"][0, 1] += 64
    assert subject.outcome(other) == "other bytes"
    unsent = next(mutants(made, "drop a SEND", Random(0)))
    assert subject.outcome(unsent) == "found"


def test_a_check_that_is_blind_is_told_by_the_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    def blind(model: Model) -> list[Finding]:
        return []

    monkeypatch.setattr(sim_mutants, "check", blind)
    made = halves()
    subject = Subject(made, Stand(made, {"x": X}))
    assert {subject.outcome(without(made, wait)) for wait in waits(made) if wait.message} == {"missed"}


def test_records_that_may_change_places() -> None:
    made = copy_twice()
    made.gdma["operands"]["addr"][1, 1] = 0
    for first, apart in ((0, False), (1, True), (2, True)):
        gdma = made.gdma.copy()
        gdma[[first, first + 1]] = gdma[[first + 1, first]]
        assert equivalent(made, replace(made, gdma=gdma)) == apart
    gdma = made.gdma.copy()
    gdma["operands"]["strides"][0, 1, 0] += 4
    assert equivalent(made, replace(made, gdma=gdma))
    gdma["operands"]["region"][0, 1] = Region.ACTIVATION
    assert not equivalent(made, replace(made, gdma=gdma))
