"""Networks with ops of the host anywhere: the chip's bytes are the interpreter's, and both mean what ONNX says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from simulator.host import BadFeed
from simulator.onnx_host import Form, HostFault, HostModel
from simulator.runtime import PyRuntime
from simulator.subnets import ChipSubnet
from tests.compiler.host.built import Array, compiled, mismatches, model, tensor

X = ((np.arange(120) * 7 % 11) - 5).astype(np.float32).reshape(2, 3, 4, 5) / 8
INT64 = TensorProto.INT64


def node(op: str, inputs: str, outputs: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op, inputs.split(), outputs.split(), **attributes)


def alien(x: str, y: str) -> onnx.NodeProto:
    """An op of onnxruntime's own, which ONNX doesn't have: the host's for good."""
    return helper.make_node("QuickGelu", [x], [y], domain="com.microsoft")


def at_the_start() -> onnx.ModelProto:
    """The host on an input, the chip behind it and on another input."""
    nodes = [alien("m", "d"), node("Relu", "d", "r"), node("Relu", "x", "q")]
    outputs = [tensor("r", 3, 2, 2), tensor("q", 2, 3, 4, 5)]
    return model(nodes, [tensor("m", 3, 2, 2), tensor("x", 2, 3, 4, 5)], outputs)


def in_the_middle() -> onnx.ModelProto:
    """Chip, host, chip; the host's operand is also read by the chip behind it."""
    nodes = [node("Relu", "x", "a"), node("Slice", "a from to axes", "s"), alien("s", "d"), node("Add", "s d", "y")]
    held = {"from": np.array([0]), "to": np.array([4]), "axes": np.array([3])}
    return model(nodes, [tensor("x", 2, 3, 4, 5)], [tensor("y", 2, 3, 4, 4)], held)


def two_in_a_row() -> onnx.ModelProto:
    """NonZero → Gather…: extents that depend on the data, through to the result; a chip result beside it."""
    nodes = [
        node("Relu", "x", "a"), node("NonZero", "a", "w"), node("Transpose", "w", "i", perm=[1, 0]),
        node("GatherND", "a i", "g"), node("Neg", "a", "n"),
    ]  # fmt: skip
    return model(nodes, [tensor("x", 2, 3, 4, 5)], [tensor("g", None), tensor("n", 2, 3, 4, 5)])


def several_results() -> onnx.ModelProto:
    """Unique has four results, of which one is left out; all only the host touches."""
    nodes = [node("Abs", "x", "a"), helper.make_node("Unique", ["a"], ["u", "", "v", "c"])]
    outputs = [tensor("u", None), tensor("c", None, kind=INT64), tensor("v", None, kind=INT64)]
    return model(nodes, [tensor("x", 2, 3, 4, 5)], outputs)


def only_the_host() -> onnx.ModelProto:
    """No op of the chip at all; an int64 input too wide for it goes through untouched."""
    nodes = [node("Unique", "n", "u"), node("NonZero", "n", "w")]
    return model(nodes, [tensor("n", 5, kind=INT64)], [tensor("u", None, kind=INT64), tensor("w", 1, None, kind=INT64)])


def twice_apart() -> onnx.ModelProto:
    """Host, chip, host, chip: three chip subnets, of which the second reads what the first made."""
    nodes = [
        node("Relu", "m", "a"), alien("a", "d"), node("Neg", "d", "e"), node("Add", "a e", "b"), alien("b", "g"),
        node("Abs", "g", "y"),
    ]  # fmt: skip
    return model(nodes, [tensor("m", 3, 2, 2)], [tensor("y", 3, 2, 2)])


M = np.array([[[1, 2], [3, 5]], [[0.5, -1], [2, 0.25]], [[-2, 0], [1, 3]]], np.float32)
N = np.array([1 << 40, 0, -3, 1 << 40, 7])
CASES = {
    "start": (at_the_start, {"m": M, "x": X}),
    "middle": (in_the_middle, {"x": X}),
    "two in a row": (two_in_a_row, {"x": X}),
    "several results": (several_results, {"x": X}),
    "twice apart": (twice_apart, {"m": M}),
}


def expected(made: onnx.ModelProto, feeds: Mapping[str, Array]) -> list[Array]:
    session: Any = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    return [np.asarray(array) for array in session.run(None, dict(feeds))]


@pytest.mark.parametrize("chip", ["x64", "e8"])
@pytest.mark.parametrize("mode", ["f32", "bf16", "int8"])
@pytest.mark.parametrize("case", CASES)
def test_the_chip_makes_what_the_interpreter_makes(case: str, mode: str, chip: str, tmp_path: Path) -> None:
    make, feeds = CASES[case]
    compiled(make(), feeds, tmp_path, mode, chip, seed=None if chip == "x64" else 3)
    assert mismatches(tmp_path) == []


