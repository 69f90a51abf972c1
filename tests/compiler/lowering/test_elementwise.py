"""Elementwise ops of ONNX over every type, from the node to the interpreter; onnxruntime is the judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from compiler import opt
from compiler.dialects.host import HostOp
from compiler.dialects.tpu.base import TpuOp
from compiler.frontends.onnx.prepare import prepare
from compiler.frontends.onnx.session import Session
from compiler.frontends.onnx.to_top.read import read
from compiler.interpreter.results import results
from compiler.ir.network import Array, Network, name_of
from compiler.lowering.job import LARGEST
from compiler.lowering.walk import lower
from compiler.stages.canonical_mlir import PIPELINE
from tests.compiler.frontends.onnx.reference import run
from tests.compiler.lowering.networks import calibrate

SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-30, -1e30, 2.5, -1.5, 1.0, -1.0], np.float32)
FLOAT, WHOLE, BOOL = ("float32",), ("int32", "int64"), ("bool",)
NARROW = ("int8", "uint8", "int16", "uint16")


@dataclass(frozen=True)
class Kind:
    """An op: how many operands it takes, of which types, and what is fed."""

    operands: int
    types: tuple[str, ...]
    low: float = -4.0
    high: float = 4.0
    attributes: dict[str, Any] = field(default_factory=dict[str, Any])
    special: bool = True
    divides: bool = False
    made: str = ""


KINDS: dict[str, Kind] = {
    **dict.fromkeys(("Less", "LessOrEqual", "Greater", "GreaterOrEqual"), Kind(2, FLOAT + WHOLE, made="bool")),
    "Equal": Kind(2, FLOAT + WHOLE + BOOL, made="bool"),
    **dict.fromkeys(("And", "Or", "Xor"), Kind(2, BOOL)), "Not": Kind(1, BOOL),
    **dict.fromkeys(("BitwiseAnd", "BitwiseOr", "BitwiseXor"), Kind(2, WHOLE + NARROW, -999, 999)),
    "BitwiseNot": Kind(1, WHOLE + NARROW, -999, 999), "Where": Kind(3, FLOAT + WHOLE + ("uint8",)),
    **dict.fromkeys(("Add", "Sub", "Mul", "Max", "Min"), Kind(2, FLOAT + WHOLE, -999, 999)),
    "Div": Kind(2, FLOAT + WHOLE, -99, 99, divides=True), "Mod": Kind(2, WHOLE + NARROW, -99, 99, divides=True),
    "Mod fmod": Kind(2, (*FLOAT, *WHOLE), -99, 99, {"fmod": 1}, divides=True),
    **dict.fromkeys(("Abs", "Sign"), Kind(1, FLOAT + WHOLE + NARROW, -99, 99)),
    "Neg": Kind(1, FLOAT + WHOLE + ("int8",)),
    "Relu": Kind(1, FLOAT + ("int32", "int8")), "Clip": Kind(1, FLOAT + WHOLE + ("int8", "uint8"), special=False),
    "Pow": Kind(2, ("int32", "int64"), 0, 5), "Pow float": Kind(2, FLOAT, 0.1, 6.0, special=False),
    "BitShift": Kind(2, ("uint8", "uint32"), 0, 7, {"direction": "LEFT"}),
    "BitShift right": Kind(2, ("uint8", "uint32", "uint64"), 0, 7, {"direction": "RIGHT"}),
    "IsNaN": Kind(1, FLOAT, made="bool"), "IsInf": Kind(1, FLOAT, made="bool"),
    "IsInf below": Kind(1, FLOAT, attributes={"detect_positive": 0}, made="bool"),
    **dict.fromkeys(("Sinh", "Cosh", "Asinh", "Atan"), Kind(1, FLOAT, -30, 30)),
    **dict.fromkeys(("Asin", "Acos", "Atanh"), Kind(1, FLOAT, -1, 1)), "Acosh": Kind(1, FLOAT, 1, 99),
    "Tan": Kind(1, FLOAT, -1.5, 1.5, special=False), "Shrink": Kind(1, FLOAT, attributes={"bias": 0.3, "lambd": 1.1}),
    "ThresholdedRelu": Kind(1, FLOAT, attributes={"alpha": 0.7}), "PRelu": Kind(2, FLOAT, special=False),
    "Cast bool": Kind(1, FLOAT + WHOLE + NARROW, made="bool", special=False),
    "Cast int32": Kind(1, FLOAT + WHOLE + NARROW + BOOL, -99, 99, made="int32", special=False),
    "Cast int8": Kind(1, WHOLE + NARROW + BOOL, -999, 999, made="int8"),
    "Cast uint16": Kind(1, WHOLE + NARROW, -99999, 99999, made="uint16"),
    "Cast float32": Kind(1, WHOLE + NARROW + BOOL, -999, 999, made="float32"),
}  # fmt: skip
"""By ONNX's name, and what sets one apart from another of that name."""


