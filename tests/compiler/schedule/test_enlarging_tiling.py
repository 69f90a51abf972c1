"""A net that grows its picture again, cut at random for a small chip, gives the interpreter's bits in every tensor."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import StringAttr

from compiler.codegen.assemble import assemble
from compiler.dialects.fields import TRUE, integer, ints
from compiler.dialects.top import ops as top
from compiler.interpreter.run import run
from compiler.ir.network import Array, Network, name_of, shape
from compiler.lowering.walk import lower
from compiler.schedule.addresses import assign
from compiler.schedule.divide import divide
from simulator.chip import Chip
from simulator.runtime import PyRuntime
from tests.compiler.lowering.networks import Builder, calibrate, reference

SMALL = Chip("small", 1, 4, 3072, 8, 8, 2, 1e9, 1e9)
"""Four lanes of 3 KiB."""


def enlarging(mode: str, feeds: dict[str, Array]) -> Network:
    """Convolutions, transposed ones dense and by channel, and resizing by both functions, lowered."""
    b, rng = Builder(), np.random.default_rng(7)

    def weight(*dims: int) -> Array:
        return rng.normal(0, 0.3, dims)

    x = b.input("x", 1, 3, 6, 7)
    x = b.op(top.ConvOp, x, b.weight(weight(6, 3, 3, 3)), b.none(), kernel_shape=ints(3, 3), pads=ints(1, 1, 1, 1))
    grown = {"kernel_shape": ints(4, 3), "strides": ints(2, 2), "pads": ints(1, 1, 1, 0), "do_relu": TRUE}
    x = b.op(top.DeconvOp, x, b.weight(weight(6, 9, 4, 3)), b.weight(weight(9)), **grown)
    for mode_of_points, factors in (("linear", (1.5, 2.0)), ("nearest", (1.0, 0.7))):
        dims = shape(x)
        sizes = (*dims[:2], *(int(n * f) for n, f in zip(dims[2:], factors, strict=True)))
        scales = top.reals(*(m / n for m, n in zip(sizes, dims, strict=True)))
        coordinates = StringAttr("half_pixel")
        x = b.op(
            top.InterpOp, x, sizes=ints(*sizes), scales=scales, mode=StringAttr(mode_of_points), coord_mode=coordinates
        )
    each = {"kernel_shape": ints(3, 2), "strides": ints(2, 1), "dilations": ints(1, 2), "group": integer(9)}
    x = b.op(top.DeconvOp, x, b.weight(weight(9, 1, 3, 2)), b.none(), **each)
    window = {"kernel_shape": ints(5, 5), "strides": ints(2, 2), "pads": ints(2, 2, 2, 2)}
    network = b.network(b.op(top.MaxPoolOp, x, **window))
    calibrate(network, reference(network, feeds), {})
    lower(network, mode)
    return network


@pytest.mark.parametrize("mode", ["f32", "int8a"])
@settings(max_examples=25, deadline=None)
@given(seed=st.none() | st.integers(0, 10**6))
def test_no_tiling_changes_a_bit(mode: str, seed: int | None) -> None:
    feeds: dict[str, Array] = {"x": np.random.default_rng(1).normal(size=(1, 3, 6, 7)).astype(np.float32)}
    network = enlarging(mode, feeds)
    wanted = dict[str, Array]()
    run(network, feeds, lambda op, made: wanted.__setitem__(name_of(op), made))
    divide(network, SMALL, seed=seed)
    assign(network)
    network.module.verify()
    made = PyRuntime(assemble(network, SMALL)).dump(feeds)
    assert made.keys() == wanted.keys()
    for name, array in wanted.items():
        np.testing.assert_array_equal(made[name], array, err_msg=name)
