"""`tpuflow baseline` and `tpuflow night` on the offline zoo."""

import json
import re
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner, Result

from assets.report import baseline
from assets.workshop import Workshop
from compiler.build.flow import Settings, Target
from pipeline.cli import app
from pipeline.instance import open_instance
from tests.offline_zoo import OfflineZoo


def tpuflow(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def accepted(root: Path) -> list[str]:
    return sorted(json.loads((root / ".store" / "baseline.json").read_text()))


def test_a_night_from_first_to_worse(offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tpuflow("night", "show").exit_code == 1
    first = tpuflow("night", "run", "-t", "e8-int8")
    assert first.exit_code == 0, first.output
    assert "1 of 1 without a baseline yet" in first.stdout
    done = tpuflow("baseline", "accept")
    assert done.exit_code == 0, done.output
    assert "accepted 1 of 1 partitions" in done.stdout
    assert accepted(offline) == ["lenet/e8-int8"]
    with open_instance(OfflineZoo(offline.parent / "zoo")) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey("baseline"))
    assert event is not None
    whole = OfflineZoo.settings

    def settings(zoo: OfflineZoo, model: str) -> Settings:
        return replace(whole(zoo, model), seed=29)

    monkeypatch.setattr(OfflineZoo, "settings", settings)
    worse = tpuflow("night", "run", "-t", "e8-int8")
    assert worse.exit_code == 1, worse.output
    said = re.search(r"\| lenet/e8-int8 \| cycles \| ([\d,]+) \| ([\d,]+) \| \+[\d.]+% \| \[lg_mlir\]", worse.stdout)
    assert said, worse.stdout
    listing = tpuflow("night", "list").stdout
    assert "without a baseline" in listing
    assert "3 regressions in 1 partition" in listing
    moved = tpuflow("baseline", "accept", "-m", "lenet").stdout
    assert all(figure in moved for figure in said.groups())


def test_what_failed_or_is_not_whole_is_refused_by_name(offline: Path) -> None:
    builder = Workshop().builder
    builder.build(builder.zoo.settings("lenet"), Target.parse("e8-int8"))
    builder.build(builder.zoo.settings("lenet"), Target.parse("e8-f32"), ["sample_model"])
    refused = tpuflow("baseline", "accept")
    assert refused.exit_code == 1
    assert "lenet/e8-f32: not built: profile, " in refused.stderr
    assert accepted(offline) == ["lenet/e8-int8"]
    assert tpuflow("baseline", "accept", "--anyway").exit_code == 0
    assert accepted(offline) == ["lenet/e8-f32", "lenet/e8-int8"]
    assert tpuflow("baseline", "forget", "-t", "e8-f32").exit_code == 0
    assert accepted(offline) == ["lenet/e8-int8"]
    assert tpuflow("baseline", "forget").exit_code == 1


def test_a_last_run_that_failed_is_refused(offline: Path) -> None:
    assert tpuflow("night", "run", "-t", "e8-int8").exit_code == 0
    (offline.parent / "zoo" / "model_file" / "model.onnx").write_bytes(b"no model")
    assert tpuflow("night", "run", "-t", "e8-int8").exit_code == 1
    refused = tpuflow("baseline", "accept")
    assert refused.exit_code == 1
    assert "lenet/e8-int8: its last build failed (run " in refused.stderr
    assert not baseline.load(Workshop().builder.store)


def test_artifacts_of_two_builds_are_refused(offline: Path) -> None:
    builder = Workshop().builder
    settings, target = builder.zoo.settings("lenet"), Target.parse("e8-int8")
    builder.build(settings, target)
    builder.build(replace(settings, seed=29), target, ["lg_mlir"])
    refused = tpuflow("baseline", "accept")
    assert refused.exit_code == 1
    assert "lenet/e8-int8: addr_mlir was made from another lg_mlir than is there" in refused.stderr


def test_nothing_to_accept_is_said(offline: Path) -> None:
    assert "nothing of that was built" in tpuflow("baseline", "accept").stderr
    assert "no such partition has a baseline" in tpuflow("baseline", "show").stderr