def extents(draw: Any, operands: int) -> list[tuple[int, ...]]:
    """Shapes that broadcast, up to five axes."""
    full = draw(st.lists(st.integers(1, 3), max_size=5))
    first = tuple(full)
    shapes = [first]
    for _ in range(operands - 1):
        kept = [n if draw(st.booleans()) else 1 for n in full]
        shapes.append(tuple(kept[draw(st.integers(0, len(kept))) :]))
    return shapes


def values(kind: Kind, dtype: str, dims: Sequence[int], rng: np.random.Generator, divisor: bool) -> Array:
    """What an operand holds: numbers of the op's range, in floats special ones too."""
    if dtype == "bool":
        return rng.integers(0, 2, dims).astype(bool)
    if dtype == "float32":
        drawn = np.asarray(rng.uniform(kind.low, kind.high, dims), np.float32)
        odd = rng.random(dims) < (0.3 if kind.special else 0.0)
        return np.where(odd, rng.choice(SPECIAL, dims), drawn).astype(np.float32)
    limits = np.iinfo(dtype)
    drawn = rng.integers(int(max(kind.low, limits.min)), int(min(kind.high, limits.max)), dims, endpoint=True)
    return np.where(divisor & (drawn == 0), 3, drawn).astype(dtype)


def model_of(name: str, kind: Kind, feeds: dict[str, Array]) -> onnx.ModelProto:
    """The node alone, each operand an input."""
    op_type = name.split()[0]
    attributes = dict(kind.attributes)
    held = {key: helper.np_dtype_to_tensor_dtype(value.dtype) for key, value in feeds.items()}
    made = helper.np_dtype_to_tensor_dtype(np.dtype(kind.made)) if kind.made else held[list(feeds)[-1]]
    if op_type == "Cast":
        attributes["to"] = made
    dims = np.broadcast_shapes(*(value.shape for value in feeds.values()))
    inputs = [helper.make_tensor_value_info(key, held[key], value.shape) for key, value in feeds.items()]
    node = helper.make_node(op_type, list(feeds), ["y"], **attributes)
    graph = helper.make_graph([node], "one", inputs, [helper.make_tensor_value_info("y", made, dims)])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


def canonical(model: onnx.ModelProto) -> Network:
    network = read(prepare(model, {}), "one")
    opt.run(network, opt.passes(PIPELINE))
    return network


def assert_same(found: Array, expected: Array) -> None:
    if expected.dtype.kind == "f":
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6)
    else:
        assert np.array_equal(found.astype(expected.dtype), expected), (found, expected)


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data(), seed=st.integers(0, 1 << 30))
def test_one_node_means_the_same_in_top_and_on_the_chip(name: str, data: st.DataObject, seed: int) -> None:
    kind, rng = KINDS[name], np.random.default_rng(seed)
    dtype = data.draw(st.sampled_from(kind.types))
    shapes = extents(data.draw, kind.operands)
    feeds = {
        f"x{i}": values(kind, "bool" if (name, i) == ("Where", 0) else dtype, dims, rng, kind.divides and i == 1)
        for i, dims in enumerate(shapes)
    }
    model = model_of(name, kind, feeds)
    with np.errstate(all="ignore"):
        expected = Session(model, threads=1).run(feeds)["y"]
        network = canonical(model)
        result = name_of(list(network.ops)[-1].operands[0])
        assert_same(run(network, feeds)[result], expected)
        lower(network, "f32")
        assert not any(isinstance(op, HostOp) for op in network.ops)
        assert_same(results(network, feeds).arrays[result], expected)


def test_integers_of_sixteen_bits_wrap_in_the_thirty_two_that_hold_them() -> None:
    x, y = np.array([60000, 3, 65535], np.uint16), np.array([10000, 5, 65535], np.uint16)
    for op_type, expected in (("Add", [4464, 8, 65534]), ("Sub", [50000, 65534, 0]), ("Mul", [17920, 15, 1])):
        network = canonical(model_of(op_type, Kind(2, ()), {"x": x, "y": y}))
        result = name_of(list(network.ops)[-1].operands[0])
        lower(network, "int8")
        assert results(network, {"x": x, "y": y}).arrays[result].tolist() == expected


def test_an_integer_to_a_whole_power_that_is_a_float_is_exact() -> None:
    base = np.arange(-12, 13, dtype=np.int32)
    exponent = np.full(25, 5.0, np.float32)
    graph = helper.make_graph(
        [helper.make_node("Pow", ["x", "y"], ["z"])], "one",
        [helper.make_tensor_value_info("x", TensorProto.INT32, [25]),
         helper.make_tensor_value_info("y", TensorProto.FLOAT, [25])],
        [helper.make_tensor_value_info("z", TensorProto.INT32, [25])],
    )  # fmt: skip
    network = canonical(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9))
    lower(network, "f32")
    found = results(network, {"x": base, "y": exponent})
    assert found.arrays["z_Pow"].tolist() == (base.astype(np.int64) ** 5).tolist()


