"""Networks of several ops, grouped and cut at random for a small chip, give the interpreter's bits in every tensor."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import IntegerType, Signedness, StringAttr, f32, i32

from compiler.codegen.assemble import assemble
from compiler.dialects.fields import TRUE, integer, ints
from compiler.dialects.tpu.contraction import MatMulOp
from compiler.dialects.tpu.elementwise import ElementwiseOp, LutOp, RescaleAddOp, RescaleMulOp
from compiler.dialects.tpu.movement import ConcatOp, ExpandOp, PermuteOp, ReshapeOp, SliceOp
from compiler.dialects.tpu.pooling import PoolOp, ReduceOp
from compiler.dialects.tpu.product import BatchMatMulOp, HeadMatMulOp
from compiler.interpreter.run import run
from compiler.ir.network import Array, Network, name_of, shape
from compiler.schedule.addresses import assign
from compiler.schedule.divide import divide
from simulator.checks.check import check
from simulator.chip import Chip, variant
from simulator.model_file import Model
from simulator.runtime import PyRuntime
from tests.compiler.schedule.networks import INT8, Builder

SMALL = Chip("small", 1, 4, 2048, 8, 8, 2, 1e9, 1e9)
"""Four lanes of 2 KiB."""

TWO = variant(SMALL, cores=2)
"""Two such cores."""


def bottleneck() -> Network:
    """A residual block between convolutions of stride 2, its input used twice."""
    b = Builder()
    x = b.conv(b.input(2, 3, 13, 11), 10, 3, stride=2)
    y = b.conv(b.conv(b.conv(x, 6, 1), 6, 3), 10, 1)
    s = b.op(RescaleAddOp, [x, y], b.dims(x), multipliers=ints(16384, 20000), rshift=integer(15), do_relu=TRUE)
    pads = {"kernel_shape": ints(3, 3), "strides": ints(2, 2), "pads": ints(1, 1, 1, 1)}
    p = b.op(PoolOp, [s, b.none()], (2, 10, 4, 3), function=StringAttr("max"), **pads)
    g = b.op(ReduceOp, [p], (2, 10, 1, 1), function=StringAttr("mean"), axes=ints(2, 3), **b.rescale())
    r = b.op(ReshapeOp, [g], (2, 10))
    m = b.op(MatMulOp, [r, b.weight(1, 5, 10, 1), b.params(5)], (2, 5))
    return b.finish(m, p)


def branches() -> Network:
    """Branches joined by a concatenation that is a view and by one that moves; slices and permutations."""
    b = Builder()
    x = b.input(1, 9, 8, 7)
    left, right = b.conv(x, 5, 3), b.conv(x, 6, 1)
    joined = b.op(ConcatOp, [left, right], (1, 11, 8, 7), axis=integer(1))
    lut = b.op(LutOp, [joined, b.weight(1, 1, 1, 256)], (1, 11, 8, 7))
    part = b.op(SliceOp, [lut], (1, 11, 3, 7), offset=ints(0, 0, 1, 0), steps=ints(1, 1, 2, 1))
    moved = b.op(PermuteOp, [part], (1, 3, 7, 11), order=ints(0, 2, 3, 1))
    wide = b.op(ConcatOp, [moved, moved], (1, 3, 14, 11), axis=integer(2))
    gate = b.op(ReduceOp, [wide], (1, 3, 1, 1), function=StringAttr("mean"), axes=ints(2, 3), **b.rescale())
    scaled = b.op(RescaleMulOp, [wide, gate], (1, 3, 14, 11), **b.rescale())
    return b.finish(b.op(ReshapeOp, [scaled], (1, 3 * 14 * 11)))


def rearranged() -> Network:
    """Moves between ops: operands end to end in other lanes, slices, planes turned and seen in other rows, repeats."""
    b = Builder()
    x = b.input(2, 5, 6, 8)
    left, right, table = b.conv(x, 6, 3), b.conv(x, 7, 1), b.weight(1, 1, 1, 256)
    joined = b.op(ConcatOp, [left, x, right, left], (2, 24, 6, 8), axis=integer(1))
    lut = b.op(LutOp, [joined, table], (2, 24, 6, 8))
    some = b.op(SliceOp, [lut], (2, 17, 3, 4), offset=ints(0, 5, 1, 2), steps=ints(1, 1, 2, 1))
    rest = b.op(SliceOp, [lut], (2, 17, 3, 4), offset=ints(0, 7, 3, 0), steps=ints(1, 1, 1, 2))
    turned = b.op(PermuteOp, [b.conv(some, 17, 1)], (2, 17, 4, 3), order=ints(0, 1, 3, 2))
    seen = b.op(ReshapeOp, [b.op(LutOp, [rest, table], (2, 17, 3, 4))], (2, 17, 2, 6))
    again = b.op(ReshapeOp, [b.op(LutOp, [seen, table], (2, 17, 2, 6))], (2, 17, 4, 3))
    column = b.op(SliceOp, [again], (2, 17, 4, 1), offset=ints(0, 0, 0, 1), steps=ints(1, 1, 1, 1))
    wide = b.op(ExpandOp, [column], (2, 17, 4, 3))
    rows = b.op(ConcatOp, [turned, wide, again], (2, 17, 12, 3), axis=integer(2))
    images = b.op(ConcatOp, [rows, rows], (4, 17, 12, 3), axis=integer(0))
    return b.finish(b.conv(images, 5, 3), lut)


def joined() -> Network:
    """Results made straight in what joins them, by channels in whole lanes and by rows; read elsewhere, and seen."""
    b = Builder()
    x = b.conv(b.input(2, 3, 9, 7), 8, 3)
    left = b.op(SliceOp, [x], (2, 4, 9, 7), offset=ints(0, 0, 0, 0), steps=ints(1, 1, 1, 1))
    right = b.op(SliceOp, [x], (2, 4, 9, 7), offset=ints(0, 4, 0, 0), steps=ints(1, 1, 1, 1))
    first = b.conv(right, 8, 1)
    weights = {"multipliers": ints(9, 20000), "rshift": integer(15)}
    second = b.op(RescaleAddOp, [b.conv(first, 8, 3), first], (2, 8, 9, 7), **weights)
    third = b.conv(second, 5, 1)
    channels = b.op(ConcatOp, [left, right, first, second, third], (2, 29, 9, 7), axis=integer(1))
    made = b.conv(channels, 6, 3)
    tall = b.op(ConcatOp, [made, b.conv(made, 6, 3)], (2, 6, 18, 7), axis=integer(2))
    part = b.op(SliceOp, [tall], (2, 6, 6, 3), offset=ints(0, 0, 5, 2), steps=ints(1, 1, 2, 2))
    turned = b.op(PermuteOp, [part], (6, 6, 2, 3), order=ints(2, 1, 0, 3))
    return b.finish(b.conv(turned, 5, 1), channels)


def softmax() -> Network:
    """Depthwise convolution and a softmax over channels, in float."""
    b = Builder(f32)
    x = b.conv(b.input(1, 6, 9, 8), 6, 3, depthwise=True)
    flat = b.op(ReshapeOp, [x], (1, 1, 6, 72))
    most = b.op(ReduceOp, [flat], (1, 1, 1, 72), function=StringAttr("max"), axes=ints(2))
    raised = b.op(ElementwiseOp, [flat, most], (1, 1, 6, 72), formula=StringAttr("exp((x0 - x1))"))
    total = b.op(ReduceOp, [raised], (1, 1, 1, 72), function=StringAttr("sum"), axes=ints(2))
    share = b.op(ElementwiseOp, [raised, total], (1, 1, 6, 72), formula=StringAttr("(x0 / x1)"))
    y = b.op(ReshapeOp, [share], (1, 6, 9, 8))
    scaled = b.op(ElementwiseOp, [y, b.weight(1, 1, 1, 1)], (1, 6, 9, 8), formula=StringAttr("(x0 * x1)"))
    return b.finish(b.conv(scaled, 4, 3))


def strides() -> Network:
    """Tensors of which no reader wants every element: strides beyond the window, the end of a slice."""
    b = Builder()
    x = b.conv(b.conv(b.input(1, 5, 14, 12), 7, 3), 6, 1, stride=2)
    part = b.op(SliceOp, [x], (1, 6, 3, 5), offset=ints(0, 0, 2, 1), steps=ints(1, 1, 2, 1))
    return b.finish(b.conv(part, 3, 1, stride=3))


def attention() -> Network:
    """Scores of rows by rows of two heads, and what they weigh: both kinds of right operand, one shared by all."""
    b = Builder()
    x = b.input(2, 19, 13)
    scores = b.op(BatchMatMulOp, [x, x, b.none()], (2, 19, 19), right_transpose=TRUE, **b.rescale())
    mixed = b.op(BatchMatMulOp, [scores, x, b.none()], (2, 19, 13), do_relu=TRUE, **b.rescale())
    right = b.weight(1, 13, 17, element=INT8)
    return b.finish(b.op(BatchMatMulOp, [mixed, right, b.none()], (2, 19, 17), **b.rescale()))


def heads() -> Network:
    """Heads side by side, from a projection's columns to the next one's."""
    b = Builder()
    x = b.input(2, 19, 13)
    wide = b.op(BatchMatMulOp, [x, b.weight(1, 15, 13), b.params(15)], (2, 19, 15), right_transpose=TRUE)
    which = {"all": integer(3), "first": integer(1)}
    scores = b.op(HeadMatMulOp, [wide, wide], (2, 19, 2, 19), right_transpose=TRUE, **which, **b.rescale())
    mixed = b.op(HeadMatMulOp, [scores, wide], (2, 19, 2, 5), **which, **b.rescale())
    right, params = b.weight(1, 10, 7), b.params(7)
    b.element = f32
    return b.finish(b.op(BatchMatMulOp, [mixed, right, params], (2, 19, 7)))


def types() -> Network:
    """Floats, integers and flags side by side: steps of each type, their temporaries, a choice."""
    b, dims = Builder(f32), (2, 6, 9, 7)
    x = b.input(*dims)
    wide = b.op(ElementwiseOp, [x], dims, formula=StringAttr("(x0 * 40.0)"))
    b.element = i32
    whole = b.op(ElementwiseOp, [wide], dims, formula=StringAttr("x0"))
    shift = b.weight(1, 6, 1, 1)
    rest = b.op(ElementwiseOp, [whole, shift], dims, formula=StringAttr("mod((x0 * x1), 7.0)"))
    b.element = IntegerType(8, Signedness.UNSIGNED)
    flag = b.op(ElementwiseOp, [whole, rest], dims, formula=StringAttr("bitand(lt(x0, x1), le(-9.0, x0))"))
    b.element = f32
    made = b.op(ElementwiseOp, [flag, x, rest], dims, formula=StringAttr("select(x0, (x1 + x2), exp((x1 * 0.5)))"))
    return b.finish(b.conv(made, 4, 3), flag)


NETWORKS = [bottleneck, branches, rearranged, joined, softmax, strides, attention, heads, types]


def expected(network: Network, feeds: dict[str, Array]) -> dict[str, Array]:
    """Every tensor by name as the interpreter makes it."""
    found = dict[str, Array]()
    run(network, feeds, lambda op, made: found.__setitem__(name_of(op), made))
    return found


@pytest.mark.parametrize("make", NETWORKS)
@settings(max_examples=40)
@given(seed=st.none() | st.integers(0, 10**6))
def test_no_tiling_changes_a_bit(make: Callable[[], Network], seed: int | None) -> None:
    _compare(make(), SMALL, seed)


@pytest.mark.parametrize("make", NETWORKS)
@settings(max_examples=10)
@given(seed=st.none() | st.integers(0, 10**6))
def test_nor_does_any_division_among_two_cores(make: Callable[[], Network], seed: int | None) -> None:
    assert not check(_compare(make(), TWO, seed))


def _compare(network: Network, chip: Chip, seed: int | None) -> Model:
    """The model of the network divided so, once all its tensors are found to have the interpreter's bits."""
    feeds: dict[str, Array] = {"t0": np.random.default_rng(1).normal(size=_input_shape(network)).astype(np.float32)}
    wanted = expected(network, feeds)
    divide(network, chip, seed=seed)
    assign(network)
    network.module.verify()
    model = assemble(network, chip)
    made = PyRuntime(model).dump(feeds)
    assert made.keys() == wanted.keys()
    for name, array in wanted.items():
        np.testing.assert_array_equal(made[name], array, err_msg=name)
    return model


def _input_shape(network: Network) -> tuple[int, ...]:
    (argument,) = network.main.body.block.args
    return shape(argument)