@pytest.mark.parametrize("case", CASES)
def test_in_f32_it_is_what_onnxruntime_makes(case: str, tmp_path: Path) -> None:
    make, feeds = CASES[case]
    made = make()
    compiled(made, feeds, tmp_path, "f32", "x64")
    found = PyRuntime(tmp_path / "sample.model").run(None, feeds)
    for ours, theirs in zip(found, expected(made, feeds), strict=True):
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("case", "order"),
    [
        ("twice apart", "chip QuickGelu chip QuickGelu chip"),
        ("two in a row", "chip NonZero Transpose GatherND"),
        ("start", "QuickGelu chip"),
    ],
)
def test_subnets_are_as_few_as_the_host_ops_allow(case: str, order: str, tmp_path: Path) -> None:
    make, feeds = CASES[case]
    compiled(make(), feeds, tmp_path, "f32", "x64")
    parts = PyRuntime(tmp_path / "sample.model").model.parts
    assert " ".join("chip" if isinstance(part, ChipSubnet) else part.kind for part in parts) == order


@pytest.mark.parametrize("mode", ["bf16", "int8"])
def test_what_only_the_host_touches_passes_untouched(mode: str, tmp_path: Path) -> None:
    compiled(only_the_host(), {"n": N}, tmp_path, mode, "e8")
    assert mismatches(tmp_path) == []
    session = PyRuntime(tmp_path / "sample.model")
    unique, where = session.run(None, {"n": N})
    assert unique.tolist() == [-3, 0, 7, 1 << 40]
    assert where.tolist() == [[0, 2, 3, 4]]
    assert session.model.activation_bytes == session.model.io_bytes == 0


def test_texts_pass_through(tmp_path: Path) -> None:
    nodes = [node("StringNormalizer", "s", "t", case_change_action="UPPER", locale="C"), node("Relu", "x", "y")]
    text = TensorProto.STRING
    made = model(nodes, [tensor("s", 2, kind=text), tensor("x", 3)], [tensor("t", None, kind=text), tensor("y", 3)])
    feeds = {"s": np.array(["ab", "c"], np.object_), "x": np.array([-1, 0, 2], np.float32)}
    compiled(made, feeds, tmp_path, "f32", "e8")
    session = PyRuntime(tmp_path / "sample.model")
    assert [info.type for info in session.get_inputs()] == ["tensor(string)", "tensor(float)"]
    upper, relu = session.run(None, feeds)
    assert (upper.tolist(), relu.tolist()) == (["AB", "C"], [0, 0, 2])
    with pytest.raises(BadFeed, match="input 's': type float32 isn't object"):
        session.run(None, {"s": np.zeros(2, np.float32), "x": feeds["x"]})


def test_an_op_that_fails_at_run_time_is_named(tmp_path: Path) -> None:
    made = model(
        [node("Relu", "x", "r"), node("Gather", "r i", "g")],
        [tensor("x", 4), tensor("i", 2, kind=INT64)],
        [tensor("g", 2)],
    )
    op = HostModel(made.SerializeToString(), "g_Gather", "Gather")
    feeds = [(np.zeros(4, np.float32), Form("float32")), (np.array([0, 9]), Form("int64"))]
    with pytest.raises(HostFault, match=r"host op Gather at 'g_Gather': onnxruntime fails: .*idx=9"):
        op.run(feeds, [Form("float32")])
    same = model([node("Identity", "i", "o")], [tensor("i", 1, kind=INT64)], [tensor("o", 1, kind=INT64)])
    wide = HostModel(same.SerializeToString(), "o_Identity", "Identity")
    with pytest.raises(HostFault, match="host op Identity at 'o_Identity': result 0: 5000000000 doesn't fit int32"):
        wide.run([(np.array([5_000_000_000]), Form("int64"))], [Form("int32")])
    with pytest.raises(HostFault, match="host op Gather at 'g_Gather': onnxruntime refuses it"):
        HostModel(b"no model", "g_Gather", "Gather")


def test_what_the_host_runs_is_told(tmp_path: Path) -> None:
    told = compiled(in_the_middle(), {"x": X}, tmp_path, "int8", "x64")["sample_model"]
    assert told["host_ops"] == 1
    # The operand and the result, 2·3·4·4 numbers of a byte each.
    assert told["host_bytes"] == 96 + 96
    (row,) = told["host"]
    assert (row["tensor"], row["op"]) == ("d_QuickGelu", "QuickGelu")
    assert row["reason"] == "it is of domain 'com.microsoft'; only ONNX's own ops are understood"
