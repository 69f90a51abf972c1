"""Ranges of what only tables read."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import FloatAttr, f64

from compiler.dialects.top import ops as top
from compiler.dialects.tpu.elementwise import RescaleMulOp
from compiler.ir.network import Network
from compiler.ir.storage import zero_point
from compiler.lowering.walk import lower
from compiler.quantization.behind import functions_behind, range_behind
from compiler.quantization.calibrate import candidates, entries
from compiler.quantization.histogram import Histogram
from compiler.quantization.thresholds import CANDIDATES
from compiler.quantization.types import asymmetric
from tests.compiler.lowering.networks import Builder, calibrate, reference


def swish(x: np.ndarray) -> np.ndarray:
    return x * np.clip(x + 3, 0, 6) / 6


def seen(values: np.ndarray) -> Histogram:
    made = Histogram(2048)
    made.add(values.astype(np.float32))
    return made


def network(read_twice: bool = False) -> Network:
    """`2 · HardSwish(t0) + 1` of a product t0, which another op may read too."""
    b = Builder()
    x = b.op(top.MulOp, [b.input("x", 1, 4, 8, 8), b.input("y", 1, 4, 8, 8)])
    doubled = b.op(top.MulConstOp, b.op(top.HardSwishOp, x), const_val=FloatAttr(2.0, f64))
    made = b.op(top.AddConstOp, doubled, const_val=FloatAttr(1.0, f64))
    return b.network(made, b.op(top.AddOp, [x, x])) if read_twice else b.network(made)


def test_nothing_is_spent_where_the_function_is_flat() -> None:
    values = np.random.default_rng(2).normal(0, 40, 4000)
    low, high = range_behind(swish, seen(values))
    assert -6 < low <= -3
    assert high > 80


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 300.0))
def test_results_are_as_near_as_with_the_whole_range(seed: int, spread: float) -> None:
    values = np.random.default_rng(seed).normal(0, spread, 500).astype(np.float32).astype(np.float64)
    histogram = seen(values)

    def error(low: float, high: float) -> float:
        kind = asymmetric(low, high)
        step, zero = kind.scales.data[0].data, kind.zero_points.data[0].data
        stored = (np.clip(np.rint(values / step) + zero, 0, 255) - zero) * step
        return float(((swish(stored) - swish(values)) ** 2).sum())

    # A value counts as the middle of its bin, so a little may be lost.
    assert error(*range_behind(swish, histogram)) <= 1.1 * error(histogram.low, histogram.high) + 1e-9


def test_the_function_is_that_of_the_whole_chain() -> None:
    functions = functions_behind(network())
    x = np.linspace(-5, 5, 11)
    assert np.allclose(functions["t0"](x), 2 * swish(x) + 1)
    assert "t0" not in functions_behind(network(read_twice=True))


def test_only_mse_asks_what_is_behind() -> None:
    histograms = {"t0": seen(np.random.default_rng(3).normal(0, 40, 4000))}
    functions = functions_behind(network())
    assert entries(histograms, "max", behind=functions) == entries(histograms, "max")
    assert entries(histograms, "mse", behind=functions)["t0"].range[0] > -10


@given(st.lists(st.tuples(st.integers(-255, 254), st.integers(1, 10_000)), min_size=1, max_size=9), st.booleans())
def test_no_candidate_of_auto_keeps_less_than_the_first(cells: list[tuple[int, int]], asymmetric: bool) -> None:
    """Neither of what a table reads nor of anything else, whatever values there are."""
    values = np.repeat([(cell + 0.5) / 8 for cell, _ in cells], [count for _, count in cells])
    histograms, functions = {"t0": seen(values), "other": seen(values)}, functions_behind(network())
    made = candidates(histograms, asymmetric, functions)
    assert list(made) == list(CANDIDATES)
    assert made["mse"] == entries(histograms, "mse", asymmetric, functions)
    for name, least in made["mse"].items():
        for by_name in made.values():
            low, high = by_name[name].range
            assert low <= least.range[0]
            assert high >= least.range[1]


def test_int8_has_a_zero_point_where_a_table_alone_reads() -> None:
    rng = np.random.default_rng(1)
    fed = {name: rng.normal(4, 2, (1, 4, 8, 8)).astype(np.float32) for name in "xy"}
    zeros = list[bool]()
    for read_twice in (False, True):
        made = network(read_twice)
        calibrate(made, reference(made, fed), {})
        lower(made, "int8")
        product = next(op for op in made.ops if isinstance(op, RescaleMulOp))
        zeros.append(zero_point(product.output) != 0)
    assert zeros == [True, False]
