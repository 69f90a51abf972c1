"""Multiply-accumulates of ONNX nodes against the bound's own count."""

from __future__ import annotations

from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from compiler.frontends.onnx.to_top.macs import macs
from simulator.bound import bounds
from simulator.chip import CHIPS


@pytest.mark.parametrize(
    ("op", "x", "w", "y", "attributes"),
    [
        ("Conv", [1, 4, 6, 6], [8, 2, 3, 3], [1, 8, 4, 4], {"group": 2}),
        ("ConvTranspose", [1, 4, 3, 3], [4, 5, 2, 2], [1, 5, 4, 4], {}),
        ("Gemm", [7, 3], [7, 5], [3, 5], {"transA": 1}),
        ("MatMul", [2, 3, 4], [2, 4, 5], [2, 3, 5], {}),
    ],
)
def test_they_are_those_of_the_bound(op: str, x: list[int], w: list[int], y: list[int], attributes: Any) -> None:
    fed = [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in (("x", x), ("w", w))]
    made = helper.make_tensor_value_info("y", TensorProto.FLOAT, y)
    graph = helper.make_graph([helper.make_node(op, ["x", "w"], ["y"], **attributes)], "g", fed, [made])
    model: onnx.ModelProto = helper.make_model(graph)
    counted = bounds(model, "f32", CHIPS["e8"])
    assert macs(model) == counted.cube_macs + counted.depthwise_macs > 0
