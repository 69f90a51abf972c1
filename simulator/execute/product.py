"""Records that multiply two activations: matrix products, batch by batch (CHIP §4)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulator.arithmetic import floating, integer
from simulator.arithmetic.casts import clamp, narrow
from simulator.arithmetic.requantise import requantise
from simulator.execute.site import FLOATS, WHOLE, Site
from simulator.isa.table import DType, Flag
from simulator.memory import Array


def matmul(site: Site) -> Callable[[], None]:
    """Rows of `a`, one to a channel, by the columns of `b`, in one record or several along k."""
    ends = not site.flagged(Flag.ACC_OUT)
    result = "out" if ends else "acc"
    batch, m, n, _ = site.operand(result).dims
    k = site.operand("b").dims[1]
    site.dims(result, (batch, m, n, 1), "a batch of matrices")
    site.dims("a", (batch, m, k, 1), "(batch, m, k, 1)")
    site.dims("b", (batch, k, n, 1), "(batch, k, n, 1)")
    site.same_lanes(result, "a")
    real = site.operand("a").dtype in FLOATS
    sums = _float_sums(site) if real else _whole_sums(site)
    held = DType.F32 if real else DType.I32
    before = site.source("acc", held) if site.flagged(Flag.ACC_IN) else None
    if before:
        site.dims("acc", (batch, m, n, 1), "those of the result")
        site.same_lanes("acc", "a")

    def made() -> Array:
        return sums(None if before is None else before.gather()[..., 0])[..., None]

    if not ends:
        after = site.target("acc", held)
        return lambda: after.scatter(made())
    low, high = site.clamp(site.operand("out").dtype)
    if real:
        stored = site.target("out", *FLOATS)
        return lambda: stored.scatter(narrow(clamp(made(), low, high), stored.dtype))
    if site.operand("out").dtype == DType.I32:
        whole = site.target("out", DType.I32)
        return lambda: whole.scatter(made())
    out = site.target("out", *WHOLE)
    multiplier, shift, zy = site.integer("multiplier"), site.shift(), site.integer("zy")
    return lambda: out.scatter(requantise(made(), multiplier, shift, zy, low, high, out.dtype))


def _float_sums(site: Site) -> Callable[[Array | None], Array]:
    for name in ("za", "zb"):
        if site.integer(name):
            site.fail(name, f"{site.integer(name)}, but the operands are floats")
    a, b = site.source("a", *FLOATS), site.source("b", *FLOATS)

    def sums(start: Array | None) -> Array:
        onto = np.zeros((), np.float32) if start is None else start
        return floating.products(a.gather()[..., 0], b.gather()[..., 0], start=onto)

    return sums


def _whole_sums(site: Site) -> Callable[[Array | None], Array]:
    a, b = site.source("a", *WHOLE), site.source("b", *WHOLE)
    za, zb = site.integer("za"), site.integer("zb")
    for name, zero, place in (("za", za, a), ("zb", zb, b)):
        limits = np.iinfo(place.dtype)
        if not limits.min <= zero <= limits.max:
            site.fail(name, f"{zero} is no {place.dtype}")
    return lambda start: integer.products(a.gather()[..., 0], b.gather()[..., 0], za=za, zb=zb, start=start)
