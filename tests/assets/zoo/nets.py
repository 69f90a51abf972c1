"""Small networks as a user might bring them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Dims = Sequence[int | str | None]


def dense(dims: Dims = (1, 8)) -> onnx.ModelProto:
    """Input x of `dims` through a dense layer to four and an activation, y."""
    weight = np.random.default_rng(0).standard_normal((8, 4)).astype(np.float32)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"], "dense"), helper.make_node("Relu", ["h"], ["y"], "act")]
    return _model(nodes, {"x": dims}, [*dims[:-1], 4], {"w": weight})


def two_inputs() -> onnx.ModelProto:
    """Relu of a + b, b broadcast over the channels of a: inputs of two shapes."""
    nodes = [helper.make_node("Add", ["a", "b"], ["s"], "sum"), helper.make_node("Relu", ["s"], ["y"], "act")]
    return _model(nodes, {"a": (1, 4, 6, 6), "b": (1, 4, 1, 1)}, (1, 4, 6, 6), {})


def embedding() -> onnx.ModelProto:
    """Rows of a table by their numbers: an input of integers."""
    nodes = [helper.make_node("Gather", ["w", "x"], ["y"], "rows")]
    return _model(nodes, {"x": (1, 5)}, (1, 5, 4), {"w": np.ones((8, 4), np.float32)}, TensorProto.INT64)


def no_inputs() -> onnx.ModelProto:
    """A constant's Relu."""
    return _model([helper.make_node("Relu", ["w"], ["y"])], {}, (8, 4), {"w": np.ones((8, 4), np.float32)})


def save_external(folder: Path, location: str = "net.data") -> Path:
    """The dense net with its weight in another file."""
    path = folder / "net.onnx"
    onnx.save_model(dense(), path, save_as_external_data=True, location=location, size_threshold=0)
    return path


def _model(
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, Dims],
    output: Dims,
    weights: dict[str, np.ndarray],
    kind: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info(name, kind, dims) for name, dims in inputs.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, output)],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
