"""The bench commands on a model that needs no download: what they print, and their exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assets.zoo.packages import PackageUnavailable
from pipeline.bench import exact, sim_cycles, sim_start
from pipeline.bench.app import app
from pipeline.bench.judged import Wanted
from pipeline.bench.sim_speed import paired

pytestmark = pytest.mark.usefixtures("offline")


def told(*arguments: str, code: int = 0) -> dict[str, Any]:
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def test_json_is_as_the_design_says() -> None:
    shown = told("exact", "--target", "x64-f32", "--tilings", "1", "--no-ops")
    assert shown["bench"] == "exact"
    assert {"cpu", "cores", "memory_bytes", "python", "packages"} <= shown["machine"].keys()
    assert shown["rows"] == [
        {"case": case, "metric": "mismatched_bytes", "value": 0, "unit": "bytes"}
        for case in ("lenet/x64-f32", "lenet/x64-f32/tiling-1")
    ]


def test_wrong_bytes_are_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(tpu: object, chip: object) -> int:
        return 3

    monkeypatch.setattr(exact, "mismatched_bytes", wrong)
    shown = told("exact", "--target", "x64-f32", "--tilings", "0", "--no-ops", code=1)
    assert [row["value"] for row in shown["rows"]] == [3]


def test_a_random_tiling_is_not_shown_to_people(offline: Path) -> None:
    told("exact", "--target", "x64-int8", "--tilings", "1", "--no-ops")
    assert not (offline / "lenet").exists()


def test_sim_times_both_sides() -> None:
    shown = told("sim", "--only", "speed", "-m", "lenet", "-t", "x64-int8", "--pairs", "3")["rows"]
    rows = {row["metric"]: row for row in shown}
    assert rows["functional_over_ort"]["value"] > 0
    assert rows["functional_s"]["unit"] == rows["ort_s"]["unit"] == "s"


def test_a_missed_bar_of_sim_is_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    case = ("sim", "--only", "cycles", "-m", "lenet", "--pairs", "1")
    monkeypatch.setattr(sim_cycles, "WANTED", Wanted(1e9, 1e6, less=True))
    (row,) = told(*case)["rows"]
    assert (row["case"], row["bar"], row["goal"], row["verdict"]) == ("lenet/x64-int8", 1e9, 1e6, "goal")
    monkeypatch.setattr(sim_cycles, "WANTED", Wanted(0, 0, less=True))
    (row,) = told(*case, code=1)["rows"]
    assert row["verdict"] == "missed"


def test_a_model_that_cannot_be_had_ends_its_part_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(bench: object) -> list[object]:
        raise PackageUnavailable("resnet50 is in a package that isn't here")

    monkeypatch.setattr(sim_start, "rows", unavailable)
    first, second = told("sim", "--only", "start,cycles", "-m", "lenet", "--pairs", "1", code=1)["rows"]
    assert first["case"] == "start: resnet50 is in a package that isn't here"
    assert (first["metric"], first["verdict"]) == ("models_absent", "missed")
    assert (second["case"], second["metric"]) == ("lenet/x64-int8", "cycles_only_cpu_s")


def test_a_part_of_sim_that_there_is_not() -> None:
    result = CliRunner().invoke(app, ["sim", "--only", "speed,luck"])
    assert result.exit_code == 2
    assert "no part 'luck'; there are speed, cycles" in " ".join(result.output.replace("│", " ").split())


def test_pairs_alternate_after_a_run_that_does_not_count() -> None:
    order: list[str] = []
    times = paired(lambda: order.append("ours"), lambda: order.append("theirs"), 2)
    assert order == ["ours", "theirs"] * 3
    assert len(times) == 2


def test_memory_is_the_least_and_absent_cases_are_counted(tmp_path: Path) -> None:
    (tmp_path / "A.1048576.csv").write_text("id,lower,upper,size\n0,0,9,1048576\n")
    shown = told("memory", "--model", "lenet", "--target", "e8-int8", "--minimalloc", str(tmp_path))
    rows = {(row["case"], row["metric"]): row["value"] for row in shown["rows"]}
    assert rows["lenet/e8-int8", "peak_over_lower_bound"] == 1
    assert rows["minimalloc/A.1048576", "solved"] == 1
    assert rows["minimalloc", "absent"] == 10


def test_a_case_that_does_not_fit_is_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "K.1048576.csv").write_text("id,lower,upper,size\n0,0,9,1048577\n")
    told("memory", "--model", "lenet", "--target", "e8-int8", "--minimalloc", str(tmp_path), code=1)


def test_accuracy_tells_float_chip_and_loss() -> None:
    rows = told("accuracy", "--target", "x64-f32")["rows"]
    assert {row["metric"] for row in rows} == {"accuracy", "float_accuracy", "accuracy_drop"}
    assert all(row["case"] == "lenet/x64-f32" for row in rows)


def test_without_json_it_is_a_table() -> None:
    result = CliRunner().invoke(app, ["exact", "--target", "x64-f32", "--tilings", "0", "--no-ops"])
    assert result.exit_code == 0
    assert "mismatched_bytes" in result.stdout
    assert "lenet/x64-f32" in result.stdout
