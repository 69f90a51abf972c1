"""The sums of a record in int64, where int32 might not hold them: what a checked run compares with."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from simulator.arithmetic import integer
from simulator.arithmetic.stepwise import INTEGER
from simulator.execute.site import Site
from simulator.execute.window import window_of
from simulator.isa.table import BINARY, DType, Flag
from simulator.memory import Array

Wide = NDArray[np.int64]

HALF = 4
"""Bits of the lower half of a weight: sums of either half's products fit int32, whatever a lane can hold of them."""


def sums(site: Site) -> Wide:
    """
    What a record that sums integers leaves in accumulators or hands to requantising, from memory as it is before it.

    In the extents of the result, bias and the accumulators that it goes on from included.
    """
    made = SUMS[site.command.op](site)
    if site.flagged(Flag.ACC_IN):
        made = made + _read(site, "acc").reshape(made.shape)
    if site.flagged(Flag.ACC_OUT) or not site.given("params"):
        return made
    bias = _read(site, "params")[0, :, 0, 0]
    return made + bias.reshape((1, 1, -1, 1) if site.command.op == "BMATMUL" else (1, -1, 1, 1))


def whole(site: Site) -> Wide:
    """The result of an ARITH of integers before it wraps."""
    scalar = site.integer("whole")
    names = ("a", "b") if site.command.function in BINARY else ("a",)
    flags = {"a": Flag.SCALAR_A, "b": Flag.SCALAR_B}
    terms = [np.int64(scalar) if site.flagged(flags[name]) else _read(site, name) for name in names]
    return np.asarray(INTEGER[site.command.function](*terms), np.int64)


def _convolution(site: Site) -> Wide:
    source, dims = site.operand("in").dims, site.operand("acc" if site.flagged(Flag.ACC_OUT) else "out").dims
    window, depthwise = window_of(site, dims), site.command.op == "DWCONV"
    shape = (dims[1], 1 if depthwise else source[1], *window.kernel)
    image, weights = _held(site, "in")[window.crop], _held(site, "filter").reshape(shape)

    def product(part: Array) -> Array:
        return integer.convolve(
            image, part, zx=site.integer("zx"), strides=window.strides, pads=window.pads, dilations=window.dilations,
            depthwise=depthwise, start=None,
        )  # fmt: skip

    return _by_halves(weights, product)


def _matmul(site: Site) -> Wide:
    rows, weights = _held(site, "in")[:, :, 0, 0], _held(site, "filter")[0, :, :, 0]

    def product(part: Array) -> Array:
        return integer.multiply(rows, part, zx=site.integer("zx"), start=None)

    return _by_halves(weights, product)[..., None, None]


def _products(site: Site) -> Wide:
    a, b = _held(site, "a")[..., 0], _held(site, "b")[..., 0]
    right, za, zb = np.swapaxes(b, 1, 2) if site.integer("turned") else b, site.integer("za"), site.integer("zb")
    upper = integer.products(a, right >> HALF, za=za, zb=0, start=None).astype(np.int64)
    lower = integer.products(a, right & 15, za=za, zb=zb, start=None)
    return ((upper << HALF) + lower)[..., None]


def _reduction(site: Site) -> Wide:
    axes = tuple(axis for axis, name in ((2, "over_h"), (3, "over_w")) if site.integer(name))
    return (_read(site, "in") - site.integer("zx")).sum(axes, keepdims=True)


def _resampling(site: Site) -> Wide:
    axis, values = site.integer("axis"), _read(site, "in") - site.integer("zx")
    rows = _read(site, "table")[0, 0] if axis == 2 else _read(site, "table")[0, 0].T
    extent, made = values.shape[axis], np.zeros(site.operand("out").dims, np.int64)
    shape = (1, 1, -1, 1) if axis == 2 else (1, 1, 1, -1)
    for tap in range(rows.shape[1] - 1):
        at = np.clip(rows[:, 0] - site.integer("first") + tap, 0, extent - 1)
        made += np.take(values, at, axis) * rows[:, 1 + tap].reshape(shape)
    return made


SUMS: Mapping[str, Callable[[Site], Wide]] = {
    "CONV": _convolution,
    "DWCONV": _convolution,
    "MATMUL": _matmul,
    "BMATMUL": _products,
    "REDUCE": _reduction,
    "RESAMPLE": _resampling,
}
"""By op, without what goes on and without bias."""


def _by_halves(weights: Array, product: Callable[[Array], Array]) -> Wide:
    """A product by weights i8, as those by their upper and lower halves."""
    upper, lower = product(weights >> HALF).astype(np.int64), product(weights & np.int8(15))
    return (upper << HALF) + lower


def _held(site: Site, name: str) -> Array:
    return site.memory.place(site.operand(name)).gather()


def _read(site: Site, name: str) -> Wide:
    operand = site.operand(name)
    assert operand.dtype in (DType.I8, DType.U8, DType.I32)
    return _held(site, name).astype(np.int64)
