"""The exceptions of a mixed network: formats by op, thresholds by tensor."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.dialects.fields import ints
from compiler.dialects.structure import InputOp
from compiler.dialects.top import ops as top
from compiler.dialects.tpu.base import TpuOp
from compiler.interpreter.results import results
from compiler.ir.network import Array, Network, name_of, tensor
from compiler.lowering.walk import lower
from compiler.quantization.qtable import BadQtable
from tests.compiler.lowering.networks import Builder, calibrate, reference

X = np.linspace(-1, 1, 32, dtype=np.float32).reshape(1, 2, 4, 4)


def chain() -> Network:
    """X → t0 Relu → t1 Reshape → t2 MatMul → t3 Relu, calibrated on X."""
    b = Builder()
    flat = b.op(top.ReshapeOp, b.op(top.ReluOp, b.input("x", 1, 2, 4, 4)), shape=ints(1, 32))
    right = b.weight(np.random.default_rng(3).standard_normal((32, 5)))
    network = b.network(b.op(top.ReluOp, b.op(top.MatMulOp, flat, right, b.none())))
    calibrate(network, reference(network, {"x": X}), {})
    return network


def lowered(qtable: dict[str, str | float]) -> tuple[dict[str, str], Array]:
    """The element type of each tensor, and the network's result."""
    network = chain()
    lower(network, "mix", qtable)
    kinds = {name_of(op): str(tensor(op.output).element_type) for op in network.ops if isinstance(op, TpuOp)}
    return kinds, results(network, {"x": X}).real("t3")


def test_an_empty_qtable_is_int8() -> None:
    mixed, plain = chain(), chain()
    lower(mixed, "mix", {})
    lower(plain, "int8")
    assert [str(op) for op in mixed.ops] == [str(op) for op in plain.ops]


@pytest.mark.parametrize(("written", "kind"), [("F32", "f32"), ("BF16", "bf16"), ("f16", "f16")])
def test_an_op_in_another_format_is_between_casts(written: str, kind: str) -> None:
    kinds, made = lowered({"t2": written})
    assert kinds["t2"] == kind
    assert kinds["t0"] == "f32", "what float ops alone read is a float, views in between"
    assert kinds["t3"] == "f32", "an elementwise op of a float tensor stays in float"
    assert kind == "f32" or f"t1_{kind}" in kinds
    np.testing.assert_allclose(made, lowered({})[1], atol=0.05 * made.max())


def test_neighbours_in_two_float_formats_are_cast() -> None:
    kinds, made = lowered({"t0": "F32", "t2": "BF16", "t3": "F16"})
    assert (kinds["t1"], kinds["t2"], kinds["t3"]) == ("f32", "bf16", "f16")
    np.testing.assert_allclose(made, lowered({})[1], atol=0.05 * made.max())


def test_a_threshold_sets_the_scale_there_and_where_values_are_passed_on() -> None:
    before, _ = lowered({})
    kinds, made = lowered({"t0": 0.5})
    step = str(0.5 / 255)
    assert step in kinds["t0"]
    assert step in kinds["t1"]
    assert kinds["t2"] == before["t2"]
    assert not np.array_equal(made, lowered({})[1])


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"t9": "F32"}, "no tensor 't9' in the network"),
        ({"t2": "F64"}, "'t2' has the format 'F64'; there are F32, BF16, F16, W8F16, INT8"),
        ({"t1": "F32"}, "'t1' computes nothing"),
        ({"x": "INT8"}, "'x', an input, has the format 'INT8'; there are F32, BF16, F16"),
        ({"t2": -1.0}, "'t2' has the threshold -1.0"),
    ],
)
def test_what_is_wrong_is_named(entry: dict[str, str | float], message: str) -> None:
    with pytest.raises(BadQtable, match=message):
        lowered(entry)


def test_the_nearest_name_is_told() -> None:
    with pytest.raises(BadQtable, match="the nearest are"):
        lowered({"t22": "F32"})


def test_an_input_may_pass_in_a_float_type() -> None:
    network = chain()
    lower(network, "mix", {"x": "F16"})
    entry = next(op for op in network.ops if isinstance(op, InputOp))
    assert str(tensor(entry.output).element_type) == "f16"
    np.testing.assert_allclose(results(network, {"x": X}).real("t3"), lowered({})[1], atol=0.05)
