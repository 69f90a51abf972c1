"""What is done to a converter's ONNX changes names and types of the ends, and none of the numbers."""

from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from compiler.frontends.clean import cleaned
from compiler.frontends.onnx.session import Session

SCALE, ZERO = np.float32(0.05), -3


def codes_net() -> onnx.ModelProto:
    """Codes in and out, as a TFLite net with integer inputs and outputs has them: a dense layer between scales."""
    weight = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)
    numbers = {"s": np.array(SCALE), "z": np.array(ZERO, np.int8), "w;fused;all": weight}
    nodes = [
        helper.make_node("DequantizeLinear", ["serving_default_x:0", "s", "z"], ["x;real"], "x;real"),
        helper.make_node("MatMul", ["x;real", "w;fused;all"], ["x;real;again"], "mat mul"),
        helper.make_node("QuantizeLinear", ["x;real;again", "s", "z"], ["PartitionedCall:0"], "q"),
    ]
    ends = [("serving_default_x:0", (1, 4)), ("PartitionedCall:0", (1, 3))]
    fed, made = (helper.make_tensor_value_info(name, TensorProto.INT8, shape) for name, shape in ends)
    held = [numpy_helper.from_array(array, name) for name, array in numbers.items()]
    return _model(helper.make_graph(nodes, "main graph", [fed], [made], held))


def test_codes_at_the_ends_become_what_they_stand_for() -> None:
    real = np.random.default_rng(1).uniform(-5, 5, (1, 4)).astype(np.float32)
    codes = np.clip(np.round(real / SCALE) + ZERO, -128, 127).astype(np.int8)
    expected = (_run(codes_net(), codes).astype(np.float32) - ZERO) * SCALE
    model = cleaned(codes_net())
    kinds = [value.type.tensor_type.elem_type for value in (*model.graph.input, *model.graph.output)]
    assert kinds == [TensorProto.FLOAT, TensorProto.FLOAT]
    np.testing.assert_array_equal(_run(model, real), expected)


def test_names_are_plain_short_and_unlike_each_other() -> None:
    graph = cleaned(codes_net()).graph
    assert [value.name for value in (*graph.input, *graph.output)] == ["x", "PartitionedCall"]
    tensors = [name for node in graph.node for name in node.output]
    assert len(set(tensors)) == len(tensors)
    assert {"x_real", "x_real_1"} != {*tensors}
    assert not any(set(name) & set(" ;:") for name in (*tensors, *(node.name for node in graph.node)))


@pytest.mark.parametrize("chosen", [True, False])
def test_a_branch_that_reads_from_outside_still_does(chosen: bool) -> None:
    inner = [helper.make_node(kind, ["outer;x"], [f"{kind};y"]) for kind in ("Neg", "Abs")]
    branches = [
        helper.make_graph([node], node.op_type, [], [helper.make_tensor_value_info(node.output[0], 1, (2,))])
        for node in inner
    ]
    nodes = [
        helper.make_node("Identity", ["a:0"], ["outer;x"]),
        helper.make_node("If", ["c"], ["y:0"], then_branch=branches[0], else_branch=branches[1]),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (2,)) for name in ("a:0", "y:0")]
    held = [numpy_helper.from_array(np.array(chosen), "c")]
    model = cleaned(_model(helper.make_graph(nodes, "main", ends[:1], ends[1:], held)))
    onnx.checker.check_model(model, full_check=True)
    np.testing.assert_array_equal(_run(model, np.array([-1, 2], np.float32)), [1, -2] if chosen else [1, 2])


def test_notes_of_where_layers_stood_are_dropped() -> None:
    model = codes_net()
    model.doc_string = model.graph.node[0].doc_string = "/home/someone/net.py:7"
    model.graph.node[1].metadata_props.add(key="stack_trace", value="/home/someone/net.py:8")
    assert b"someone" not in cleaned(model).SerializeToString()


def _model(graph: onnx.GraphProto) -> onnx.ModelProto:
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def _run(model: onnx.ModelProto, array: NDArray[Any]) -> NDArray[Any]:
    session = Session(model)
    return next(iter(session.run({next(iter(session.inputs)): array}).values()))
