"""The zoo's models from the file to canonical.mlir, each judged by onnxruntime and by mlir-opt."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assets.zoo import record
from assets.zoo.make import model_bytes
from assets.zoo.packages import PackageUnavailable
from compiler.dialects.top.ops import Top
from compiler.ir import files, text
from compiler.npz import write_npz
from compiler.results import Results
from compiler.stages import canonical_mlir, onnx_results, origin_mlir, sample_onnx, top_results
from tests.compiler.frontends.onnx.reference import assert_near
from tests.compiler.ir.mlir_opt import needs_mlir_opt, printed

STAGES = {
    "sample_onnx": sample_onnx, "origin_mlir": origin_mlir, "canonical_mlir": canonical_mlir,
    "onnx_results": onnx_results, "top_results": top_results,
}  # fmt: skip
MODELS = ("lenet_mnist", "resnet8", "ppocr_cls", "squeezenet", "resnet50")

Built = Mapping[str, Path]
Told = Mapping[str, Mapping[str, Any]]


def build(model: str, root: Path) -> tuple[dict[str, Path], dict[str, dict[str, Any]]]:
    """Every stage's directory and metadata; skips by name a model whose package can't be had."""
    held = record.read(model)
    folders = {name: root / name for name in ("model_file", "evaluation_data", *STAGES)}
    for folder in folders.values():
        folder.mkdir(parents=True)
    try:
        (folders["model_file"] / "model.onnx").write_bytes(model_bytes(held))
    except PackageUnavailable as error:
        pytest.skip(str(error))
    rng = np.random.default_rng(1)
    samples = {n: rng.normal(0, 1, (2, *dims[1:])).astype(np.float32) for n, dims in held.inputs.items()}
    write_npz(folders["evaluation_data"] / "evaluation.npz", samples)
    params = {"shapes": {name: list(dims) for name, dims in held.inputs.items()}, "name": model}
    return folders, {name: stage.run(folders, params, folders[name]) for name, stage in STAGES.items()}


@pytest.fixture(scope="module", params=MODELS)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Built, Told]:
    """One model, through the stages."""
    return build(request.param, tmp_path_factory.mktemp(request.param) / "first")


def test_top_results_are_onnxruntimes(built: tuple[Built, Told]) -> None:
    folders, _ = built
    found = Results.load(folders["top_results"], "top_results").arrays
    expected = Results.load(folders["onnx_results"], "onnx_results").arrays
    assert_near(found, expected, tolerance=1e-4)
    assert list(found)[-1] == list(expected)[-1]


@needs_mlir_opt
@pytest.mark.parametrize("stage", ["origin", "canonical"])
def test_mlir_opt_prints_the_same_bytes(built: tuple[Built, Told], stage: str) -> None:
    folders, _ = built
    written = (folders[f"{stage}_mlir"] / f"{stage}.mlir").read_text()
    assert printed(written) == written


def test_files_are_read_back_as_they_were(built: tuple[Built, Told]) -> None:
    folders, _ = built
    network = files.load(folders["canonical_mlir"], "canonical", Top)
    assert text.write(network.module) == (folders["canonical_mlir"] / "canonical.mlir").read_text()


def test_nothing_is_left_that_lowering_should_not_meet(built: tuple[Built, Told]) -> None:
    _, told = built
    left = {row["op"] for row in told["canonical_mlir"]["table"]}
    assert left <= {
        "top.Conv", "top.MatMul", "top.MaxPool", "top.Reduce", "top.Add", "top.Mul", "top.Concat", "top.Reshape",
        "top.Softmax", "top.HardSwish", "top.HardSigmoid",
    }  # fmt: skip


FLOPS = {"squeezenet": 706628160, "resnet50": 8206523248}
"""`module.FLOPs` as TPU-MLIR 1.30.2 counts them for the same two models."""


def test_origin_has_one_op_a_node_and_flops_are_tpu_mlirs(built: tuple[Built, Told]) -> None:
    folders, told = built
    assert told["origin_mlir"]["ops"] == told["sample_onnx"]["nodes"]
    module = text.read((folders["canonical_mlir"] / "canonical.mlir").read_text(), Top)
    name = module.sym_name.data if module.sym_name else ""
    assert told["canonical_mlir"]["flops"] == FLOPS.get(name, told["canonical_mlir"]["flops"])
    assert 0 < 2 * told["canonical_mlir"]["macs"] < told["canonical_mlir"]["flops"]


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    first, _ = build("resnet8", tmp_path / "first")
    second, _ = build("resnet8", tmp_path / "second")
    for stage in STAGES:
        for path in sorted(first[stage].iterdir()):
            assert path.read_bytes() == (second[stage] / path.name).read_bytes(), path.name
