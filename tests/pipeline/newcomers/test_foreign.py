"""The watched folder takes files of other frameworks, if they say their inputs and run nothing as they are read."""

from pathlib import Path
from typing import Any

import dagster as dg
import onnx
import pytest

from assets.workshop import Workshop
from assets.zoo import foreign
from compiler.frontends.foreign import Foreign
from tests.assets.zoo import nets
from tests.pipeline.newcomers.test_sensor import Watched


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """An empty folder that has been ticked once; every file is the dense net to its converter."""
    (folder := tmp_path / "models").mkdir()
    monkeypatch.setenv("TPUFLOW_MODELS", str(folder))
    monkeypatch.setenv("TPUFLOW_CACHE", str(tmp_path / "cache"))

    def converted(source: Foreign, out: Path) -> dict[str, Any]:
        onnx.save_model(nets.dense((1, 8)), out / "model.onnx")
        return {}

    monkeypatch.setattr(foreign, "converted", converted)
    made = Watched(folder, Workshop(tmp_path / "build"), dg.DagsterInstance.ephemeral())
    assert not made.tick().run_requests
    return made


def test_what_says_its_inputs_and_runs_nothing_is_built(watched: Watched) -> None:
    for name in ("a.pt2", "b.tflite", "c.keras", "d.pt", "e.py", "f.json"):
        (watched.folder / name).write_text(name)
    (watched.folder / "net").mkdir()
    (watched.folder / "net" / "saved_model.pb").write_text("graph")
    requests = watched.settle()
    assert {request.partition_key for request in requests} == {f"{name}|x64-int8" for name in ("a", "b", "c", "net")}
    assert "kind: tensorflow\n  file: net\n" in (watched.folder / "net.yaml").read_text()


def test_a_part_of_a_saved_model_that_changes_is_built_anew(watched: Watched) -> None:
    (variables := watched.folder / "net" / "variables").mkdir(parents=True)
    (watched.folder / "net" / "saved_model.pb").write_text("graph")
    (variables / "v.index").write_text("weights")
    assert len(watched.settle()) == 1
    assert not watched.tick().run_requests
    (variables / "v.index").write_text("better weights")
    assert len(watched.settle()) == 1


def test_a_saved_model_whose_record_is_taken_away_stays_away(watched: Watched) -> None:
    (watched.folder / "net").mkdir()
    (watched.folder / "net" / "saved_model.pb").write_text("graph")
    watched.settle()
    (watched.folder / "net.yaml").unlink()
    for _ in range(3):
        assert not watched.tick().run_requests
    assert not (watched.folder / "net.yaml").exists()
    assert "net" not in watched.models()
