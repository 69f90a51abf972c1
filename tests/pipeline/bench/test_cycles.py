"""`bench cycles` names what misses its bar, and what counts for nothing."""

import json
from dataclasses import replace
from typing import Any

import pytest
from typer.testing import CliRunner

from assets import workshop
from assets.zoo.zoo import InstalledZoo
from compiler.build.flow import Settings
from pipeline.bench import cycles
from pipeline.bench.app import app
from pipeline.bench.cycles import TABLE, Case, Judged, Limit, faults, judged
from pipeline.bench.status import telling
from simulator.chip import chip_named
from simulator.isa.table import DType
from simulator.model_file import IO

SOUND: dict[str, Any] = {
    "host_ops": 0, "findings": 0, "cycles": 20, "floor_cycles": 10, "ddr_bytes": 9, "compulsory_bytes": 9,
    "macs": 503_040,
}  # fmt: skip
EDGE = IO("x", (1, 3), DType.I8, 0)
CASE = Case("lenet", "x64")
ESTIMATED = Case("lenet", "x64_tpumlir", {}, 1000, 1_050_000)


def why(profile: dict[str, Any] | None = None, edge: IO = EDGE, case: Case = CASE, **settings: Any) -> str:
    return "; ".join(faults(case, Settings("lenet", **settings), SOUND | (profile or {}), [edge]))


def test_the_table_has_the_topologies_that_the_zoo_has() -> None:
    zoo = InstalledZoo()
    for case in TABLE:
        assert zoo.settings(case.model).effort == cycles.DEFAULT_EFFORT
        assert (chip_named(case.chip).cores > 1) == bool(case.alone)
        assert all(limit.goal < limit.bar for limit in case.limits.values())


def test_two_cores_are_told_against_one() -> None:
    case = next(case for case in TABLE if case.alone)
    assert chip_named(case.alone).cores == 1
    profile = {"cycles": 200, "cycles_over_bound": 1.5, "ddr_over_compulsory": 1.0}
    told = cycles.figures(case, {"profile": profile, "alone": {"cycles": 300}})
    assert (told["cycles_on_one_core"], told["speed_up"]) == (300, 1.5)


@pytest.mark.parametrize(
    ("value", "said"),
    [(1.31, "missed"), (1.3, "bar"), (1.1, "goal"), (0.99, "goal, below the bound")],
)
def test_a_figure_is_held_against_bar_and_goal(value: float, said: str) -> None:
    assert judged(value, Limit(1.3, 1.1)) == said


def test_less_than_an_estimate_is_no_surprise() -> None:
    assert judged(0.5, Limit(0.75, 0.55)) == "goal"


def test_what_counts_for_nothing_is_named() -> None:
    assert why() == ""
    assert why({"host_ops": 2}) == "2 ops on the host"
    assert why({"findings": 1}) == "1 findings"
    assert "floor" in why({"cycles": 9})
    assert "compulsory" in why({"ddr_bytes": 8})
    assert why(edge=replace(EDGE, dtype=DType.F32)) == "x is stored as f32"
    assert why(edge=replace(EDGE, dtype=DType.I32, declared="int64")) == "", "indices have no storage type of a mode"
    assert why(edge=replace(EDGE, dtype=DType.F32), case=ESTIMATED) == ""
    assert why(case=ESTIMATED) == "x is stored as i8"
    assert why({"macs": 400_000}, replace(EDGE, dtype=DType.F32), ESTIMATED).startswith(
        "another network than was estim"
    )
    assert why(compress=True) == "packed weights"
    assert why(effort=3) == "a schedule of its own"


def test_a_row_that_misses_or_counts_for_nothing_fails_the_bench() -> None:
    row = Judged("a", "cycles_over_bound", 1.2, "ratio", 1.3, 1.1, "bar")
    assert not cycles.failed([row])
    assert all(cycles.failed([row, replace(row, verdict=v)]) for v in ("missed", "invalid: x", "failed: y"))


@pytest.mark.usefixtures("offline")
def test_an_estimate_is_held_against_float32_cast_on_the_chip() -> None:
    builder = workshop.Workshop().builder
    with telling() as told:
        shown = {row.metric: row for row in cycles.rows(builder, ESTIMATED, told)}
    assert list(shown) == ["cycles", "cycles_over_estimate", "macs_over_estimate"]
    assert shown["cycles_over_estimate"].value == shown["cycles"].value / 1000
    assert not cycles.failed([*shown.values()])


@pytest.mark.usefixtures("offline")
def test_models_of_the_zoo_on_request() -> None:
    result = CliRunner().invoke(app, ["cycles", "--zoo", "--only", "^lenet", "--json"])
    shown = {row["metric"]: row for row in json.loads(result.stdout)["rows"]}
    assert list(shown) == ["cycles", "cycles_over_bound", "ddr_over_compulsory", "peak_over_lower_bound"]
    assert shown["peak_over_lower_bound"]["verdict"] == "goal"
    assert shown["cycles_over_bound"]["bar"] is None
    assert result.exit_code == 0, result.output
