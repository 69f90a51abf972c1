"""LSTM, GRU and RNN by their steps give what onnxruntime's own kernels give, whatever their attributes say."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from compiler import opt
from compiler.dialects.top.contraction import MatMulOp
from compiler.frontends.onnx.from_top.reference import Reference
from compiler.frontends.onnx.prepare import prepare
from compiler.frontends.onnx.session import Session
from compiler.frontends.onnx.to_top.read import read
from compiler.ir.network import Network, name_of
from compiler.stages.canonical_mlir import PIPELINE

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
FUNCTIONS = {"RNN": 1, "GRU": 2, "LSTM": 3}
NUMBERS = {
    "Tanh": 0,
    "Sigmoid": 0,
    "Relu": 0,
    "Softsign": 0,
    "LeakyRelu": 1,
    "Elu": 1,
    "HardSigmoid": 2,
    "ScaledTanh": 2,
}


def model(
    kind: str, dims: tuple[int, int, int, int], held: dict[str, Any], returned: list[str], opset: int, **attributes: Any
) -> onnx.ModelProto:
    """One node over x (t, n, i), its operands by name from `held`; a state that `held` maps to None is fed."""
    steps, samples, inputs, hidden = dims
    names = {"RNN": "wrbls", "GRU": "wrbls", "LSTM": "wrblscp"}[kind]
    turns = 2 if attributes.get("direction") == "bidirectional" else 1
    state = helper.make_tensor_value_info("s", TensorProto.FLOAT, [turns, samples, hidden])
    fed = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [steps, samples, inputs])]
    fed += [state] if held.get("s", 0) is None else []
    node = helper.make_node(
        kind, ["x", *(n if n in held else "" for n in names)], returned, hidden_size=hidden, **attributes
    )
    graph = helper.make_graph(
        [node], "cell", fed, [onnx.ValueInfoProto(name=name) for name in returned if name],
        [numpy_helper.from_array(array, name) for name, array in held.items() if array is not None],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def weights(kind: str, dims: tuple[int, int, int, int], turns: int, seed: int = 0) -> dict[str, Any]:
    rng, (steps, samples, inputs, hidden) = np.random.default_rng(seed), dims
    wide = GATES[kind] * hidden
    extents = {
        "w": (turns, wide, inputs), "r": (turns, wide, hidden), "b": (turns, 2 * wide), "s": (turns, samples, hidden),
        "c": (turns, samples, hidden), "p": (turns, 3 * hidden),
    }  # fmt: skip
    made = {name: rng.normal(0, 0.7, shape).astype(np.float32) for name, shape in extents.items()}
    return made | {"l": rng.integers(1, steps + 1, samples).astype(np.int32)}


def canonical(made: onnx.ModelProto) -> Network:
    network = read(prepare(made, {}), "cell")
    opt.run(network, opt.passes(PIPELINE))
    return network


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_the_steps_give_what_the_op_gives(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["RNN", "GRU", "LSTM"]))
    dims = data.draw(st.tuples(*[st.integers(1, 4)] * 4))
    direction = data.draw(st.sampled_from(["forward", "reverse", "bidirectional"]))
    turns = 2 if direction == "bidirectional" else 1
    optional = "bls" if kind != "LSTM" else "blscp"
    there = {"w", "r", *data.draw(st.sets(st.sampled_from(optional)))}
    held = {name: array for name, array in weights(kind, dims, turns).items() if name in there}
    attributes: dict[str, Any] = {"direction": direction}
    if data.draw(st.booleans()):
        chosen = data.draw(
            st.lists(st.sampled_from(sorted(NUMBERS)), min_size=FUNCTIONS[kind], max_size=FUNCTIONS[kind])
        )
        attributes["activations"] = chosen * turns
        alphas, betas = ([0.3 for name in chosen * turns if NUMBERS[name] > least] for least in (0, 1))
        attributes |= {"activation_alpha": alphas} if alphas else {}
        attributes |= {"activation_beta": betas} if betas else {}
    if kind == "GRU":
        attributes["linear_before_reset"] = data.draw(st.integers(0, 1))
    if kind == "LSTM" and data.draw(st.booleans()):
        attributes["input_forget"] = 1
    returned = ["y", "h", *(["c_end"] if kind == "LSTM" else [])]
    made = model(kind, dims, held, returned, data.draw(st.sampled_from([7, 11, 17])), **attributes)
    fed = {"x": np.random.default_rng(1).normal(0, 1, dims[:3]).astype(np.float32)}
    expected, found = Session(made, threads=1).run(fed), Reference(canonical(made)).run(fed)
    for name, array in expected.items():
        assert np.allclose(found[f"{name}_{kind}"], array, atol=2e-5), name


@pytest.mark.parametrize("kind", GATES)
def test_the_clip_bounds_what_goes_into_the_gates(kind: str) -> None:
    """Against a second cell whose weights make the gates' operands small: there the clip has nothing to do."""
    dims = (1, 2, 3, 4)
    held = weights(kind, dims, 1)
    fed = {"x": np.random.default_rng(1).normal(0, 9, dims[:3]).astype(np.float32)}
    small = Reference(canonical(model(kind, dims, {n: held[n] for n in "wr"}, ["y"], 17, clip=0.5))).run(fed)
    products = np.clip(fed["x"].reshape(2, 3) @ held["w"][0].T, -0.5, 0.5).astype(np.float32)
    gates = {"w": np.eye(4 * GATES[kind], dtype=np.float32)[None], "r": np.zeros_like(held["r"])}
    wide = (1, 2, 4 * GATES[kind], 4)
    plain = Session(model(kind, wide, gates, ["y"], 17), threads=1).run({"x": products[None]})
    assert np.allclose(small[f"y_{kind}"], plain["y"], atol=1e-6)


def test_a_fed_state_and_fed_lengths() -> None:
    dims = (3, 2, 4, 5)
    held = weights("GRU", dims, 1) | {"s": None, "l": None}
    made = model("GRU", dims, {n: held[n] for n in "wrbs"}, ["y", "h"], 17)
    made.graph.node[0].input[4] = "l"
    made.graph.input.append(helper.make_tensor_value_info("l", TensorProto.INT32, [2]))
    rng = np.random.default_rng(1)
    fed: dict[str, Any] = {"x": rng.normal(0, 1, dims[:3]).astype(np.float32)}
    fed |= {"s": rng.normal(0, 1, (1, 2, 5)).astype(np.float32)}
    for lengths in ([3, 1], [2, 3]):
        fed["l"] = np.array(lengths, np.int32)
        expected, found = Session(made, threads=1).run(fed), Reference(canonical(made)).run(fed)
        assert all(np.allclose(found[f"{name}_GRU"], array, atol=1e-5) for name, array in expected.items())


def test_the_steps_share_their_weights_and_the_product_of_all_inputs() -> None:
    dims = (6, 2, 3, 4)
    held = weights("LSTM", dims, 1)
    network = canonical(model("LSTM", dims, {name: held[name] for name in "wrb"}, ["y"], 17))
    products = [op for op in network.ops if isinstance(op, MatMulOp)]
    assert len(products) == 1 + dims[0] - 1, "the first step's state is nothing"
    assert len({name_of(op.right) for op in products}) == 2
    assert sum(array.size for array in network.weights.values()) < 1.2 * sum(held[n].size for n in "wrb")
