"""Chains of elementwise ops of one operand are one table of an int8 network."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import FloatAttr, f64

from compiler.dialects.top import ops as top
from compiler.dialects.tpu.base import TpuOp
from compiler.interpreter.results import results
from compiler.ir.network import Network
from compiler.lowering.walk import lower
from tests.compiler.lowering.networks import Builder, calibrate, reference

FED = {"x": np.random.default_rng(1).normal(0, 3, (1, 8, 5, 7)).astype(np.float32)}


def network(read_twice: bool = False) -> Network:
    """`0.5 · HardSwish(x) + 0.25`, as exporters leave a learnt gain and offset."""
    b = Builder()
    swish = b.op(top.HardSwishOp, b.input("x", 1, 8, 5, 7))
    scaled = b.op(top.MulConstOp, swish, const_val=FloatAttr(0.5, f64))
    made = b.op(top.AddConstOp, scaled, const_val=FloatAttr(0.25, f64))
    return b.network(made, scaled) if read_twice else b.network(made)


def lowered(read_twice: bool = False) -> tuple[Network, list[str]]:
    made = network(read_twice)
    calibrate(made, reference(made, FED), {})
    lower(made, "int8")
    return made, [op.name for op in made.ops if isinstance(op, TpuOp)]


def test_three_ops_are_one_table_rounded_once() -> None:
    made, names = lowered()
    assert names == ["tpu.Lut"]
    found = results(made, FED)
    x = found.real("x").astype(np.float64)
    expected = 0.5 * x * np.clip(x + 3, 0, 6) / 6 + 0.25
    step = found.meanings["t2"].scale
    assert isinstance(step, float)
    assert np.abs(found.real("t2") - expected).max() <= 0.501 * step
    assert list(found.meanings["t2"].folds) == ["t0", "t1"]


def test_what_others_read_is_made() -> None:
    made, names = lowered(read_twice=True)
    assert names == ["tpu.Lut", "tpu.Lut"]
    assert {"t1", "t2"} <= results(made, FED).arrays.keys()
