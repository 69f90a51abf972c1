"""
Each formula of docs/numerics.md §7 from real numbers to bytes: lowering's parameters and both machines' arithmetic.

What is compared are the stored bytes that the interpreter and the chip make with those of a scalar oracle.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import FloatAttr, StringAttr, f64
from xdsl.ir import SSAValue

from compiler.codegen.assemble import assemble
from compiler.dialects.fields import TRUE, integer, ints
from compiler.dialects.top import ops as top
from compiler.interpreter.results import results
from compiler.ir.network import Array, Network
from compiler.lowering.walk import lower
from compiler.quantization.fixed_point import common_shift, multiplier_and_shift
from compiler.results import Results
from compiler.schedule.addresses import assign
from compiler.schedule.divide import divide
from simulator.chip import CHIPS
from simulator.runtime import PyRuntime
from tests.compiler.lowering import int8_oracle as oracle
from tests.compiler.lowering.int8_oracle import Type, type_of
from tests.compiler.lowering.networks import Builder, calibrate, reference
from tests.simulator.arithmetic.oracle import windows

Spans = Mapping[str, tuple[float, float]]
SEEDS, MODES = st.integers(0, 2**32 - 1), st.sampled_from(["int8", "int8a"])
DOCUMENT = Path(__file__).parents[3] / "docs/numerics.md"
FEW = settings(max_examples=12)


def made(network: Network, feeds: Mapping[str, Array], mode: str, spans: Spans | None = None) -> Results:
    """What the interpreter makes; the chip has made the same bytes of each result."""
    calibrate(network, reference(network, feeds), spans or {})
    lower(network, mode)
    found = results(network, feeds)
    divide(network, CHIPS["e8"])
    assign(network)
    stored = PyRuntime(assemble(network, CHIPS["e8"])).dump(feeds)
    assert {value for value in found.arrays if not found.meanings[value].internal} <= {*stored}
    for name in {*stored} & {*found.arrays}:
        assert stored[name].tobytes() == found.arrays[name].tobytes(), name
    return found


def kind(found: Results, name: str, network_span: tuple[float, float], mode: str) -> Type:
    """The type that the range gives, which is the one that the tensor has."""
    wanted, meaning = type_of(*network_span, mode == "int8a"), found.meanings[name]
    assert (meaning.scale, meaning.zero_point) == (wanted.step, wanted.zero)
    return wanted


def feed(seed: int, *dims: int, low: float = -3.0) -> Array:
    return np.random.default_rng(seed).uniform(low, 4.0, dims).astype(np.float32)


def span(array: Array) -> tuple[float, float]:
    return float(array.min()), float(array.max())


def whole(array: Array) -> list[int]:
    return [int(v) for v in array.reshape(-1)]


def one_op(build: Callable[[Builder, list[SSAValue]], SSAValue], *feeds: Array) -> tuple[Network, dict[str, Array]]:
    """A network of one op t0 on inputs x and y; the op's own weights are drawn by `build`."""
    b, fed = Builder(), dict(zip("xy", feeds, strict=False))
    return b.network(build(b, [b.input(name, *array.shape) for name, array in fed.items()])), fed


@FEW
@given(SEEDS, MODES, st.floats(-5.0, 0.5))
def test_inputs_are_quantised(seed: int, mode: str, low: float) -> None:
    x = feed(seed, 1, 3, 4, 5, low=low)
    network, fed = one_op(lambda b, v: b.op(top.AddOp, [v[0], v[0]]), x)
    found = made(network, fed, mode)
    own = kind(found, "x", span(x), mode)
    assert whole(found.arrays["x"]) == [oracle.quantise(v, own) for v in x.reshape(-1).tolist()]


