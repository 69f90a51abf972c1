"""The zoo's models through the whole flow: the chip makes the bytes that `tpu.mlir` defines, and int8 stays good."""

from dataclasses import replace
from itertools import cycle
from typing import Any

import pytest

from assets.zoo.zoo import InstalledZoo
from compiler.build.builder import Builder
from compiler.build.flow import Target
from compiler.build.keys import Code
from compiler.build.store import Store
from compiler.dialects.top.base import PassesValues, TopOp
from compiler.dialects.top.ops import Top
from compiler.ir import files
from compiler.ir.network import name_of
from pipeline.bench.exact import SIDES, mismatched_bytes
from tests.assets.zoo.needs import files_of

SMALL = [
    (model, target)
    for model in ("lenet_mnist", "resnet8")
    for target in ("x64-f32", "x64-bf16", "x64-f16", "x64-int8", "x64-int8a", "e16-int8", "e8-int8", "e8-f32")
]
LARGE = [("ppocr_cls", "x64-f16"), ("ppocr_cls", "e8-int8"), ("squeezenet", "e8-int8"), ("resnet50", "x64-int8")]
TILED = [("lenet_mnist", "x64-f32"), ("resnet8", "x64-int8"), ("resnet8", "e8-bf16"), ("squeezenet", "x64-int8")]


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """One store for all tests here."""
    return Builder(Store(tmp_path_factory.mktemp("store")), InstalledZoo(), Code())


def metadata(builder: Builder, model: str, target: str, goal: str) -> dict[str, Any]:
    files_of(model)
    records = builder.build(builder.zoo.settings(model), Target.parse(target), (goal,))
    return dict(records[goal].metadata)


@pytest.mark.parametrize(("model", "target"), SMALL + LARGE)
def test_every_tensor_is_exact_and_close_to_its_original(builder: Builder, model: str, target: str) -> None:
    told = metadata(builder, model, target, "comparison")
    assert told["tensors"] > 5
    assert told["mismatched_bytes"] == 0
    assert told["failed"] == []


@pytest.mark.parametrize(("model", "target"), TILED)
@pytest.mark.parametrize("seed", [11, 12])
def test_no_tiling_changes_a_bit(builder: Builder, model: str, target: str, seed: int) -> None:
    files_of(model)
    settings = replace(builder.zoo.settings(model), seed=seed)
    records = builder.build(settings, Target.parse(target), SIDES, show=False)
    assert mismatched_bytes(records["tpu_results"].ref.path, records["chip_results"].ref.path) == 0


def test_a_model_that_preprocesses_by_itself_is_as_good(builder: Builder) -> None:
    files_of("unet_glyphs")
    settings = replace(builder.zoo.settings("unet_glyphs"), samples=5)
    told: list[dict[str, Any]] = []
    for fused in (False, True):
        records = builder.build(replace(settings, fuse_preprocess=fused), Target.parse("x64-f32"), ("accuracy",))
        told.append(dict(records["accuracy"].metadata))
    plain, fused_ = told
    assert fused_["accuracy_float"] == plain["accuracy_float"] > 0.85
    assert fused_["accuracy"] == pytest.approx(plain["accuracy"], abs=1e-3)


@pytest.mark.parametrize("target", ["x64-mix", "e8-mix"])
def test_formats_may_change_from_op_to_op(builder: Builder, target: str) -> None:
    settings, wanted = builder.zoo.settings("resnet8"), Target.parse(target)
    canonical = builder.build(settings, wanted, ("canonical_mlir",), show=False)["canonical_mlir"]
    network = files.load(canonical.ref.path, "canonical", Top)
    computing = [name_of(op) for op in network.ops if isinstance(op, TopOp) and not op.has_trait(PassesValues)]
    qtable = dict(zip(computing, cycle(["BF16", "INT8", "F32", "F16", 3.0]), strict=False))
    told = builder.build(replace(settings, qtable=qtable), wanted, ("comparison",), show=False)["comparison"].metadata
    assert told["tensors"] > len(computing) > 10
    assert told["mismatched_bytes"] == 0
    assert told["output_cosine"] > 0.95


@pytest.mark.parametrize("model", ["lenet_mnist", "resnet8", "ppocr_cls"])
def test_int8_keeps_the_models_own_metric(builder: Builder, model: str) -> None:
    told = metadata(builder, model, "x64-int8", "accuracy")
    settings = builder.zoo.settings(model)
    assert told["samples"] == settings.samples
    assert told["accuracy_float"] > 0.93
    assert told["drop"] <= settings.tolerance["int8"]["accuracy_drop"] <= 0.01
