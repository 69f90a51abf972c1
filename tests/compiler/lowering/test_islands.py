"""Which ops of a quantised network stay float, in which runs, and why."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from xdsl.dialects.builtin import FloatAttr, f64

from compiler.dialects.top import ops as top
from compiler.dialects.top.base import axis_attribute
from compiler.dialects.tpu.census import float_islands
from compiler.interpreter.results import results
from compiler.lowering.reasons import float_reasons
from compiler.lowering.walk import lower
from tests.compiler.filecheck import network
from tests.compiler.lowering.networks import Builder, calibrate, reference

ISLAND = Path(__file__).parent / "filecheck" / "island_int8.mlir"


def test_connected_float_ops_are_one_island_with_its_reason() -> None:
    under_test = network(ISLAND.read_text())
    reasons = float_reasons(under_test)
    lower(under_test, "int8")
    (island,) = float_islands(under_test, reasons)
    assert (island["first"], island["ops"], island["kinds"]) == ("b_Max", 2, "Elementwise")
    assert island["why"] == "; ".join(f"the int8 rule of top.{op} leaves this one to f32" for op in ("Max", "Min"))


def test_an_op_without_a_rule_says_so() -> None:
    made = Builder()
    under_test = made.network(made.op(top.SoftmaxOp, made.input("x", 1, 10), axis=axis_attribute(1)))
    assert float_reasons(under_test) == {"t0": "no int8 rule for top.Softmax"}


def three_relus(
    calibrated: tuple[str, ...], qtable: Mapping[str, str] | None = None
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The islands and reasons of a chain t0, t1, t2 of which only some tensors have a range."""
    made = Builder()
    x = made.input("x", 1, 4, 6, 6)
    under_test = made.network(made.op(top.ReluOp, made.op(top.ReluOp, made.op(top.ReluOp, x))))
    tensors = reference(under_test, {"x": np.random.default_rng(0).normal(0, 1, (1, 4, 6, 6)).astype(np.float32)})
    calibrate(under_test, {name: array for name, array in tensors.items() if name in calibrated}, {})
    reasons = float_reasons(under_test, qtable or {})
    lower(under_test, "mix" if qtable else "int8", qtable)
    return float_islands(under_test, reasons), reasons


def test_a_magnitude_is_computed_in_float_so_that_quiet_values_arent_lost() -> None:
    """√(x² + y²), as of a spectrum: a value a fiftieth of the loudest has less than a step of the squares."""
    made, square = Builder(), {"exponent": FloatAttr(2.0, f64)}
    squares = [made.op(top.PowOp, made.input(name, 1, 4, 6, 6), **square) for name in "xy"]
    under_test = made.network(made.op(top.SqrtOp, made.op(top.AddOp, squares)))
    rng = np.random.default_rng(6)
    fed = {name: (rng.normal(0, 1, (1, 4, 6, 6)) + 0.02 * (name == "x")).astype(np.float32) for name in "xy"}
    for array in fed.values():
        array[:, 1:] = 0.04 * np.sign(array[:, 1:])
    tensors = reference(under_test, fed)
    calibrate(under_test, tensors, {})
    assert float_reasons(under_test)["t3"].startswith("the root of a sum")
    lower(under_test, "int8")
    (island,) = float_islands(under_test, {})
    assert island["ops"] == 4
    quiet = results(under_test, fed).real("t3")[:, 1:]
    assert np.abs(quiet - tensors["t3"][:, 1:]).max() < 0.02


def test_a_tensor_without_a_range_makes_an_island_of_those_behind_it() -> None:
    islands, reasons = three_relus(("x", "t1", "t2"))
    assert reasons["t0"] == reasons["t1"] == "t0 isn't calibrated"
    assert [(row["first"], row["ops"]) for row in islands] == [("t0", 3)]
    assert islands[0]["why"].startswith("t0 isn't calibrated")


def test_an_op_that_the_qtable_sets_is_an_island_of_its_own() -> None:
    islands, _ = three_relus(("x", "t0", "t1", "t2"), {"t0": "F32"})
    assert islands[0]["first"] == "t0"
    assert islands[0]["why"].startswith("set by the qtable")


def test_a_quantised_network_has_no_island() -> None:
    islands, _ = three_relus(("x", "t0", "t1", "t2"))
    assert islands == []
