"""Quantised ops have ONNX's numbers: onnxruntime's, or where it has no kernel, those of sums of integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from compiler import opt
from compiler.dialects.top.quantised import FakeQuantOp
from compiler.frontends.onnx.from_top.reference import Reference
from compiler.frontends.onnx.prepare import prepare
from compiler.frontends.onnx.session import Session
from compiler.frontends.onnx.to_top.read import read
from compiler.ir.network import Network, name_of
from compiler.stages.canonical_mlir import PIPELINE

KINDS = {"uint8": (0, 255), "int8": (-128, 127), "uint16": (0, 65535), "int16": (-32768, 32767)}


def model(nodes: list[onnx.NodeProto], fed: dict[str, Any], held: dict[str, Any], opset: int = 21) -> onnx.ModelProto:
    """What the last node makes, of arrays to feed and constants by name."""
    entries = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in fed.items()
    ]
    constants = [numpy_helper.from_array(np.asarray(array), name) for name, array in held.items()]
    made = [onnx.ValueInfoProto(name=nodes[-1].output[0])]
    graph = helper.make_graph(nodes, "quantised", entries, made, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def canonical(made: onnx.ModelProto) -> Network:
    network = read(prepare(made, {}), "quantised")
    opt.run(network, opt.passes(PIPELINE))
    return network


def results(made: onnx.ModelProto, fed: dict[str, Any]) -> tuple[Any, Any]:
    """Ours and onnxruntime's."""
    node = made.graph.node[-1]
    ours = Reference(canonical(made), threads=1).run(fed)[f"{node.output[0]}_{node.op_type}"]
    return ours, Session(made, threads=1).run(fed)[node.output[0]]


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_steps_of_a_tensor_of_an_axis_and_of_blocks(data: st.DataObject) -> None:
    """There, and there and back."""
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    dims, axis = (2, 6, 3), data.draw(st.integers(-3, 2))
    kind = data.draw(st.sampled_from(sorted(KINDS)))
    extents: tuple[int, ...] = (dims[axis],) if data.draw(st.booleans()) else ()
    given: dict[str, Any] = {"axis": axis}
    if data.draw(st.booleans()):
        block = data.draw(st.sampled_from([n for n in (1, 2, 3) if dims[axis] % n == 0]))
        extents = tuple(n // block if i == axis % 3 else n for i, n in enumerate(dims))
        given["block_size"] = block
    low, high = KINDS[kind]
    held = {
        "s": rng.uniform(0.01, 0.1, extents).astype(np.float32),
        "z": rng.integers(low // 2, high // 2 + 1, extents).astype(kind),
    }
    fed = {"x": rng.normal(0, 4, dims).astype(np.float32)}
    there = helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], **given)
    back = helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"], **given)
    for nodes in ([there], [there, back]):
        ours, theirs = results(model(nodes, fed, held), fed)
        assert ours.dtype == theirs.dtype
        assert np.array_equal(ours, theirs)


def test_there_and_back_is_one_op_only_with_the_same_steps() -> None:
    fed = {"x": np.zeros((2, 3), np.float32)}
    held = {"s": np.float32(0.5), "t": np.float32(0.25), "z": np.uint8(3)}
    there = helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"])
    for scale, wanted in (("s", ["y_DequantizeLinear"]), ("t", [])):
        back = helper.make_node("DequantizeLinear", ["q", scale, "z"], ["y"])
        network = canonical(model([there, back], fed, held))
        assert [name_of(op) for op in network.ops if isinstance(op, FakeQuantOp)] == wanted


@pytest.mark.parametrize("depth", [5, 700])
@pytest.mark.parametrize("zeros", [1, 4])
def test_sums_of_integers_are_exact(depth: int, zeros: int) -> None:
    """Also where there are more than a float counts, and with a zero point for each column."""
    rng = np.random.default_rng(0)
    fed = {"a": rng.integers(200, 256, (3, depth)).astype(np.uint8)}
    held = {
        "b": rng.integers(100, 128, (depth, 4)).astype(np.int8),
        "za": np.uint8(7),
        "zb": np.full(zeros, -9, np.int8),
    }
    product = model([helper.make_node("MatMulInteger", ["a", "b", "za", "zb"], ["y"])], fed, held, opset=10)
    expected = (fed["a"].astype(int) - 7) @ (held["b"].astype(int) + 9)
    found = Reference(canonical(product), threads=1).run(fed)["y_MatMulInteger"]
    assert found.dtype == np.int32
    assert np.array_equal(found, expected)
    assert depth < 10 or expected.max() > 1 << 24


def test_a_chain_of_qlinear_ops_has_steps_between_them() -> None:
    rng = np.random.default_rng(3)
    fed = {"x": rng.integers(0, 256, (1, 3, 6, 6)).astype(np.uint8)}
    held: dict[str, Any] = {
        "sx": np.float32(0.02), "zx": np.uint8(120), "sy": np.float32(0.05), "zy": np.uint8(128),
        "w": rng.integers(-127, 128, (4, 3, 3, 3)).astype(np.int8), "zw": np.zeros(4, np.int8),
        "sw": rng.uniform(0.002, 0.005, 4).astype(np.float32), "b": rng.integers(-900, 900, 4).astype(np.int32),
        "v": rng.integers(-127, 128, (2, 4, 1, 1)).astype(np.int8), "sv": np.float32(0.004), "zv": np.int8(0),
    }  # fmt: skip
    nodes = [
        helper.make_node("QLinearConv", ["x", "sx", "zx", "w", "sw", "zw", "sy", "zy", "b"], ["h"]),
        helper.make_node("QLinearConv", ["h", "sy", "zy", "v", "sv", "zv", "sy", "zy"], ["y"]),
    ]
    made = model(nodes, fed, held, opset=10)
    ours, theirs = results(made, fed)
    assert ours.dtype == theirs.dtype == np.uint8
    assert np.array_equal(ours, theirs)
    assert sum(isinstance(op, FakeQuantOp) for op in canonical(made).ops) == 1


def test_weights_stored_as_integers_are_folded() -> None:
    """A Cast and a Mul by the scale, as weight-only quantisation leaves them."""
    rng = np.random.default_rng(0)
    fed = {"x": rng.normal(0, 1, (2, 6)).astype(np.float32)}
    held = {"w": rng.integers(-127, 128, (6, 4)).astype(np.int8), "s": rng.uniform(0.01, 0.02, 4).astype(np.float32)}
    nodes = [
        helper.make_node("Cast", ["w"], ["r"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Mul", ["r", "s"], ["v"]),
        helper.make_node("MatMul", ["x", "v"], ["y"]),
    ]
    made = model(nodes, fed, held)
    assert [node.op_type for node in prepare(made, {}).graph.node] == ["MatMul"]
    ours, theirs = results(made, fed)
    assert np.allclose(ours, theirs, atol=1e-6)
