"""`bench quant` scores as it says, names what can't be measured, and keeps calibration and evaluation apart."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from assets.zoo.datasets.samples import Part
from pipeline.bench import quant, quant_cases
from pipeline.bench.peers import run as peers
from pipeline.bench.peers.catalogue import FAMILIES, PEERS
from pipeline.bench.peers.install import HERE, requirements
from pipeline.bench.quant_cases import Case, Judged, Wanted
from pipeline.bench.quant_data.files import Files, Leaking, Source, write
from pipeline.bench.quant_data.minilm import safetensors
from pipeline.bench.quant_data.photographs import NAMES, PEOPLE
from pipeline.bench.quant_scores import EXACT_DB, classified, detected, embedded, sqnr_db
from pipeline.bench.status import telling

CLASSES, FEATURES = 4, 8


def linear() -> onnx.ModelProto:
    weights = np.random.default_rng(3).standard_normal((CLASSES, FEATURES)).astype(np.float32)
    node = helper.make_node("Gemm", ["x", "w"], ["logits"], transB=1)
    given = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, FEATURES])]
    made = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, CLASSES])]
    graph = helper.make_graph([node], "linear", given, made, [numpy_helper.from_array(weights, "w")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def drawn(part: Part, count: int) -> Mapping[str, NDArray[Any]]:
    generator = np.random.default_rng(part == "evaluation")
    held = {"x": generator.standard_normal((count, FEATURES)).astype(np.float32)}
    return held if part == "calibration" else held | {"labels": generator.integers(CLASSES, size=count)}


@pytest.fixture
def toy(tmp_path: Path) -> quant.Bench:
    made = Files(tmp_path / "toy")
    write(Source(linear, drawn, 200, 16), made)
    exact = peers.answers(made.model, made.part("evaluation"))
    return quant.Bench(Case("toy", classified, 30.0, {"sqnr_db": Wanted(15, 90)}), made, exact, made.labels())


def test_rows_of_ours_and_of_each_peer_or_why_there_are_none(toy: quant.Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TPUFLOW_PEER_ONNXRUNTIME", sys.executable)
    monkeypatch.setenv("TPUFLOW_PEER_NNCF", "/nowhere/python")
    monkeypatch.setenv("TPUFLOW_PEER_AIMET", sys.executable)
    wanted = {name: PEERS[name] for name in ("onnxruntime-minmax", "nncf-mixed", "aimet-minmax")}
    with telling() as told:
        rows = list(quant.measured(toy, wanted, told))
    found = {(row.case.removeprefix("toy/"), row.metric): row for row in rows}
    for who in ("ours-int8", "ours-int8a", "onnxruntime-minmax"):
        assert 15 < found[who, "sqnr_db"].value < 90
        assert found[who, "top1_agreement"].value > 0.8
        assert found[who, "cpu_s"].value > 0
    assert found["ours-int8", "sqnr_db"].verdict == "bar"
    assert found["ours-mix", "cycles_over_int8"].value > 0
    assert found["ours-mix", "sqnr_db"].bar == toy.case.wide_sqnr_db
    assert "nowhere" in found["nncf-mixed", "absent"].verdict
    assert "aimet_onnx" in found["aimet-minmax", "failed"].verdict
    assert found["best-peer", "sqnr_db"].verdict == "onnxruntime-minmax"
    assert quant.failed(rows) == []


def test_sqnr_is_the_ratio_of_the_sums_of_squares() -> None:
    exact = np.array([[3.0, 4.0], [0.0, 5.0]])
    assert sqnr_db(exact, exact + 0.5) == pytest.approx(10 * np.log10(50 / 1.0))
    assert sqnr_db(exact, exact) == EXACT_DB


def test_classes_and_labels_are_counted() -> None:
    exact = {"y": np.array([[1.0, 0], [0, 1], [1, 0], [0, 1]])}
    other = {"y": np.array([[1.0, 0], [1, 0], [1, 0], [0, 1]])}
    found = classified(exact, other, np.array([0, 0, 1, 1]))
    assert (found["top1_agreement"], found["accuracy"]) == (0.75, 0.75)
    assert "accuracy" not in classified(exact, other, None)


def test_the_nearest_embedding_is_by_angle() -> None:
    exact = {"hidden": np.ones((3, 2)), "e": np.array([[1.0, 0], [9, 1], [0, 1]])}
    other = {"hidden": np.ones((3, 2)), "e": np.array([[1.0, 0], [1, 9], [0, 1]])}
    assert embedded(exact, other, None)["nn1_agreement"] == pytest.approx(2 / 3)


def head(*found: tuple[float, float, float, float, float, float]) -> NDArray[np.float64]:
    """Of (centre, size, two scores) each an anchor."""
    return np.array(found, np.float64).T[None]


def test_detections_count_once_and_by_class() -> None:
    two = head((10, 10, 8, 8, 0.9, 0), (10, 11, 8, 8, 0.8, 0), (30, 30, 8, 8, 0, 0.7))
    assert detected({"y": two}, {"y": two}, None)["detections_f1"] == 1
    moved = head((10, 10, 8, 8, 0.9, 0), (10, 30, 8, 8, 0, 0), (30, 30, 8, 8, 0.7, 0))
    assert detected({"y": two}, {"y": moved}, None)["detections_f1"] == pytest.approx(2 * 1 / 4)
    assert detected({"y": two}, {"y": moved}, None)["boxes_sqnr_db"] < EXACT_DB


def test_a_sample_that_calibrates_and_judges_is_refused(tmp_path: Path) -> None:
    def same(part: Part, count: int) -> Mapping[str, NDArray[Any]]:
        return drawn("calibration", count)

    with pytest.raises(Leaking):
        write(Source(linear, same, 8, 8), Files(tmp_path / "same"))


def test_no_photograph_calibrates_and_judges() -> None:
    judging = {*PEOPLE["evaluation"], *NAMES["evaluation"]}
    assert not set(NAMES["calibration"]) & set(NAMES["evaluation"])
    assert not judging & set(PEOPLE["calibration"])


def test_a_model_fails_that_reaches_its_bars_in_no_mode() -> None:
    def rows(int8: str, int8a: str, seconds: str) -> list[Judged]:
        told = {"m/ours-int8": int8, "m/ours-int8a": int8a, "r/calibration": seconds, "m/peer": ""}
        return [Judged(case, "any", 1, "dB", 1.0, 1.0, verdict) for case, verdict in told.items()]

    assert quant.failed(rows("missed", "goal", "bar")) == []
    assert quant.failed(rows("missed", "failed: …", "bar")) == ["m/ours"]
    assert quant.failed(rows("bar", "goal", "missed")) == ["r/calibration"]


def test_less_is_better_of_some() -> None:
    assert [Wanted(1.15, 1.05, less=True).verdict(x) for x in (1.2, 1.1, 1.0)] == ["missed", "bar", "goal"]
    assert [Wanted(36, 38).verdict(x) for x in (35, 37, 38)] == ["missed", "bar", "goal"]
    assert all(limit.bar <= limit.goal for case in quant_cases.TABLE for limit in case.wanted.values())


def test_peers_are_pinned_and_name_no_index() -> None:
    for family in FAMILIES:
        lines = [line for line in requirements(family).read_text().splitlines() if not line.startswith("#")]
        assert lines
        assert all("==" in line and "://" not in line and not line.startswith("-") for line in lines)
        assert (HERE / f"{family}_worker.py").is_file()
    assert {peer.family for peer in PEERS.values()} == FAMILIES.keys()


def test_safetensors_are_read_by_their_header() -> None:
    header = (
        b'{"a":{"dtype":"F32","shape":[1,2],"data_offsets":[4,12]},"i":{"dtype":"I64","shape":[],"data_offsets":[0,4]}}'
    )
    content = len(header).to_bytes(8, "little") + header + bytes(4) + np.array([1.5, -2], "<f4").tobytes()
    found = safetensors(content)
    assert list(found) == ["a"]
    assert found["a"].tolist() == [[1.5, -2.0]]
