"""A framework that isn't there is a row that says so, and never a pass."""

import json

import pytest
from typer.testing import CliRunner

from compiler.frontends.foreign import KINDS
from pipeline.bench.app import app
from pipeline.bench.frontends import FILES, ROUTES, failed
from pipeline.bench.report import Row


def test_absent_frameworks_are_rows_and_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in KINDS:
        monkeypatch.setenv(f"TPUFLOW_{kind.upper()}", "/bin/false")
    result = CliRunner().invoke(app, ["frontends", "--json"])
    assert result.exit_code == 1
    rows = json.loads(result.stdout)["rows"]
    assert [(row["metric"], row["value"]) for row in rows] == [("absent", 1)] * len(ROUTES)
    assert {row["unit"] for row in rows} == {f"{kind} packages" for kind in KINDS}


def test_a_route_that_there_is_none_of_is_named() -> None:
    result = CliRunner().invoke(app, ["frontends", "--route", "caffe"])
    assert result.exit_code == 2
    assert "no route 'caffe'" in result.output


@pytest.mark.parametrize(
    ("target", "metric", "value", "fails"),
    [
        ("x64-f32", "absent", 1, True),
        ("x64-int8", "absent", 1, True),
        ("x64-f32", "changed", 1, True),
        ("x64-f32", "chip_changed", 1, True),
        ("x64-int8", "changed", 5, False),
        ("x64-int8", "changed", 6, True),
        ("x64-int8", "chip_changed", 6, True),
        ("x64-f32", "accuracy", 1, False),
    ],
)
def test_what_fails(target: str, metric: str, value: float, fails: bool) -> None:
    assert failed([Row(f"resnet8/{target}/some", metric, value, "digits")]) == fails
    assert not failed([Row(f"resnet8/{target}/some", metric, 0, "digits")])


def test_what_a_route_needs_is_kept_here_or_made_by_the_script() -> None:
    assert [name for name, route in ROUTES.items() if not (FILES / route.file).exists()] == ["saved_model"]
