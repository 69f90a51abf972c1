"""If, Loop, Scan and sequences whose course the graph alone decides are spelt out, and mean what they meant."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from compiler import opt
from compiler.dialects.host import HostOp
from compiler.frontends.onnx.from_top.reference import Reference
from compiler.frontends.onnx.prepare import prepare
from compiler.frontends.onnx.session import Session
from compiler.frontends.onnx.to_top.read import read
from compiler.stages.canonical_mlir import PIPELINE
from tests.compiler.frontends.onnx.reference import feeds

BEGIN = '<ir_version: 8, opset_import: ["" : 17]> g '
GRAPHS = {
    "if takes what lies around it, one inside another": """(float[2,3] x) => (float[2,3] y)
        <bool yes = {1}, bool no = {0}> {
            y = If(yes) <
                then_branch = a () => (float[2,3] t) {
                    u = Relu(x)
                    t = If(no) <then_branch = b () => (float[2,3] v) { v = Neg(u) },
                                else_branch = c () => (float[2,3] w) { w = Add(u, x) }>
                },
                else_branch = d () => (float[2,3] t) { t = Neg(x) }>
        }""",
    "a shape decides": """(float[2,3] x) => (float[2,3] y)
        <int64 three = {3}, int64 one = {1}> {
            s = Shape(x) n = Gather(s, one) same = Equal(n, three)
            y = If(same) <then_branch = a () => (float[2,3] t) { t = Relu(x) },
                          else_branch = b () => (float[2,3] t) { t = Neg(x) }>
        }""",
    "loop with a state, rows of results and a captured tensor": """(float[2,3] x) => (float[2,3] y, float[4,2,3] rows)
        <int64 four = {4}> {
            y, rows = Loop(four, , x) <body = b (int64 i, bool going, float[2,3] state) =>
                    (bool on, float[2,3] next, float[2,3] row) {
                on = Identity(going) f = Cast<to = 1>(i) t = Mul(x, f) next = Add(state, t) row = Sub(next, x) }>
        }""",
    "loop that ends by its condition": """(float[2,3] x) => (float[2,3] y)
        <int64 most = {9}, int64 two = {2}, bool yes = {1}> {
            y = Loop(most, yes, x) <body = b (int64 i, bool going, float[2,3] state) =>
                    (bool on, float[2,3] next) { on = Less(i, two) next = Exp(state) }>
        }""",
    "loop that never runs": """(float[2,3] x) => (float[2,3] y, float[n,2,3] rows)
        <int64 none = {0}> {
            z, rows = Loop(none, , x) <body = b (int64 i, bool going, float[2,3] state) =>
                    (bool on, float[2,3] next, float[2,3] row) {
                on = Identity(going) next = Neg(state) row = Neg(state) }>
            y = Relu(z)
        }""",
    "scan forwards and backwards, along both axes": """
        (float[2,3] x, float[3,2] w) => (float[2] s, float[2,3] rows, float[3,2] ups)
        <float[2] zero = {0, 0}> {
            s, rows, ups = Scan<num_scan_inputs = 2, scan_input_axes = [1, 0], scan_input_directions = [0, 1],
                                scan_output_axes = [1, 0], scan_output_directions = [0, 1],
                                body = b (float[2] sum, float[2] column, float[2] row) =>
                                    (float[2] next, float[2] seen, float[2] up) {
                t = Mul(column, row) next = Add(sum, t) seen = Identity(next) up = Neg(t) }>(zero, x, w)
        }""",
    "a list that a loop grows": """(float[2,3] x) => (float[6,3] y)
        <int64 three = {3}> {
            empty = SequenceEmpty()
            all = Loop(three, , empty) <body = b (int64 i, bool going, seq(float[2,3]) row) =>
                    (bool on, seq(float[2,3]) more) {
                on = Identity(going) f = Cast<to = 1>(i) t = Add(x, f) more = SequenceInsert(row, t) }>
            y = ConcatFromSequence<axis = 0>(all)
        }""",
    "a list taken apart": """(float[4,3] x) => (float[3] y, int64 n)
        <int64 last = {-1}, int64 first = {0}> {
            all = SplitToSequence<axis = 0, keepdims = 0>(x) some = SequenceErase(all, first)
            y = SequenceAt(some, last) n = SequenceLength(some)
        }""",
    "a list whose members are worked on": """(float[4,3] x) => (float[4,3] y) {
            all = SplitToSequence<axis = 0>(x)
            each = SequenceMap(all) <body = b (float[1,3] e) => (float[1,3] f) { f = Neg(e) }>
            y = ConcatFromSequence<axis = 0>(each)
        }""",
}  # fmt: skip


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
def test_what_the_graph_decides_is_spelt_out(graph: str) -> None:
    model = onnx.parser.parse_model(BEGIN + graph)
    made = prepare(model, {})
    fed = feeds(model)
    assert not {"If", "Loop", "Scan"} & {node.op_type for node in made.graph.node}
    assert not [node.op_type for node in made.graph.node if "Sequence" in node.op_type]
    names = [name for node in made.graph.node for name in node.output]
    assert len(names) == len(set(names))
    onnx.checker.check_model(made, full_check=True)
    expected, found = Session(model, threads=1).run(fed), Session(made, threads=1).run(fed)
    assert expected.keys() == found.keys()
    assert all(np.array_equal(found[name], array) for name, array in expected.items())


def test_what_the_inputs_decide_stays_as_it_is() -> None:
    """Inside a Loop that is spelt out, too; what the If takes from around it has the name that it has there now."""
    graph = """(float[2,3] x, bool flag) => (float[2,3] y)
        <int64 two = {2}> {
            y = Loop(two, , x) <body = b (int64 i, bool going, float[2,3] state) => (bool on, float[2,3] next) {
                on = Identity(going) z = Exp(state)
                next = If(flag) <then_branch = a () => (float[2,3] t) { t = Neg(z) },
                                 else_branch = c () => (float[2,3] t) { t = Add(z, state) }> }>
        }"""
    model = onnx.parser.parse_model(BEGIN + graph)
    made = prepare(model, {})
    assert [node.op_type for node in made.graph.node] == ["Exp", "If", "Exp", "If", "Identity"]
    for flag in (False, True):
        fed = {"x": np.ones((2, 3), np.float32), "flag": np.array(flag)}
        assert np.array_equal(Session(made).run(fed)["y"], Session(model).run(fed)["y"])


@pytest.mark.parametrize("count", [0, 3])
def test_a_loop_whose_rounds_the_inputs_count_is_the_hosts(count: int) -> None:
    """What ONNX defines by such a loop, too: but as the op it is, which has extents of its own."""
    graph = """(float[2,3] x, int64 n) => (float[2,3] y, int64[m] r)
        <int64 none = {0}, int64 one = {1}> {
            z = Loop(n, , x) <body = b (int64 i, bool going, float[2,3] s) => (bool on, float[2,3] next) {
                on = Identity(going) next = Add(s, x) }>
            y = Relu(z) r = Range(none, n, one)
        }"""
    network = read(prepare(onnx.parser.parse_model(BEGIN + graph), {}), "counted")
    assert [op.kind.data for op in network.ops if isinstance(op, HostOp)] == ["Loop", "Range"]
    opt.run(network, opt.passes(PIPELINE))
    made = Reference(network).run({"x": np.ones((2, 3), np.float32), "n": np.array(count)})
    assert made["y_Relu"].tolist() == [[1.0 + count] * 3] * 2
    assert made["r_Range"].tolist() == list(range(count))
