"""What `sample.onnx` is: shapes bound, constants folded, the rest as it came."""

from __future__ import annotations

import onnx
import pytest
from onnx import helper, numpy_helper

from compiler.frontends.onnx.prepare import prepare
from compiler.frontends.onnx.read import read
from compiler.ir import text
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
    text_form = """<ir_version: 10, opset_import: ["" : 21]> g (float[2,4] x) => (float[2,4] y)
        <float[4] w = {1, 2, 3, 4}> { t = LayerNormalization(x, w) y = LayerNormalization(t, w) }"""
    nodes = prepare(onnx.parser.parse_model(text_form), {}).graph.node
    made = [name for node in nodes for name in node.output]
    assert "LayerNormalization" not in {node.op_type for node in nodes}
    assert len(made) == len(set(made)) > 10
