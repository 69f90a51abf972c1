from __future__ import annotations

import numpy as np
import onnx
import pytest
from xdsl.dialects.builtin import FloatAttr, f64
from xdsl.irdl import irdl_op_definition, operand_def

from compiler.dialects.fields import integer, ints
from compiler.dialects.host import HostOp
from compiler.dialects.top import ops as top
from compiler.dialects.tpu.base import TpuOp
from compiler.frontends.onnx.from_top.write import Writer, nodes
from compiler.ir.network import Network, Shape, name_of, shape
from compiler.ir.storage import storage
from compiler.lowering.job import LARGEST, Unlowerable, fitted
from compiler.lowering.walk import lower
from compiler.quantization.qtable import Exceptions
from compiler.quantization.types import asymmetric, chosen, symmetric
from tests.compiler.lowering.networks import Builder, calibrate


@irdl_op_definition
class Strange(top.TopOp):
    """An op of no family."""

    name = "top.Strange"
    input = operand_def(top.AnyRank)

    def infer_shape(self) -> Shape:
        return shape(self.input)


@irdl_op_definition
class Known(top.TopOp):
    """An op that ONNX has and the chip doesn't."""

    name = "top.Known"
    input = operand_def(top.AnyRank)

    def infer_shape(self) -> Shape:
        return shape(self.input)

    def macs(self) -> int:
        return 30


@nodes.on(Known)
def known(op: Known, out: Writer) -> None:
    out.close(op, [name_of(op.input)], "Reciprocal")


def test_an_op_that_neither_chip_nor_host_runs_is_named() -> None:
    b = Builder()
    with pytest.raises(Unlowerable, match=r"top.Strange at 't0': no rule lowers it; nor does the host run it: "):
        lower(b.network(b.op(Strange, b.input("x", 1, 2))), "f32")


def test_an_unknown_mode_is_named() -> None:
    b = Builder()
    with pytest.raises(Unlowerable, match="no mode named 'int4'; there are f32, bf16"):
        lower(b.network(b.input("x", 1)), "int4")


@pytest.mark.parametrize("mode", ["bf16", "f16"])
def test_finite_constants_stay_finite(mode: str) -> None:
    b = Builder()
    weights = np.array([[3.4e38, -1e6], [np.inf, 1.0]])
    network = b.network(b.op(top.MatMulOp, b.input("x", 1, 2), b.weight(weights), b.none()))
    lower(network, mode)
    held = network.weights["t0_right"].astype(np.float64)[0, :, :, 0].T
    most = LARGEST[{"bf16": "bfloat16", "f16": "float16"}[mode]]
    assert held[0, 0] == most
    assert abs(held[0, 1]) == min(most, float(fitted(np.array(1e6), network.weights["t0_right"].dtype)))
    assert held[1].tolist() == [np.inf, 1.0]


def test_constants_of_a_formula_stay_in_f32() -> None:
    b = Builder()
    network = b.network(b.op(top.MulConstOp, b.input("x", 2), const_val=FloatAttr(1e39, f64)))
    lower(network, "f32")
    (op,) = (op for op in network.ops if isinstance(op, TpuOp))
    assert str(op.attributes["formula"]) == f'"(x0 * {LARGEST["float32"]!r})"'


def diamond() -> Network:
    """X → MaxPool → Concat ← Relu; the Relu is read twice."""
    b = Builder()
    x = b.input("x", 1, 2, 4, 4)
    pooled = b.op(top.MaxPoolOp, x, kernel_shape=ints(1, 1))
    relu = b.op(top.ReluOp, pooled)
    b.op(top.ReluOp, relu)
    return b.network(b.op(top.ConcatOp, [b.op(top.TanhOp, relu), relu]))