def test_a_flag_of_a_quantised_tensor_is_a_table() -> None:
    x = (np.arange(-127, 128) / 32).astype(np.float32)
    model = model_of("Greater", Kind(2, (), made="bool"), {"x": x, "limit": np.array(0.5, np.float32)})
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(0.5, np.float32), "limit"))
    del model.graph.input[1]
    network = canonical(model)
    calibrate(network, {"x": x}, {})
    lower(network, "int8")
    assert {op.name for op in network.ops if isinstance(op, TpuOp)} == {"tpu.Lut", "tpu.Reshape"}
    assert np.array_equal(results(network, {"x": x}).arrays["y_Greater"], x > 0.5)


def test_a_condition_chooses_from_two_constants_that_are_floats() -> None:
    condition = np.array([True, False, True])
    model = model_of(
        "Where", Kind(3, ()), {"c": condition, "a": np.array(0.5, np.float32), "b": np.array(-np.inf, np.float32)}
    )
    for name, value in (("a", 0.5), ("b", -np.inf)):
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(value, np.float32), name))
        del model.graph.input[1]
    network = canonical(model)
    lower(network, "f32")
    assert results(network, {"c": condition}).arrays["y_Where"].tolist() == [0.5, -np.inf, 0.5]


@pytest.mark.parametrize("mode", ["f32", "bf16", "f16"])
@pytest.mark.parametrize("masked", ["a", "b"])
def test_a_mask_that_is_finite_stays_finite(mode: str, masked: str) -> None:
    """The least number of f32 is what attention masks with; in 16 bits it would round to -infinity."""
    condition, x = np.array([True, False]), np.array([0.5, -2], np.float32)
    least = np.array(np.finfo(np.float32).min)
    given = {"c": condition, "a": x, "b": x} | {masked: least}
    model = model_of("Where", Kind(3, ()), given)
    model.graph.initializer.append(onnx.numpy_helper.from_array(least, masked))
    del model.graph.input[1 if masked == "a" else 2]
    network = canonical(model)
    lower(network, mode)
    feeds = {"c": condition, "b" if masked == "a" else "a": x}
    found = results(network, feeds).real("y_Where").tolist()
    most = LARGEST[{"f32": "float32", "bf16": "bfloat16", "f16": "float16"}[mode]]
    assert found == ([-most, -2] if masked == "a" else [0.5, -most])


def test_an_integer_that_no_double_is_stays_itself() -> None:
    x, far = np.array([1, 2], np.int64), np.array(2**53 + 1, np.int64)
    model = model_of("Add", Kind(2, ()), {"x": x, "far": far})
    model.graph.initializer.append(onnx.numpy_helper.from_array(far, "far"))
    del model.graph.input[1]
    network = canonical(model)
    assert run(network, {"x": x})["y_Add"].tolist() == [2**53 + 2, 2**53 + 3]
    lower(network, "f32")
    assert results(network, {"x": x}).arrays["y_Add"].tolist() == [2**53 + 2, 2**53 + 3]


def test_a_bound_beyond_the_chips_integers_binds_nothing() -> None:
    x = np.array([-5, 3, 2**31 - 1], np.int64)
    given = {"x": x, "low": np.array(0, np.int64), "high": np.array(2**63 - 1, np.int64)}
    model = model_of("Clip", Kind(3, ()), given)
    for name in ("low", "high"):
        model.graph.initializer.append(onnx.numpy_helper.from_array(given[name], name))
        del model.graph.input[1]
    network = canonical(model)
    assert run(network, {"x": x})["y_Clip"].tolist() == [0, 3, 2**31 - 1]
    lower(network, "f32")
    assert not any(isinstance(op, HostOp) for op in network.ops)
    assert results(network, {"x": x}).arrays["y_Clip"].tolist() == [0, 3, 2**31 - 1]


def test_a_constant_that_the_chip_cannot_hold_goes_to_the_host() -> None:
    x, far = np.array([1, 2], np.int64), np.array([1 << 40, 2], np.int64)
    model = model_of("Add", Kind(2, ()), {"x": x, "far": far})
    model.graph.initializer.append(onnx.numpy_helper.from_array(far, "far"))
    del model.graph.input[1]
    network = canonical(model)
    lower(network, "f32")
    (host,) = [op for op in network.ops if isinstance(op, HostOp)]
    assert "32 bits" in host.reason.data
