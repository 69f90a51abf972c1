"""What `sample.onnx` is: shapes bound, constants folded, the rest as it came."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from compiler.dialects.top.ops import TopOp
from compiler.frontends.onnx.prepare import prepare
from compiler.frontends.onnx.session import Session
from compiler.frontends.onnx.to_top.read import read
from compiler.ir import text
from compiler.ir.network import name_of
from tests.compiler.frontends.onnx.graphs import Graph
from tests.compiler.frontends.onnx.reference import every_tensor, feeds


def test_shape_arithmetic_becomes_numbers() -> None:
    """A flattening as Paddle exports it."""
    g = Graph((2, 3, 4, 5))
    x = g.add("Relu")
    g.add("Cast", g.add("Shape"), to=onnx.TensorProto.INT32)
    batch = g.add("Cast", g.add("Slice", g.top, g.constant([0]), g.constant([1])), to=onnx.TensorProto.INT64)
    target = g.add("Concat", batch, g.constant([60], as_node=True), axis=0)
    g.add("Reshape", x, target, dims=(2, 60))
    model = prepare(g.model(), {})
    assert [node.op_type for node in model.graph.node] == ["Relu", "Reshape"]
    (kept,) = model.graph.initializer
    assert numpy_helper.to_array(kept).tolist() == [2, 60]
    onnx.checker.check_model(model, full_check=True)


@pytest.mark.parametrize("opset", [9, 11, 13, 18])
def test_attributes_that_moved_to_inputs_are_read_in_every_opset(opset: int) -> None:
    """Unsqueeze, Squeeze, Clip and ReduceSum give numbers as attributes first and as inputs later."""
    g = Graph((1, 3, 4), opset=opset)
    axes = {"axes": [0]} if opset < 13 else {}
    inputs = [] if opset < 13 else [g.constant([0])]
    g.add("Unsqueeze", g.top, *inputs, dims=(1, 1, 3, 4), **axes)
    if opset < 11:
        g.add("Clip", min=-0.5, max=0.5)
    else:
        g.add("Clip", g.top, g.constant(-0.5), g.constant(0.5))
    g.add("ReduceSum", g.top, *inputs, keepdims=1, **axes)
    g.add("Squeeze", g.top, *inputs, dims=(1, 3, 4), **axes)
    found = text.write(read(prepare(g.model(), {}), "opsets").module)
    assert '"top.Unsqueeze"(%0) {axes = [0]}' in found
    assert "{max = 5.000000e-01 : f64, min = -5.000000e-01 : f64}" in found
    assert 'axes = [0], keepdims = true, mode = "ReduceSum"' in found
    assert '"top.Squeeze"(%3) {axes = [0]' in found


def test_softmax_before_opset_13_is_over_all_later_axes() -> None:
    g = Graph((1, 5, 1, 1), opset=9)
    g.add("Softmax")
    assert '"top.Reshape"' not in text.write(read(prepare(g.model(), {}), "flat").module)
    g = Graph((1, 5, 2, 1), opset=9)
    g.add("Softmax")
    found = text.write(read(prepare(g.model(), {}), "wide").module)
    assert "shape = [1, -1]" in found
    assert "shape = [1, 5, 2, 1]" in found


def test_local_functions_and_unused_constants_leave_no_trace() -> None:
    g = Graph((1, 4))
    g.normal(7)
    g.add("Relu")
    model = prepare(g.model(), {})
    assert not model.graph.initializer
    assert not read(model, "unused").weights


def test_a_tensor_is_called_by_output_and_op_type() -> None:
    g = Graph((1, 4))
    g.add("Relu")
    g.add("Add", g.top, g.normal(4))
    module = read(prepare(g.model(), {}), "names").module
    found = text.write(module)
    assert found.startswith('module @names attributes {module.chip = "ALL"')
    assert 'loc("x")' in found
    assert 'loc("t0_Relu")' in found
    assert 'loc("k1")' in found
    assert 'loc("t1_Add")' in found


def test_folding_changes_no_result() -> None:
    g = Graph((1, 2, 4, 4))
    twice = g.add("Mul", g.normal(2, 1, 1), g.constant(2.0, as_node=True))
    g.add("Add", "x", twice, dims=(1, 2, 4, 4))
    model = g.model()
    fed = feeds(model)
    before, after = every_tensor(model, fed), every_tensor(prepare(model, {}), fed)
    assert after.keys() == {"t2_Add"}
    assert after["t2_Add"].tobytes() == before["t2_Add"].tobytes()


def test_an_initializer_that_is_also_an_input_is_a_constant() -> None:
    """As IR version 3 had it."""
    g = Graph((1, 4))
    g.add("Add", "x", g.normal(4))
    model = g.model()
    model.graph.input.append(helper.make_tensor_value_info("k0", onnx.TensorProto.FLOAT, [4]))
    assert [value.name for value in prepare(model, {}).graph.input] == ["x"]


def test_ops_that_are_spelt_out_twice_keep_their_tensors_apart() -> None:
    """The results keep the name of the op that the model has, so that they can be compared with onnxruntime's."""
    text_form = """<ir_version: 10, opset_import: ["" : 21]> g (float[2,4] x, int64[2] wanted) => (float t, float y)
        { t = SoftmaxCrossEntropyLoss(x, wanted) z = Neg(x) y = SoftmaxCrossEntropyLoss(z, wanted) }"""
    network = read(prepare(onnx.parser.parse_model(text_form), {}), "twice")
    made = [name_of(op) for op in network.ops if isinstance(op, TopOp)]
    assert {"t_SoftmaxCrossEntropyLoss", "y_SoftmaxCrossEntropyLoss"} < set(made)
    assert len(made) == len(set(made)) > 6


