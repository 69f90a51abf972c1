"""Records that multiply matrices with the rows of the left one in the lanes, batch by batch (numerics.md §2, §3)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulator.arithmetic import floating, integer
from simulator.arithmetic.casts import canonical, clamp, narrow
from simulator.arithmetic.requantise import dequantise_sums, requantise
from simulator.execute.site import FLOATS, WHOLE, Site
from simulator.isa.table import DType, Flag
from simulator.memory import Array

Finish = Callable[[Array], Array]
"""From sums (batch, m, n, 1) to what is stored of them."""


def matmul(site: Site) -> Callable[[], None]:
    """Rows of `a`, one to a channel, by the columns of `b`, in one record or several along k."""
    ends = not site.flagged(Flag.ACC_OUT)
    result = "out" if ends else "acc"
    batch, m, n, _ = site.operand(result).dims
    k = site.operand("a").dims[2]
    site.dims(result, (batch, m, n, 1), "a batch of matrices")
    site.dims("a", (batch, m, k, 1), "(batch, m, k, 1)")
    if site.integer("turned"):
        site.dims("b", (batch, n, k, 1), "(batch, n, k, 1)")
    else:
        site.dims("b", (batch, k, n, 1), "(batch, k, n, 1)")
    site.same_lanes(result, "a")
    real = site.operand("a").dtype in FLOATS
    sums = _float_sums(site, n) if real else _whole_sums(site)
    held = DType.F32 if real else DType.I32
    before = site.source("acc", held) if site.flagged(Flag.ACC_IN) else None
    if before:
        site.dims("acc", (batch, m, n, 1), "those of the result")
        site.same_lanes("acc", "a")

    def made() -> Array:
        return sums(None if before is None else before.gather()[..., 0])[..., None]

    if not ends:
        after = site.target("acc", held)
        return lambda: after.scatter(canonical(made()) if real else made())
    out = site.target("out", *(FLOATS if real else (*WHOLE, DType.I32, DType.F32)))
    finish = _float_finish(site) if real else _whole_finish(site, n)
    return lambda: out.scatter(finish(made()))


def _float_sums(site: Site, n: int) -> Callable[[Array | None], Array]:
    for name in ("za", "zb"):
        if site.integer(name):
            site.fail(name, f"{site.integer(name)}, but the operands are floats")
    a, b = site.source("a", *FLOATS), _right(site, *FLOATS)
    bias = _params(site, n, 1, DType.F32) if site.given("params") else None

    def sums(start: Array | None) -> Array:
        if start is None:
            start = np.zeros((), np.float32) if bias is None else bias()[:, 0]
        return floating.products(a.gather()[..., 0], b(), start=start)

    return sums


def _whole_sums(site: Site) -> Callable[[Array | None], Array]:
    a, b = site.source("a", *WHOLE), _right(site, *WHOLE)
    za, zb = site.integer("za"), site.integer("zb")
    for name, zero, place in (("za", za, "a"), ("zb", zb, "b")):
        kind = site.operand(place).dtype
        if not (-128, 0)[kind == DType.U8] <= zero <= (127, 255)[kind == DType.U8]:
            site.fail(name, f"{zero} is no {kind.name}")
    return lambda start: integer.products(a.gather()[..., 0], b(), za=za, zb=zb, start=start)


def _right(site: Site, *types: DType) -> Callable[[], Array]:
    """How to get `b` as (batch, k, n)."""
    b = site.source("b", *types)
    if site.integer("turned"):
        return lambda: np.swapaxes(b.gather()[..., 0], 1, 2)
    return lambda: b.gather()[..., 0]


def _params(site: Site, n: int, count: int, dtype: DType) -> Callable[[], Array]:
    """How to get the parameters of the columns as (n, count)."""
    site.dims("params", (1, n, 1, count), "the parameters of each column")
    params = site.source("params", dtype)
    return lambda: params.gather()[0, :, 0]


def _float_finish(site: Site) -> Finish:
    low, high = site.clamp(site.operand("out").dtype)
    dtype = site.target("out", *FLOATS).dtype
    return lambda sums: narrow(clamp(sums, low, high), dtype)


def _whole_finish(site: Site, n: int) -> Finish:
    kind = site.operand("out").dtype
    if site.given("params"):
        params = _params(site, n, 3, DType.I32)

        def told() -> tuple[Array, ...]:
            return tuple(column[:, None] for column in params().T)
    else:
        factor = (np.int32(0), np.int32(site.integer("multiplier")), np.int32(site.shift()))

        def told() -> tuple[Array, ...]:
            return tuple(map(np.asarray, factor))

    if kind == DType.I32:
        return lambda sums: sums + told()[0]
    low, high = site.clamp(kind)
    if kind == DType.F32:

        def real(sums: Array) -> Array:
            bias, multiplier, shift = told()
            return clamp(dequantise_sums(sums, multiplier, shift, bias), low, high)

        return real
    zy, dtype = site.integer("zy"), site.target("out", *WHOLE).dtype

    def stored(sums: Array) -> Array:
        bias, multiplier, shift = told()
        return requantise(sums, multiplier, shift, zy, low, high, dtype, bias)

    return stored
