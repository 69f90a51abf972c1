"""Builds with changed settings, what the store's commands say, and the event log after a build."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from typer.testing import CliRunner, Result

from compiler.build.store import Store
from pipeline.cli import app
from pipeline.instance import open_instance
from tests.offline_zoo import OfflineZoo

BUILD = ("build", "lenet", "--target", "e8-int8", "--goal", "tpu_mlir")


def tpuflow(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def built(*more: str) -> dict[str, Any]:
    result = tpuflow(*BUILD, "--json", *more)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)[0]


def because(*more: str) -> str:
    result = tpuflow(*BUILD, "--explain", *more)
    assert result.exit_code == 0, result.output
    return " ".join(result.stdout.split())


def refused(*arguments: str) -> str:
    result = tpuflow(*arguments)
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    return " ".join(result.stderr.split())


def test_an_experiment_is_shown_and_the_record_is_pointed_back_to(offline: Path) -> None:
    built()
    table = (offline / "lenet/e8-int8/cali_table").read_bytes()
    changes = ("--set", "calibration.method=percentile", "--set", "calibration.samples=4")
    assert "cali_table run parameter method: max → percentile; parameter samples: 8 → 4" in because(*changes)
    assert built(*changes)["ran"] >= 1
    assert (offline / "lenet/e8-int8/cali_table").read_bytes() != table
    assert "cali_table re-point the partition shows another version: parameter method: percentile → max" in because()
    assert built()["ran"] == 0
    assert (offline / "lenet/e8-int8/cali_table").read_bytes() == table
    assert "up to date" in because()


def test_one_exception_of_the_qtable_reaches_mode_mix_alone(offline: Path) -> None:
    mix = ("build", "lenet", "--target", "e8-mix", "--goal", "tpu_mlir")
    assert tpuflow(*mix).exit_code == 0
    built()
    change = ("--set", "qtable.qtable.logits_Gemm=3.5")
    assert "up to date" in because(*change)
    told = " ".join(tpuflow(*mix, "--explain", *change).stdout.split())
    assert "lenet/e8-mix tpu_mlir run parameter qtable.logits_Gemm: absent → 3.5" in told


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("calib.method=kl", "no settings 'calib'; there are shapes, calibration, mix, qtable"),
        ("calibration.metod=kl", "calibration has no 'metod'; there are method, samples, bins"),
        (
            "calibration.method=best",
            "--set calibration.method: Input should be 'auto', 'max', 'kl', 'percentile', 'mse'",
        ),
        ("calibration.samples=0", "--set calibration.samples: Input should be greater than 0; got 0"),
        ("calibration.samples=[1", "'[1' is no value"),
        ("shapes.fuse_preprocess=true", "lenet: fuse_preprocess needs preprocessing.raw in the model's record"),
        ("calibration", "write group.field=value, such as calibration.method=kl"),
    ],
)
def test_a_change_that_is_none_is_named_with_what_there_is(offline: Path, change: str, message: str) -> None:
    assert message in refused(*BUILD, "--set", change)
    assert not (offline / "lenet").exists()


def test_a_build_is_in_the_event_log_of_an_instance_that_there_is(
    offline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(offline.parent / "home"))
    built()
    assert not (offline.parent / "home").exists()
    with open_instance(OfflineZoo(offline.parent / "zoo")) as instance:
        built()
        event = instance.get_latest_materialization_event(dg.AssetKey("tpu_mlir"))
        assert event is not None
        assert event.asset_materialization is not None
        assert event.asset_materialization.partition == "lenet|e8-int8"
        shown = Store(offline).refs("lenet/e8-int8")["tpu_mlir"]
        assert (event.asset_materialization.tags or {})["dagster/data_version"] == shown.object[:16]


def test_the_store_is_told_and_kept_within_a_bound(offline: Path) -> None:
    built()
    built("--set", "calibration.method=percentile")
    told = " ".join(tpuflow("store", "show").stdout.split())
    assert "cali_table 2 2 " in told
    assert told.endswith("partitions: 1")
    store = Store(offline)
    for name in store.names("records"):
        os.utime(store.inner / name, (time.time() - 9000, time.time() - 9000))
    would = tpuflow("store", "gc", "--max-bytes", "1", "--dry-run")
    assert "would remove 3 records, 3 objects, " in would.stdout
    assert would.exit_code == 1
    assert " bytes are left, above 1: " in " ".join(would.stderr.split())
    assert tpuflow("store", "gc", "--max-bytes", "1GB").stdout.startswith("removed 0 records, 0 objects, 0 bytes")
    assert tpuflow("store", "gc", "--unused").stdout.startswith("removed 3 records")
    assert built("--set", "calibration.method=percentile")["ran"] == 0
    assert "no size '1XB'" in refused("store", "gc", "--max-bytes", "1XB")