@FEW
@given(SEEDS, MODES, st.sampled_from([1, 2, 4]), st.booleans())
def test_conv(seed: int, mode: str, groups: int, relu: bool) -> None:
    rng, x = np.random.default_rng(seed), feed(seed, 1, 4, 5, 6)
    filters = rng.normal(0, 0.4, (8, 4 // groups, 3, 3)).astype(np.float32)
    bias = rng.normal(0, 1, 8).astype(np.float32)
    window = {"kernel_shape": ints(3, 3), "strides": ints(2, 1), "pads": ints(1, 2, 0, 1), "dilations": ints(1, 1)}
    relus = {"do_relu": TRUE} if relu else {}
    network, fed = one_op(
        lambda b, v: b.op(
            top.ConvOp, v[0], b.weight(filters), b.weight(bias), group=integer(groups), **window, **relus
        ),
        x,
    )
    exact = reference(network, fed)["t0"]
    found = made(network, fed, mode)
    own, result = kind(found, "x", span(x), mode), kind(found, "t0", span(exact), mode)
    bounds = (max(result.least, result.zero), result.most) if relu else None
    stored, depth = found.arrays["x"], 4 // groups
    for (row, column), taps in windows(x.shape, (3, 3), (2, 1), (1, 2, 0, 1), (1, 1)):
        for o in range(8):
            first = o // (8 // groups) * depth
            # Padding has the zero point's value and adds nothing, but its weights count for the channel's step.
            xs = [own.zero] * (depth * 9)
            for c in range(depth):
                for i, j, y, z in taps:
                    xs[c * 9 + i * 3 + j] = int(stored[0, first + c, y, z])
            flat = filters[o].astype(np.float64).reshape(-1).tolist()
            wanted = oracle.contracted(xs, flat, float(bias[o]), own, result, bounds)
            assert int(found.arrays["t0"][0, o, row, column]) == wanted


@FEW
@given(SEEDS, MODES)
def test_matmul_by_weights(seed: int, mode: str) -> None:
    rng, x = np.random.default_rng(seed), feed(seed, 5, 16)
    right, bias = rng.normal(0, 1, (16, 7)).astype(np.float32), rng.normal(0, 1, 7).astype(np.float32)
    network, fed = one_op(lambda b, v: b.op(top.MatMulOp, v[0], b.weight(right), b.weight(bias)), x)
    exact = reference(network, fed)["t0"]
    found = made(network, fed, mode)
    own, result = kind(found, "x", span(x), mode), kind(found, "t0", span(exact), mode)
    for m, n in np.ndindex(5, 7):
        column = right[:, n].astype(np.float64).tolist()
        wanted = oracle.contracted(whole(found.arrays["x"][m]), column, float(bias[n]), own, result)
        assert int(found.arrays["t0"][m, n]) == wanted


@FEW
@given(SEEDS, MODES)
def test_product_of_two_activations(seed: int, mode: str) -> None:
    a, c = feed(seed, 2, 5, 9), feed(seed + 1, 2, 9, 6, low=-1.0)
    network, fed = one_op(lambda b, v: b.op(top.MatMulOp, v[0], v[1], b.none()), a, c)
    exact = reference(network, fed)["t0"]
    found = made(network, fed, mode)
    left, right = kind(found, "x", span(a), mode), kind(found, "y", span(c), mode)
    result = kind(found, "t0", span(exact), mode)
    for i, m, n in np.ndindex(2, 5, 6):
        xs = [v - left.zero for v in whole(found.arrays["x"][i, m])]
        ys = [v - right.zero for v in whole(found.arrays["y"][i, :, n])]
        wanted = oracle.scaled(oracle.dot(xs, ys), left.step * right.step / result.step, result)
        assert int(found.arrays["t0"][i, m, n]) == wanted


@FEW
@given(SEEDS, MODES, st.sampled_from([top.AddOp, top.SubOp]), st.floats(-4.0, 3.9))
def test_sum_and_difference(seed: int, mode: str, op: type[top.AddOp | top.SubOp], low: float) -> None:
    a, c = feed(seed, 1, 3, 4, 5), feed(seed + 1, 1, 3, 1, 5, low=low)
    network, fed = one_op(lambda b, v: b.op(op, v), a, c)
    exact = reference(network, fed)["t0"]
    found = made(network, fed, mode)
    left, right = kind(found, "x", span(a), mode), kind(found, "y", span(c), mode)
    result, sign = kind(found, "t0", span(exact), mode), -1 if op is top.SubOp else 1
    pairs = np.broadcast_arrays(found.arrays["x"], found.arrays["y"])
    wanted = [oracle.added(p, q, left, right, result, sign) for p, q in zip(*map(whole, pairs), strict=True)]
    assert whole(found.arrays["t0"]) == wanted


@FEW
@given(SEEDS, MODES)
def test_elementwise_product(seed: int, mode: str) -> None:
    a, c = feed(seed, 1, 3, 4, 5), feed(seed + 1, 1, 3, 1, 1, low=-1.0)
    network, fed = one_op(lambda b, v: b.op(top.MulOp, v), a, c)
    exact = reference(network, fed)["t0"]
    found = made(network, fed, mode)
    left, right = kind(found, "x", span(a), mode), kind(found, "y", span(c), mode)
    result = kind(found, "t0", span(exact), mode)
    pairs = zip(*map(whole, np.broadcast_arrays(found.arrays["x"], found.arrays["y"])), strict=True)
    by = left.step * right.step / result.step
    assert whole(found.arrays["t0"]) == [
        oracle.scaled((p - left.zero) * (q - right.zero), by, result) for p, q in pairs
    ]


@FEW
@given(SEEDS, MODES, st.floats(-2.0, 2.0))
def test_table_of_a_chain(seed: int, mode: str, offset: float) -> None:
    """Two ops of one operand: max(x, 0) · 3 + offset, exact until it is stored."""
    x = feed(seed, 1, 3, 4, 5)

    def build(b: Builder, v: list[SSAValue]) -> SSAValue:
        tripled = b.op(top.MulConstOp, b.op(top.ReluOp, v[0]), const_val=FloatAttr(3.0, f64))
        return b.op(top.AddConstOp, tripled, const_val=FloatAttr(offset, f64))

    network, fed = one_op(build, x)
    exact = reference(network, fed)["t2"]
    found = made(network, fed, mode)
    own, result = kind(found, "x", span(x), mode), kind(found, "t2", span(exact), mode)
    wanted = [
        result.stored(round((max((q - own.zero) * own.step, 0.0) * 3.0 + offset) / result.step))
        for q in whole(found.arrays["x"])
    ]
    assert whole(found.arrays["t2"]) == wanted


@FEW
@given(SEEDS, MODES, st.booleans())
def test_average_pool(seed: int, mode: str, padded: bool) -> None:
    x = feed(seed, 1, 2, 5, 6)
    window = {"kernel_shape": ints(3, 2), "strides": ints(2, 2), "pads": ints(1, 0, 1, 0)}
    counted = {"count_include_pad": TRUE} if padded else {}
    network, fed = one_op(lambda b, v: b.op(top.AvgPoolOp, v[0], **window, **counted), x)
    exact = reference(network, fed)["t0"]
    found = made(network, fed, mode)
    own, result = kind(found, "x", span(x), mode), kind(found, "t0", span(exact), mode)
    for (row, column), taps in windows(x.shape, (3, 2), (2, 2), (1, 0, 1, 0), (1, 1)):
        for c in range(2):
            total = sum(int(found.arrays["x"][0, c, y, z]) - own.zero for _, _, y, z in taps)
            wanted = oracle.scaled(total, own.step / result.step / (6 if padded else len(taps)), result)
            assert int(found.arrays["t0"][0, c, row, column]) == wanted


@FEW
@given(SEEDS, MODES, st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_mean_of_a_plane(seed: int, mode: str, plane: tuple[int, int]) -> None:
    x = feed(seed, 1, 3, *plane)
    window = {"kernel_shape": ints(*plane), "strides": ints(1, 1), "pads": ints(0, 0, 0, 0)}
    network, fed = one_op(lambda b, v: b.op(top.AvgPoolOp, v[0], **window), x)
    exact = reference(network, fed)["t0"]
    found = made(network, fed, mode)
    own, result = kind(found, "x", span(x), mode), kind(found, "t0", span(exact), mode)
    for c in range(3):
        total = sum(v - own.zero for v in whole(found.arrays["x"][0, c]))
        by = own.step / result.step / (plane[0] * plane[1])
        assert int(found.arrays["t0"].reshape(-1)[c]) == oracle.scaled(total, by, result)


@FEW
@given(SEEDS, MODES)
def test_linear_resize(seed: int, mode: str) -> None:
    """Three times as many rows, twice as many columns, by halves of pixels."""
    x = feed(seed, 1, 2, 3, 4)
    how = {"mode": StringAttr("linear"), "coord_mode": StringAttr("half_pixel")}
    sizes = {"sizes": ints(1, 2, 9, 8), "scales": top.reals(1, 1, 3, 2)}
    network, fed = one_op(lambda b, v: b.op(top.InterpOp, v[0], **sizes, **how), x)
    exact = reference(network, fed)["t0"]
    found = made(network, fed, mode)
    own, result = kind(found, "x", span(x), mode), kind(found, "t0", span(exact), mode)
    for c, o, p in np.ndindex(2, 9, 8):
        total = 0
        for row, down in oracle.taps(o, 3, 3):
            for column, across in oracle.taps(p, 4, 2):
                total += down * across * (int(found.arrays["x"][0, c, row, column]) - own.zero)
        assert int(found.arrays["t0"][0, c, o, p]) == oracle.scaled(total, own.step / result.step / 2**22, result)


@FEW
@given(SEEDS, MODES)
def test_casts_inside_a_network(seed: int, mode: str) -> None:
    """A norm is f32: its operand is cast for it, and what it makes for the product behind it."""
    rng, x = np.random.default_rng(seed), feed(seed, 1, 5, 16)
    right = rng.normal(0, 1, (16, 7)).astype(np.float32)

    def build(b: Builder, v: list[SSAValue]) -> SSAValue:
        normal = b.op(top.LayerNormOp, v[0], b.none(), b.none(), axis=integer(2))
        return b.op(top.MatMulOp, normal, b.weight(right), b.none())

    network, fed = one_op(build, x)
    exact = reference(network, fed)["t0"]
    found = made(network, fed, mode)
    own, result = kind(found, "x", span(x), mode), type_of(*span(exact), mode == "int8a")
    reals = [np.float32(q - own.zero) * np.float32(own.step) for q in whole(found.arrays["x"])]
    assert found.arrays["x_f32"].reshape(-1).tolist() == reals
    for real, q in zip(found.arrays["t0"].reshape(-1), whole(found.arrays["t0_int8"]), strict=True):
        inverse = np.float32(real) * np.float32(1 / result.step)
        assert q == (oracle.quantise(real, result) if result.zero else result.stored(round(float(inverse))))


@FEW
@given(SEEDS, MODES)
def test_sums_for_float_ops(seed: int, mode: str) -> None:
    """What a softmax alone reads isn't requantised."""
    rng, x = np.random.default_rng(seed), feed(seed, 5, 16)
    right, bias = rng.normal(0, 1, (16, 7)).astype(np.float32), rng.normal(0, 1, 7).astype(np.float32)

    def build(b: Builder, v: list[SSAValue]) -> SSAValue:
        product = b.op(top.MatMulOp, v[0], b.weight(right), b.weight(bias))
        return b.op(top.SoftmaxOp, product, axis=integer(1))

    network, fed = one_op(build, x)
    found = made(network, fed, mode)
    own = kind(found, "x", span(x), mode)
    for m, n in np.ndindex(5, 7):
        stored, start, step = oracle.weights(right[:, n].astype(np.float64).tolist(), float(bias[n]), own.step)
        total = start + oracle.dot([q - own.zero for q in whole(found.arrays["x"][m])], stored)
        assert found.arrays["t0"][m, n] == np.float32(total) * np.float32(own.step * step)


@FEW
@given(SEEDS)
def test_what_tables_read_has_a_zero_point(seed: int) -> None:
    """Mode int8: a product that a HardSwish alone reads has a type from end to end."""
    a, c = feed(seed, 1, 3, 4, 5), feed(seed + 1, 1, 3, 4, 5)
    network, fed = one_op(lambda b, v: b.op(top.HardSwishOp, b.op(top.MulOp, v)), a, c)
    exact = reference(network, fed)
    found = made(network, fed, "int8")
    left, right = (kind(found, name, span(fed[name]), "int8") for name in "xy")
    between, result = kind(found, "t0", span(exact["t0"]), "int8a"), kind(found, "t1", span(exact["t1"]), "int8")
    by = left.step * right.step / between.step
    pairs = list(zip(whole(found.arrays["x"]), whole(found.arrays["y"]), strict=True))
    assert whole(found.arrays["t0"]) == [oracle.scaled(p * q, by, between) for p, q in pairs]
    reals = [(q - between.zero) * between.step for q in whole(found.arrays["t0"])]
    wanted = [result.stored(round(x * min(max(x / 6 + 0.5, 0.0), 1.0) / result.step)) for x in reals]
    assert whole(found.arrays["t1"]) == wanted


@FEW
@given(SEEDS, st.floats(20.0, 200.0))
def test_scales_by_channel(seed: int, wide: float) -> None:
    """Two parts of different ranges joined for a contraction: each keeps its steps, and the weights take them in."""
    rng, a = np.random.default_rng(seed), feed(seed, 1, 2, 3, 4)
    c, filters = feed(seed + 1, 1, 3, 3, 4) * np.float32(wide), rng.normal(0, 1, (6, 5, 1, 1)).astype(np.float32)
    window = {"kernel_shape": ints(1, 1), "strides": ints(1, 1), "pads": ints(0, 0, 0, 0), "dilations": ints(1, 1)}

    def build(b: Builder, v: list[SSAValue]) -> SSAValue:
        joined = b.op(top.ConcatOp, v, axis=integer(1))
        return b.op(top.ConvOp, joined, b.weight(filters), b.none(), group=integer(1), **window)

    network, fed = one_op(build, a, c)
    exact = reference(network, fed)["t1"]
    found = made(network, fed, "int8")
    steps = [kind(found, "x", span(a), "int8").step] * 2 + [kind(found, "y", span(c), "int8").step] * 3
    result, unit = kind(found, "t1", span(exact), "int8"), Type(1.0, 0, -128, 127)
    for o, y, z in np.ndindex(6, 3, 4):
        row = [float(w) * step for w, step in zip(filters[o].reshape(-1).astype(np.float64), steps, strict=True)]
        xs = whole(found.arrays["t0"][0, :, y, z])
        assert int(found.arrays["t1"][0, o, y, z]) == oracle.contracted(xs, row, 0.0, unit, result)


@pytest.mark.parametrize("mode", ["int8", "int8a"])
def test_movement_keeps_bytes(mode: str) -> None:
    x = feed(3, 1, 4, 6, 6)
    window = {"kernel_shape": ints(2, 2), "strides": ints(2, 2), "pads": ints(0, 0, 0, 0)}
    network, fed = one_op(lambda b, v: b.op(top.MaxPoolOp, v[0], **window), x)
    found = made(network, fed, mode)
    assert np.array_equal(found.arrays["t0"], found.arrays["x"].reshape(1, 4, 3, 2, 3, 2).max(axis=(3, 5)))
    assert found.meanings["t0"].scale == found.meanings["x"].scale


@given(st.floats(2.0**-31, 2.0**30), st.floats(2.0**-20, 2.0**20))
def test_factors(one: float, other: float) -> None:
    assert multiplier_and_shift(one) == oracle.factor(one)
    assert common_shift([other, other / 3]) == oracle.sum_factors([other, other / 3])


def test_every_formula_has_its_test_and_back() -> None:
    text = DOCUMENT.read_text(encoding="utf-8").partition("\n## 7. ")[2].partition("\n## ")[0]
    rows = [line for line in text.splitlines() if line.startswith("| **")]
    named = [re.findall(r"`(test_\w+)`", row) for row in rows]
    assert all(named), "a formula without a test"
    there = {name for name in globals() if name.startswith("test_")} - {"test_every_formula_has_its_test_and_back"}
    assert {name for names in named for name in names} == there
