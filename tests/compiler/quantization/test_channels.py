"""Statistics by channel are those of the whole data, along the axes that contractions have channels on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from compiler.dialects.top.ops import Top
from compiler.ir import files
from compiler.npz import read_npz
from compiler.quantization import channels
from compiler.quantization.channels import Channels
from tests.compiler.quantization.networks import canonical


@pytest.mark.parametrize(("dims", "axis"), [((2, 3, 4, 5), 1), ((2, 3, 7), 2), ((4, 6), 1)])
def test_statistics_are_those_of_all_batches(dims: tuple[int, ...], axis: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    batches = [rng.normal(size=dims).astype(np.float32) * scale for scale in (1, 3, 0.5)]
    made = Channels.empty(dims[axis])
    for batch in batches:
        assert made.add(batch, axis) == (batch.min(), batch.max())
    whole = np.moveaxis(np.concatenate(batches), axis, 0).reshape(dims[axis], -1).astype(np.float64)
    channels.save(tmp_path / "channels.npz", {("t", axis): made})
    found = channels.load(tmp_path / "channels.npz")["t", axis]
    assert found.low.tolist() == whole.min(1).tolist()
    assert found.high.tolist() == whole.max(1).tolist()
    assert found.square == pytest.approx((whole**2).mean(1), rel=1e-6)
    assert read_npz(tmp_path / "channels.npz")[f"t@{axis}"].shape == (3, dims[axis])


def test_axes_are_those_of_channels(tmp_path: Path) -> None:
    weights = {
        "w": np.ones((4, 3, 1, 1), np.float32), "m": np.ones((5, 6), np.float32), "r": np.array([1, 4, 25]),
    }  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("MatMul", ["a", "m"], ["b"]),
        helper.make_node("Sigmoid", ["b"], ["c"]),
        helper.make_node("Relu", ["a"], ["d"]),
        helper.make_node("Reshape", ["d", "r"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 5, 5])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, d) for n, d in (("c", [1, 4, 5, 6]), ("y", [1, 4, 25]))],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    network = files.load(canonical(model, tmp_path), "canonical", Top)
    found = {name.split("_")[0]: axes for name, axes in channels.axes(network).items()}
    assert found == {"x": (1,), "a": (1, 3), "b": (1, 3), "c": (1,), "d": (1,)}
