"""A small network with what calibration has to get right: a branch, a Concat, ops that pass values on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from compiler.stages import canonical_mlir, origin_mlir, sample_onnx

SHAPE = (1, 2, 6, 6)


def branching() -> onnx.ModelProto:
    """Of x: Conv+Relu → MaxPool ↘ Concat → Transpose → y; the other branch is Conv → MaxPool ↗."""
    rng = np.random.default_rng(3)
    weights = {
        "w0": rng.normal(size=(3, 2, 3, 3)).astype(np.float32),
        "w1": 5 * rng.normal(size=(2, 2, 1, 1)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w0"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("MaxPool", ["b"], ["c"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["x", "w1"], ["d"]),
        helper.make_node("MaxPool", ["d"], ["e"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Concat", ["c", "e"], ["f"], axis=1),
        helper.make_node("Transpose", ["f"], ["y"], perm=[0, 2, 3, 1]),
    ]
    return _model(nodes, (1, 3, 3, 5), weights)


def logarithm() -> onnx.ModelProto:
    """The logarithm of x: NaN for a negative input."""
    return _model([helper.make_node("Log", ["x"], ["y"])], SHAPE, {})


def canonical(model: onnx.ModelProto, folder: Path) -> Path:
    """The model through the front end; returns the directory of `canonical.mlir`."""
    homes = {name: folder / name for name in ("model_file", "sample_onnx", "origin_mlir", "canonical_mlir")}
    for home in homes.values():
        home.mkdir(parents=True)
    onnx.save(model, homes["model_file"] / "model.onnx")
    sample_onnx.run(homes, {"shapes": {}}, homes["sample_onnx"])
    origin_mlir.run(homes, {"name": "net"}, homes["origin_mlir"])
    canonical_mlir.run(homes, {}, homes["canonical_mlir"])
    return homes["canonical_mlir"]


def _model(
    nodes: list[onnx.NodeProto],
    made: tuple[int, ...],
    weights: dict[str, NDArray[np.float32]],
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, made)],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