def test_a_concat_gives_its_type_only_to_operands_of_its_own_within_it() -> None:
    network = diamond()
    made = [name_of(op) for op in network.ops if op.results]
    calibrate(network, dict.fromkeys(made, np.zeros(1)), dict.fromkeys(made, (-1.0, 2.0)) | {"t4": (-3.0, 3.0)})
    found = chosen(network, symmetric, Exceptions(), by_axis=False)
    wide, narrow = symmetric(-3.0, 3.0), symmetric(-1.0, 2.0)
    assert found == {"x": narrow, "t0": narrow, "t1": narrow, "t2": narrow, "t3": wide, "t4": wide}


def test_an_operand_beyond_the_result_keeps_its_own_type() -> None:
    b = Builder()
    network = b.network(b.op(top.SliceOp, b.input("x", 4), offset=ints(1), steps=ints(1), ends=ints(2)))
    calibrate(network, {"x": np.array([-9.0, 9.0]), "t0": np.array([-1.0, 1.0])}, {})
    assert chosen(network, symmetric, Exceptions())["x"] == symmetric(-9.0, 9.0)


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.0), (-2.0, 1.0), (0.5, 3.0), (-5.0, -1.0), (-1e-30, 0.0)])
def test_a_scheme_holds_the_range_and_zero(low: float, high: float) -> None:
    for scheme in (symmetric, asymmetric):
        element = scheme(low, high)
        step, zero = element.scales.data[0].data, element.zero_points.data[0].data
        smallest, largest = element.minimum.data, element.maximum.data
        assert smallest <= zero <= largest
        assert (smallest - zero - 0.5) * step <= low
        assert high <= (largest - zero + 0.5) * step


def test_inserted_tensors_have_names_of_their_own() -> None:
    b = Builder()
    x = b.input("x", 1, 2)
    island = b.op(top.MaxOp, [x, b.op(top.TanhOp, x)])
    one, other = b.op(top.AddOp, [island, x]), b.op(top.ConcatOp, [x, island])
    network = b.network(one, other)
    names = ["x", "t0", "t1", "t2", "t3"]
    calibrate(network, dict.fromkeys(names, np.zeros(1)), dict.fromkeys(names, (-1.0, 1.0)) | {"t3": (-2.0, 2.0)})
    lower(network, "int8", io="float32")
    made = [name_of(op) for op in network.ops if isinstance(op, TpuOp)]
    assert len(made) == len(set(made))
    assert {"t1_int8", "t1_int8_"} <= set(made)


def test_what_no_integer_factor_can_say_is_computed_in_float() -> None:
    b = Builder()
    network = b.network(b.op(top.MatMulOp, b.input("x", 1, 2), b.weight(np.full((2, 1), 1e6)), b.none()))
    calibrate(network, {"x": np.zeros(1), "t0": np.zeros(1)}, {"x": (-1e6, 1e6), "t0": (0.0, 1e-6)})
    lower(network, "int8")
    made = next(op for op in network.ops if name_of(op) == "t0")
    assert isinstance(made, TpuOp)
    assert str(storage(made.output)) == "float32"


def test_an_op_without_a_rule_runs_on_the_host() -> None:
    b = Builder()
    x = b.input("x", 1, 2)
    network = b.network(b.op(top.ReluOp, b.op(Known, b.op(top.AbsOp, x))), b.op(Known, x))
    lower(network, "bf16")
    first, other = (op for op in network.ops if isinstance(op, HostOp))
    assert (first.kind.data, first.reason.data) == ("Reciprocal", "no rule lowers it")
    kinds = [str(storage(value)) for value in (*first.inputs, *first.outputs, *other.inputs, *other.outputs)]
    assert kinds == ["bfloat16", "bfloat16", "bfloat16", "float32"]
    model = onnx.ModelProto.FromString(network.weights[first.model.data].tobytes())
    assert [value.name for value in model.graph.input] == ["t0"]
    assert [op.macs.value.data for op in (first, other)] == [30, 30]
    assert network.module.attributes["module.macs"] == integer(60)
