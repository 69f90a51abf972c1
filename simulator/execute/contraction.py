"""Records of the multiply-accumulate cube: sums of products, and how they are finished (numerics.md §2, §3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.arithmetic import floating, integer
from simulator.arithmetic.casts import canonical, clamp, narrow
from simulator.arithmetic.requantise import requantise_channels
from simulator.execute.site import FLOATS, WHOLE, Site
from simulator.execute.window import window_of
from simulator.isa.table import DType, Flag
from simulator.memory import Place

Array = NDArray[Any]
Sums = Callable[[Array | None], Array]
"""The sums of products, onto a start (n, oc, oh, ow), or for integers onto None."""


def conv(site: Site) -> Callable[[], None]:
    """Dense convolution."""
    _, ic, _, _ = site.operand("in").dims
    return _convolution(site, depth=ic, depthwise=False)


def depthwise(site: Site) -> Callable[[], None]:
    """Depthwise convolution, each lane by itself."""
    site.same_lanes("in", _result(site))
    if site.operand("in").dims[1] != (made := site.operand(_result(site)).dims[1]):
        site.fail("in", f"{site.operand('in').dims[1]} channels make {made}")
    return _convolution(site, depth=1, depthwise=True)


def matmul(site: Site) -> Callable[[], None]:
    """Matrix product of in (m, k, 1, 1) by the rows of filter (1, n, k, 1)."""
    m, n, *_ = site.operand(_result(site)).dims
    _, k, *_ = site.operand("in").dims
    site.dims("in", (m, k, 1, 1), "a matrix of as many rows as the result")
    site.dims("filter", (1, n, k, 1), "(1, n, k, 1)")
    site.dims(_result(site), (m, n, 1, 1), "a matrix")
    source, weights, zx = _factors(site)

    def whole(start: Array | None) -> Array:
        onto = None if start is None else start[:, :, 0, 0]
        return integer.multiply(source.gather()[:, :, 0, 0], weights.gather()[0, :, :, 0], zx=zx, start=onto)[
            ..., None, None
        ]

    def real(start: Array | None) -> Array:
        assert start is not None
        a, b = source.gather()[:, :, 0, 0], weights.gather()[0, :, :, 0]
        return floating.multiply(a, b, start=start[:, :, 0, 0])[..., None, None]

    return _finished(site, real if site.operand("in").dtype in FLOATS else whole)


def _convolution(site: Site, depth: int, depthwise: bool) -> Callable[[], None]:
    result = site.operand(_result(site)).dims
    window = window_of(site, result)
    kh, kw = window.kernel
    oc = result[1]
    site.dims("filter", (1, oc, depth, kh * kw), "(1, oc, ic, kh·kw)")
    source, weights, zx = _factors(site)
    shape = (oc, depth, kh, kw)
    strides, pads, dilations, crop = window.strides, window.pads, window.dilations, window.crop

    def whole(start: Array | None) -> Array:
        return integer.convolve(
            source.gather()[crop], weights.gather().reshape(shape), zx=zx, strides=strides, pads=pads,
            dilations=dilations, depthwise=depthwise, start=start,
        )  # fmt: skip

    def real(start: Array | None) -> Array:
        assert start is not None
        return floating.convolve(
            source.gather()[crop], weights.gather().reshape(shape), strides=strides, pads=pads, dilations=dilations,
            depthwise=depthwise, start=start,
        )  # fmt: skip

    return _finished(site, real if site.operand("in").dtype in FLOATS else whole)


def _result(site: Site) -> str:
    """The operand that says how much is made."""
    return "acc" if site.flagged(Flag.ACC_OUT) else "out"


def _factors(site: Site) -> tuple[Place, Place, int]:
    """Input, filter, and the input's zero point."""
    site.same_lanes(_result(site), "filter")
    kind = site.operand("in").dtype
    zx = site.integer("zx")
    if kind in FLOATS:
        if zx:
            site.fail("zx", f"{zx}, but the input is {kind.name}")
        return site.source("in", *FLOATS), site.source("filter", kind), 0
    source = site.source("in", *WHOLE)
    limits = np.iinfo(source.dtype)
    if not limits.min <= zx <= limits.max:
        site.fail("zx", f"{zx} is no {kind.name}")
    return source, site.source("filter", DType.I8), zx


def _finished(site: Site, sums: Sums) -> Callable[[], None]:
    """A step that goes on from `acc` or begins, sums, and leaves accumulators or finishes."""
    if site.operand("in").dtype in FLOATS:
        return _float_steps(site, sums)
    return _whole_steps(site, sums)


@dataclass(frozen=True)
class _Carried:
    """Where accumulators come from and go to, as the flags say."""

    before: Place | None
    after: Place | None


def _carried(site: Site, dtype: DType) -> _Carried:
    before = site.source("acc", dtype) if site.flagged(Flag.ACC_IN) else None
    after = site.target("acc", dtype) if site.flagged(Flag.ACC_OUT) else None
    if before or after:
        site.dims("acc", site.operand(_result(site)).dims, "those of the result")
        site.same_lanes("acc", _result(site))
    return _Carried(before, after)


def _whole_steps(site: Site, sums: Sums) -> Callable[[], None]:
    carried = _carried(site, DType.I32)
    before = carried.before
    if (after := carried.after) is not None:
        return lambda: after.scatter(sums(None if before is None else before.gather()))
    out = site.target("out", *WHOLE, DType.I32)
    site.dims("params", (1, out.dims[1], 1, 3), "bias, multiplier and shift of each output channel")
    site.same_lanes("out", "params")
    params = site.source("params", DType.I32)
    if site.operand("out").dtype == DType.I32:
        return lambda: out.scatter(sums(None if before is None else before.gather()) + params.gather()[..., :1])
    zy, (low, high) = site.integer("zy"), site.clamp(site.operand("out").dtype)

    def step() -> None:
        acc = sums(None if before is None else before.gather())
        out.scatter(requantise_channels(acc, params.gather()[0, :, 0], zy, low, high, out.dtype))

    return step


def _float_steps(site: Site, sums: Sums) -> Callable[[], None]:
    carried = _carried(site, DType.F32)
    dims = site.operand(_result(site)).dims
    start = _start(site, dims) if carried.before is None else carried.before.gather
    if (after := carried.after) is not None:
        return lambda: after.scatter(canonical(sums(start())))
    out = site.target("out", *FLOATS)
    low, high = site.clamp(site.operand("out").dtype)
    return lambda: out.scatter(narrow(clamp(sums(start()), low, high), out.dtype))


def _start(site: Site, dims: tuple[int, int, int, int]) -> Callable[[], Array]:
    """The bias of every output, +0.0 without one."""
    if not site.given("params"):
        zeros = np.broadcast_to(np.float32(0), dims)
        return lambda: zeros
    site.dims("params", (1, dims[1], 1, 1), "the bias of each output channel")
    site.same_lanes("params", _result(site))
    bias = site.source("params", DType.F32)
    return lambda: np.broadcast_to(bias.gather(), dims)
