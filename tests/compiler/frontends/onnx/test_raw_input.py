"""A model that preprocesses raw pixels by itself gives what it gives of pixels that the host preprocessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from assets.zoo.fields import Preprocessing
from assets.zoo.preprocess import normalised, raw
from compiler.frontends.onnx.errors import WrongShape
from compiler.frontends.onnx.graph.raw_input import bound, take_raw
from compiler.frontends.onnx.session import Session
from compiler.stages import addr_mlir, canonical_mlir, lg_mlir, origin_mlir, sample_model, sample_onnx, tpu_mlir
from simulator.runtime import PyRuntime

RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (1, 3, 8, 10)).astype(np.float32)
WAYS: tuple[dict[str, Any], ...] = (
    {"raw": {}},
    {"raw": {"layout": "nhwc", "dtype": "uint8"}, "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.1]},
    {"raw": {"dtype": "uint8"}, "colour": "bgr", "divisor": 1, "mean": [103, 116, 123]},
    {"raw": {"layout": "nhwc"}, "divisor": 1, "mean": [127], "std": [128]},
    {"raw": {"layout": "nhwc", "dtype": "uint8"}, "colour": "bgr", "divisor": 1},
    {"raw": {"layout": "nchw", "dtype": "uint8"}, "layout": "nhwc", "mean": [0.1, 0.2, 0.3]},
)


def net(layout: str) -> tuple[onnx.ModelProto, list[int]]:
    """A convolution with padding over pictures of either layout."""
    extents = [1, 3, 8, 10] if layout == "nchw" else [1, 8, 10, 3]
    kernel = numpy_helper.from_array(RANDOM.standard_normal((4, 3, 3, 3)).astype(np.float32), "w")
    nodes = [helper.make_node("Conv", ["x" if layout == "nchw" else "t", "w"], ["y"], pads=[1] * 4, name="conv")]
    if layout == "nhwc":
        nodes.insert(0, helper.make_node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2], name="turn"))
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, extents)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 8, 10])],
        [kernel],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), extents


def told(way: dict[str, Any]) -> tuple[Preprocessing, dict[str, Any]]:
    held = Preprocessing.model_validate(way)
    return held, {"input": "x", **held.model_dump(mode="json", exclude={"resize"})}


@pytest.mark.parametrize("way", WAYS)
def test_float_results_are_the_same_bits(way: dict[str, Any]) -> None:
    held, how = told(way)
    model, extents = net(held.layout)
    assert held.raw is not None
    made = take_raw(model, {"x": extents}, how)
    onnx.checker.check_model(made, full_check=True)
    fed = raw(PIXELS, held.raw)
    assert list(fed.shape) == list(bound({"x": extents}, how)["x_raw"])
    expected = Session(model).run({"x": normalised(PIXELS, held)})["y"]
    np.testing.assert_array_equal(Session(made).run({"x_raw": fed})["y"], expected)


@pytest.mark.parametrize("way", WAYS[:3])
def test_the_compiled_model_takes_raw_pixels(way: dict[str, Any], tmp_path: Path) -> None:
    held, how = told(way)
    model, extents = net(held.layout)
    assert held.raw is not None
    homes = {"model_file": tmp_path}
    onnx.save(model, tmp_path / "model.onnx")
    for stage, params in (
        (sample_onnx, {"shapes": {"x": extents}, "preprocess": how}), (origin_mlir, {"name": "net"}),
        (canonical_mlir, {}), (tpu_mlir, {"mode": "f32"}), (lg_mlir, {"chip": "e8", "effort": 1, "seed": None}),
        (addr_mlir, {"chip": "e8"}), (sample_model, {"chip": "e8"}),
    ):  # fmt: skip
        name = stage.__name__.rpartition(".")[2]
        homes[name] = tmp_path / name
        homes[name].mkdir()
        stage.run(homes, params, homes[name])
    chip = PyRuntime(homes["sample_model"] / "sample.model")
    assert [entry.name for entry in chip.get_inputs()] == ["x_raw"]
    made = chip.run(None, {"x_raw": raw(PIXELS, held.raw)})[0]
    expected = Session(model).run({"x": normalised(PIXELS, held)})["y"]
    np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-4)


def test_only_pictures_can_be_fused() -> None:
    model, _ = net("nchw")
    _, how = told(WAYS[0])
    with pytest.raises(WrongShape, match=r"fuse_preprocess needs an input of pictures.*'x' is \[5\]"):
        take_raw(model, {"x": [5]}, how)
