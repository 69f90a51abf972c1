"""Records of the lanes' element units: one result for each element (CHIP §4)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulator.arithmetic.casts import dequantise, narrow, quantise, widen
from simulator.arithmetic.functions import FUNCTIONS
from simulator.arithmetic.requantise import lookup, rescale_add, rescale_mul
from simulator.execute.lanes import each_lane
from simulator.execute.site import FLOATS, WHOLE, Site
from simulator.isa.table import BINARY, DType, Flag
from simulator.memory import Array, Place


def arith(site: Site) -> Callable[[], None]:
    """One f32 function of one or two operands or scalars, rounded to the type of out."""
    name = site.command.function
    function, out = FUNCTIONS[name], site.target("out", *FLOATS)
    takes = [_term(site, "a", Flag.SCALAR_A)]
    if name in BINARY:
        takes.append(_term(site, "b", Flag.SCALAR_B))
    elif site.given("b") or site.flagged(Flag.SCALAR_B):
        site.fail("b", f"{name} has one operand")
    dims = out.dims
    return lambda: out.scatter(narrow(np.broadcast_to(function(*(take() for take in takes)), dims), out.dtype))


def lut(site: Site) -> Callable[[], None]:
    """A byte for each byte, from the table in its lane."""
    out, source = _pair(site, "in", WHOLE, WHOLE)
    site.dims("table", (1, 1, 1, 256), "a byte for each byte")
    if (kind := site.operand("table").dtype) != (made := site.operand("out").dtype):
        site.fail("table", f"type {kind.name} isn't {made.name}, that of out")
    site.source("table", *WHOLE)
    return each_lane(site, "table", out, source, lookup)


def add(site: Site) -> Callable[[], None]:
    """Sum of two quantised tensors."""
    out, a, b, za, zb = _quantised(site)
    ma, mb, shift, zy = site.integer("ma"), site.integer("mb"), site.shift(), site.integer("zy")
    low, high = site.clamp(site.operand("out").dtype)
    return lambda: out.scatter(rescale_add(a.gather(), b.gather(), za, zb, ma, mb, shift, zy, low, high, out.dtype))


def mul(site: Site) -> Callable[[], None]:
    """Product of two quantised tensors."""
    out, a, b, za, zb = _quantised(site)
    multiplier, shift, zy = site.integer("multiplier"), site.shift(), site.integer("zy")
    low, high = site.clamp(site.operand("out").dtype)
    return lambda: out.scatter(rescale_mul(a.gather(), b.gather(), za, zb, multiplier, shift, zy, low, high, out.dtype))


def cast(site: Site) -> Callable[[], None]:
    """To a quantised type, from one, or between floats."""
    out, source = _pair(site, "in", (*FLOATS, *WHOLE), (*FLOATS, *WHOLE, DType.I32))
    scale, zero = site.real("scale"), site.integer("zero")
    before, after = site.operand("in").dtype, site.operand("out").dtype
    if before in FLOATS and after in FLOATS:
        return lambda: out.scatter(narrow(widen(source.gather()), out.dtype))
    if not 0 < scale < np.inf:
        site.fail("scale", f"{scale} is no scale")
    if after in FLOATS:
        return lambda: out.scatter(narrow(dequantise(source.gather(), scale, zero), out.dtype))
    if before not in FLOATS:
        site.fail("in", f"type {before.name} and out {after.name} are both quantised")
    return lambda: out.scatter(quantise(widen(source.gather()), scale, zero, out.dtype))


def _term(site: Site, name: str, scalar: Flag) -> Callable[[], Array]:
    """How to get an operand of ARITH as f32."""
    if site.flagged(scalar):
        if site.given(name):
            site.fail(name, "is there, and flagged to be the scalar")
        value = np.array(site.real("scalar"), np.float32)
        return lambda: value
    site.dims(name, site.operand("out").dims, "those of out; broadcast by a stride of 0")
    site.same_lanes("out", name)
    source = site.source(name, *FLOATS)
    return lambda: widen(source.gather())


def _pair(site: Site, name: str, made: tuple[DType, ...], read: tuple[DType, ...]) -> tuple[Place, Place]:
    """`out` and one operand, alike in extents and lanes."""
    site.dims(name, site.operand("out").dims, "those of out")
    site.same_lanes("out", name)
    return site.target("out", *made), site.source(name, *read)


def _quantised(site: Site) -> tuple[Place, Place, Place, int, int]:
    """`out`, `a`, `b` and the zero points of the latter."""
    out, a = _pair(site, "a", WHOLE, WHOLE)
    _, b = _pair(site, "b", WHOLE, WHOLE)
    return out, a, b, site.integer("za"), site.integer("zb")
