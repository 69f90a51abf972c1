"""Softmax of what is stored in eight bits: by tables, as exact as of the real numbers that the bytes stand for."""

from __future__ import annotations

import numpy as np
import pytest
from xdsl.dialects.builtin import BoolAttr, FloatAttr, StringAttr, f64

from compiler.dialects.fields import FALSE, ints
from compiler.dialects.top import ops as top
from compiler.dialects.tpu.elementwise import ElementwiseOp, LutOp
from compiler.interpreter.results import results
from compiler.ir.network import Array, shape, size
from compiler.lowering.walk import lower
from tests.compiler.lowering.networks import Builder, calibrate, reference

FED = {"x": np.random.default_rng(1).normal(0, 3, (1, 6, 5, 7)).astype(np.float32)}


def powers(x: Array, beta: float) -> Array:
    return np.exp(beta * (x.astype(np.float64) - x.max(axis=1, keepdims=True)))


@pytest.mark.parametrize("low", [-9.0, 0.0])
@pytest.mark.parametrize("beta", [1.0, 0.25])
@pytest.mark.parametrize("log", [False, True])
def test_softmax_of_bytes(log: bool, beta: float, low: float) -> None:
    b = Builder()
    attributes = {"axis": top.axis_attribute(1), "log": BoolAttr.from_bool(log), "beta": FloatAttr(beta, f64)}
    network = b.network(b.op(top.SoftmaxOp, b.input("x", 1, 6, 5, 7), **attributes))
    calibrate(network, reference(network, FED) if beta == 1.0 else {**FED, "t0": np.ones(1)}, {"x": (low, 9.0)})
    lower(network, "int8")
    made = results(network, FED)
    expected = powers(made.real("x"), beta)
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(made.arrays["t0"], np.log(expected) if log else expected, rtol=1e-6, atol=1e-6)
    assert sum(isinstance(op, LutOp) for op in network.ops) == 1 + log


def test_a_mean_weighed_by_a_softmax_is_divided_once() -> None:
    b = Builder()
    likely = b.op(top.SoftmaxOp, b.input("x", 1, 6, 5, 7), axis=top.axis_attribute(1))
    weighed = b.op(top.MulOp, [b.weight(np.arange(6).reshape(6, 1, 1)), likely])
    network = b.network(b.op(top.ReduceOp, weighed, axes=ints(1), mode=StringAttr("ReduceSum"), keepdims=FALSE))
    calibrate(network, reference(network, FED), {"x": (-9.0, 9.0)})
    lower(network, "int8")
    made = results(network, FED)
    shares = powers(made.real("x"), 1.0)
    expected = (shares * np.arange(6).reshape(1, 6, 1, 1)).sum(axis=1) / shares.sum(axis=1)
    assert made.arrays["t2"].dtype == np.uint8
    assert np.abs(made.real("t2") - expected).max() <= 0.51 * np.max(made.meanings["t2"].scale)
    assert [size(shape(op.output)) for op in network.ops if isinstance(op, ElementwiseOp)] == [210, 35]


def test_a_mean_of_some_other_axis_is_left() -> None:
    b = Builder()
    likely = b.op(top.SoftmaxOp, b.input("x", 1, 6, 5, 7), axis=top.axis_attribute(1))
    weighed = b.op(top.MulOp, [likely, b.weight(np.arange(5).reshape(5, 1))])
    network = b.network(b.op(top.ReduceOp, weighed, axes=ints(2), mode=StringAttr("ReduceSum")))
    calibrate(network, reference(network, FED), {})
    lower(network, "int8")
    assert {"t0", "t1", "t2"} <= results(network, FED).arrays.keys()
