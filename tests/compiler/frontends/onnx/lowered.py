"""Models of one node, and whether what they lower to computes what onnxruntime does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from compiler import opt
from compiler.frontends.onnx.prepare import prepare
from compiler.frontends.onnx.session import Session
from compiler.frontends.onnx.to_top.read import read
from compiler.interpreter.run import run
from compiler.ir.network import Array, name_of
from compiler.lowering.walk import lower
from compiler.stages.canonical_mlir import PIPELINE


def one_node(
    op_type: str,
    dims: Sequence[Sequence[int]],
    constants: Sequence[Array] = (),
    opset: int = 17,
    kind: int = TensorProto.FLOAT,
    **given_: Any,
) -> onnx.ModelProto:
    """A model of one node fed with tensors of these extents, then constants."""
    fed = [helper.make_tensor_value_info(f"x{i}", kind, own) for i, own in enumerate(dims)]
    held = [numpy_helper.from_array(array, f"k{i}") for i, array in enumerate(constants)]
    node = helper.make_node(op_type, [value.name for value in (*fed, *held)], ["y"], "node", **given_)
    graph = helper.make_graph([node], "one", fed, [helper.make_tensor_value_info("y", kind, None)], held)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def assert_lowers_to_the_same(model: onnx.ModelProto, seed: int = 0, tolerance: float = 1e-4) -> None:
    """The lowered network computes, without the host, what onnxruntime does."""
    rng = np.random.default_rng(seed)
    session = Session(model, threads=1)
    whole = model.graph.input[0].type.tensor_type.elem_type != TensorProto.FLOAT
    feeds: dict[str, Array] = {
        name: rng.integers(-9, 9, dims).astype(np.int32) if whole else rng.normal(size=dims).astype(np.float32)
        for name, dims in session.inputs.items()
    }
    (expected,) = session.run(feeds).values()
    network = read(prepare(model, {}), "one")
    opt.run(network, opt.passes(PIPELINE))
    lower(network, "f32")
    assert not any(op.name == "top.Host" for op in network.ops)
    made = run(network, feeds, lambda op, array: None)
    (found,) = (made[name_of(value)] for value in list(network.ops)[-1].operands)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
