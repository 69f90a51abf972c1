"""The accuracy stage on a committed model, from ONNX to the chip."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import pytest

from compiler.feeds import BadData
from compiler.metrics.table import UnknownMetric
from compiler.npz import write_npz
from compiler.stages import (
    accuracy,
    addr_mlir,
    canonical_mlir,
    lg_mlir,
    origin_mlir,
    sample_model,
    sample_onnx,
    tpu_mlir,
)

MODEL = Path(__file__).parents[3] / "models" / "lenet_mnist.onnx"
DIGITS = np.random.default_rng(0).uniform(0, 1, (12, 1, 28, 28)).astype(np.float32)
TOP1: Mapping[str, Any] = {"metric": "top1", "samples": 100}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """LeNet in f32 for the smallest chip, each stage in a folder of its own."""
    folder = tmp_path_factory.mktemp("lenet")
    stages: tuple[tuple[ModuleType, dict[str, Any]], ...] = (
        (sample_onnx, {"shapes": {}}), (origin_mlir, {"name": "lenet"}), (canonical_mlir, {}),
        (tpu_mlir, {"mode": "f32"}), (lg_mlir, {"chip": "e8", "effort": 0, "seed": None}),
        (addr_mlir, {"chip": "e8"}), (sample_model, {"chip": "e8"}),
    )  # fmt: skip
    homes = {"model_file": folder / "model_file"}
    homes["model_file"].mkdir()
    onnx.save(onnx.load(MODEL), homes["model_file"] / "model.onnx")
    for stage, params in stages:
        name = stage.__name__.rpartition(".")[2]
        homes[name] = folder / name
        homes[name].mkdir()
        stage.run(homes, params, homes[name])
    return homes


def scored(built: Mapping[str, Path], out: Path, data: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    folder = out / "evaluation_data"
    folder.mkdir()
    write_npz(folder / "evaluation.npz", data)
    return accuracy.run({**built, "evaluation_data": folder}, params, out)


def test_float_and_chip_are_scored_on_the_same_samples(built: dict[str, Path], tmp_path: Path) -> None:
    session = accuracy.Session(onnx.load(MODEL))
    logits = np.concatenate([session.run({"x": DIGITS[i : i + 1]})["logits"] for i in range(12)])
    labels = logits.argmax(1)
    labels[:3] = (labels[:3] + 1) % 10
    told = scored(built, tmp_path, {"x": DIGITS, "labels": labels}, TOP1)
    table = told.pop("table")
    assert told.pop("misjudged") == 3
    assert [(row["sample"], row["label"] == row["chip"]) for row in table] == [(0, False), (1, False), (2, False)]
    assert told == {
        "metric": "top1", "samples": 12, "accuracy": 0.75, "accuracy_float": 0.75, "agreement": 1.0, "drop": 0.0,
    }  # fmt: skip
    written = json.loads((tmp_path / "accuracy.json").read_text())
    rows = written.pop("predictions")
    assert written == told
    assert [row["label"] for row in rows] == labels.tolist()
    assert [row["chip"] for row in rows] == [row["float"] for row in rows] == logits.argmax(1).tolist()
    with np.load(tmp_path / "predictions.npz") as held:
        assert np.allclose(held["chip"], logits, rtol=1e-4, atol=1e-4)
        assert np.array_equal(held["float"], logits)
    with np.load(tmp_path / "misjudged.npz") as held:
        assert held["samples"].tolist() == [0, 1, 2]
        assert held["images"].shape == (3, 28, 28)
        assert np.abs(held["images"] / 255 - (DIGITS[:3, 0] - DIGITS[:3].min((1, 2, 3))[:, None, None])).max() < 0.01


def test_fewer_samples_may_be_asked_for(built: dict[str, Path], tmp_path: Path) -> None:
    told = scored(built, tmp_path, {"x": DIGITS, "labels": np.zeros(12, np.int64)}, {**TOP1, "samples": 2})
    assert told["samples"] == 2


def test_other_metrics_are_told_beside_it(built: dict[str, Path], tmp_path: Path) -> None:
    told = scored(built, tmp_path, {"x": DIGITS, "labels": np.zeros(12, np.int64)}, {**TOP1, "also": ["top5"]})
    assert told["top5"] == told["top5_float"] >= told["accuracy"]


def test_answers_that_are_no_classes_are_told_by_how_good_they_are(built: dict[str, Path], tmp_path: Path) -> None:
    labels = np.zeros((12, 10), np.uint8)
    labels[:, 3] = 1
    told = scored(built, tmp_path, {"x": DIGITS, "labels": labels}, {"metric": "miou", "samples": 12})
    rows = json.loads((tmp_path / "accuracy.json").read_text())["predictions"]
    assert set(rows[0]) == {"sample", "chip", "float"}
    assert told["accuracy"] == pytest.approx(np.mean([row["chip"] for row in rows]))
    assert told["misjudged"] == sum(row["chip"] < 1 or row["float"] < 1 for row in rows)
    assert told["agreement"] == np.mean([row["chip"] == row["float"] for row in rows])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"x": DIGITS}, "has no `labels`"),
        ({"x": DIGITS, "labels": np.zeros(3)}, "3 labels for 12 samples"),
        ({"x": DIGITS[:, :, :5], "labels": np.zeros(12)}, r"samples of \[1, 5, 28\], the model wants \[1, 28, 28\]"),
    ],
)
def test_data_that_cannot_be_scored_are_refused(
    built: dict[str, Path], tmp_path: Path, data: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadData, match=message):
        scored(built, tmp_path, data, TOP1)


def test_an_unknown_metric_is_refused(built: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(UnknownMetric, match="'bleu'"):
        scored(built, tmp_path, {"x": DIGITS, "labels": np.zeros(12)}, {**TOP1, "metric": "bleu"})


def test_what_only_the_chip_gets_wrong_comes_first() -> None:
    chip, exact = np.array([1.0, 0, 0, 1, 0]), np.array([0.0, 0, 1, 1, 1])
    assert accuracy.misjudged(chip, exact).tolist() == [2, 4, 1, 0]
