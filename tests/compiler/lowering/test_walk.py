from __future__ import annotations

import numpy as np
import pytest
from xdsl.dialects.builtin import FloatAttr, f64
from xdsl.irdl import irdl_op_definition, operand_def

from compiler.dialects.fields import ints
from compiler.dialects.top import ops as top
from compiler.dialects.tpu.base import TpuOp
from compiler.ir.network import Network, Shape, name_of, shape
from compiler.lowering.job import LARGEST, Unlowerable, fitted
from compiler.lowering.qtable import Exceptions
from compiler.lowering.scales import asymmetric, chosen, symmetric
from compiler.lowering.walk import lower
from tests.compiler.lowering.networks import Builder, calibrate


@irdl_op_definition
class Strange(top.TopOp):
    """An op of no family."""

    name = "top.Strange"
    input = operand_def(top.AnyRank)

    def infer_shape(self) -> Shape:
        return shape(self.input)


def test_every_op_without_a_rule_is_listed() -> None:
    b = Builder()
    x = b.input("x", 1, 2)
    first = b.op(Strange, x)
    deep = b.op(top.ReshapeOp, b.op(Strange, first), shape=ints(1, 2, 1, 1, 1))
    listed = r"can't run 3 ops: top.Strange at 't0' \(no rule lowers it\), top.Strange at 't1' .*'t2' \(a tensor of 5"
    with pytest.raises(Unlowerable, match=listed):
        lower(b.network(deep), "f32")


def test_an_unknown_mode_is_named() -> None:
    b = Builder()
    with pytest.raises(Unlowerable, match="no mode named 'int4'; there are f32, bf16"):
        lower(b.network(b.input("x", 1)), "int4")


def test_a_weight_that_is_computed_is_refused() -> None:
    b = Builder()
    x = b.input("x", 3, 4)
    right = b.op(top.PermuteOp, x, order=ints(1, 0))
    with pytest.raises(Unlowerable, match=r"top.MatMul at 't1': the right operand isn't constant"):
        lower(b.network(b.op(top.MatMulOp, x, right, b.none())), "f32")


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
    found = chosen(network, symmetric, Exceptions())
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
    lower(network, "int8")
    made = [name_of(op) for op in network.ops if isinstance(op, TpuOp)]
    assert len(made) == len(set(made))
    assert {"t1_int8", "t1_int8_"} <= set(made)


def test_a_factor_that_no_integer_holds_names_its_op() -> None:
    b = Builder()
    network = b.network(b.op(top.MatMulOp, b.input("x", 1, 2), b.weight(np.full((2, 1), 1e6)), b.none()))
    calibrate(network, {"x": np.zeros(1), "t0": np.zeros(1)}, {"x": (-1e6, 1e6), "t0": (0.0, 1e-6)})
    with pytest.raises(Unlowerable, match=r"top\.MatMul at 't0': a requantising factor lies in"):
        lower(network, "int8")