def test_a_constant_output_is_returned_and_still_a_constant_to_others() -> None:
    text_form = """<ir_version: 10, opset_import: ["" : 17]> g (float[2,3,4] x) => (int64[3] s, float[24] y)
        <int64[1] flat = {24}> { s = Shape(x) p = ReduceProd<keepdims = 1>(s) y = Reshape(x, p) }"""
    model = prepare(onnx.parser.parse_model(text_form), {})
    assert [node.op_type for node in model.graph.node] == ["Identity", "Reshape"]
    assert [value.name for value in model.graph.output] == ["s", "y"]
    onnx.checker.check_model(model, full_check=True)
    made = Session(model, threads=1).run({"x": np.zeros((2, 3, 4), np.float32)})
    assert made["s"].tolist() == [2, 3, 4]


def test_tensors_without_elements_are_constants() -> None:
    """A Split that takes nothing, joined again; a sum over nothing."""
    text_form = """<ir_version: 10, opset_import: ["" : 17]> g
        (float[2,3] x, float[2,0] e) => (float[2,3] y, float[2] z)
        <int64[2] parts = {0, 3}, int64[1] last = {1}> {
            a, b = Split<axis = 1>(x, parts) c = Concat<axis = 1>(a, e, b)
            y = Relu(c) z = ReduceSum<keepdims = 0>(e, last) }"""
    model = prepare(onnx.parser.parse_model(text_form), {})
    assert [node.op_type for node in model.graph.node] == ["Identity", "Split", "Concat", "Relu"]
    fed = {"x": np.array([[1, -2, 3], [4, 5, -6]], np.float32), "e": np.empty((2, 0), np.float32)}
    made = Session(model, threads=1).run(fed)
    assert made["y"].tolist() == [[1, 0, 3], [4, 5, 0]]
    assert made["z"].tolist() == [0, 0]


def test_a_model_of_opset_6_is_one_of_opset_7() -> None:
    """One-sided broadcasting along an axis, attributes for memory, slopes of a PRelu by channel."""
    g = Graph((2, 3, 4, 5), opset=6)
    g.add("Add", g.top, g.constant(np.array([1.0, 2.0, 3.0])), broadcast=1, axis=1)
    g.add("BatchNormalization", g.top, *[g.constant(np.array([1.0, 2.0, 3.0]))] * 4, consumed_inputs=[0] * 5, is_test=1)
    g.add("PRelu", g.top, g.constant(np.array([0.5, 0.25, 0.125])))
    g.add("Dropout", is_test=1)
    model = prepare(g.model(), {})
    assert [o.version for o in model.opset_import] == [7]
    x = np.random.default_rng(0).normal(0, 3, (2, 3, 4, 5)).astype(np.float32)
    by_channel = np.array([1, 2, 3], np.float32)[:, None, None]
    normal = x / np.sqrt(by_channel + 1e-5) * by_channel + by_channel
    wanted = np.where(normal < 0, normal * np.array([0.5, 0.25, 0.125])[:, None, None], normal)
    assert np.allclose(Session(model, threads=1).run({"x": x})[g.top], wanted, atol=1e-5)
