"""Records of the lanes' element units: one result for each element (numerics.md §4, §6)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from simulator.arithmetic.casts import dequantise, narrow, quantise, store, widen
from simulator.arithmetic.requantise import lookup, numbered, rescale_add, rescale_mul
from simulator.arithmetic.stepwise import apply, select
from simulator.execute.lanes import each_lane
from simulator.execute.site import FLOATS, WHOLE, Site
from simulator.isa.table import BINARY, REAL_ONLY, WHOLE_ONLY, DType, Flag
from simulator.memory import Array, Place

INTEGERS = (*WHOLE, DType.I32)
PLAIN = (*FLOATS, *INTEGERS)
Term = Callable[[], "Array | float"]


def arith(site: Site) -> Callable[[], None]:
    """One function of one or two operands or scalars, of i32 or f32, stored in the type of out."""
    name = site.command.function
    out, whole = site.target("out", *PLAIN), _whole(site, "a", "b")
    if name in (REAL_ONLY if whole else WHOLE_ONLY):
        site.fail("function", f"{name} isn't one of {'integers' if whole else 'floats'}")
    scalar = _scalar(site, whole, "scalar", "whole")
    takes = [_term(site, "a", Flag.SCALAR_A, scalar)]
    if name in BINARY:
        takes.append(_term(site, "b", Flag.SCALAR_B, scalar))
    elif site.given("b") or site.flagged(Flag.SCALAR_B):
        site.fail("b", f"{name} has one operand")
    dims = out.dims
    return lambda: out.scatter(store(np.broadcast_to(apply(name, *(take() for take in takes)), dims), out.dtype))


def choose(site: Site) -> Callable[[], None]:
    """One of two operands or scalars for each element of the condition."""
    out, whole, dims = site.target("out", *PLAIN), _whole(site, "a", "b", "cond"), site.operand("out").dims
    condition = _term(site, "cond", Flag.NONE, 0)
    a = _term(site, "a", Flag.SCALAR_A, _scalar(site, whole, "scalar_a", "whole_a"))
    b = _term(site, "b", Flag.SCALAR_B, _scalar(site, whole, "scalar_b", "whole_b"))
    return lambda: out.scatter(store(np.broadcast_to(select(np.asarray(condition()), a(), b()), dims), out.dtype))


def lut(site: Site) -> Callable[[], None]:
    """A byte or a float for each byte, from the table in its lane."""
    out, source = _pair(site, "in", (*WHOLE, *FLOATS), WHOLE)
    count = site.operand("table").dims[2] if site.given("which") else 1
    site.dims("table", (1, 1, count, 256), "a result for each byte")
    if (kind := site.operand("table").dtype) != (made := site.operand("out").dtype):
        site.fail("table", f"type {kind.name} isn't {made.name}, that of out")
    site.source("table", *WHOLE, *FLOATS)
    if not site.given("which"):
        return each_lane(site, "table", out, source.gather, lookup)
    _, which = _pair(site, "which", (*WHOLE, *FLOATS), (DType.U8,))
    places = partial(_places, site, source, which, count)
    return each_lane(site, "table", out, places, _taken)


def _places(site: Site, source: Place, which: Place, count: int) -> Array:
    """Where each result lies in the `count` tables."""
    places = numbered(source.gather(), which.gather())
    if (last := int(places.max(initial=0)) >> 8) >= count:
        site.fail("which", f"{last} is the number of none of {count} tables")
    return places


def _taken(places: Array, tables: Array) -> Array:
    return tables.reshape(-1)[places]


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


def _whole(site: Site, *names: str) -> bool:
    """Whether the first two operands that are tensors are of integers; where neither is one, the third decides."""
    scalars = {"a": site.flagged(Flag.SCALAR_A), "b": site.flagged(Flag.SCALAR_B)}
    tensors = [name for name in names[:2] if site.given(name) and not scalars[name]] or names[2:]
    return bool(tensors) and all(site.operand(name).dtype in INTEGERS for name in tensors)


def _scalar(site: Site, whole: bool, real: str, integer: str) -> float:
    """A scalar parameter in the type that the record computes in."""
    return site.integer(integer) if whole else site.real(real)


def _term(site: Site, name: str, flag: Flag, scalar: float) -> Term:
    """How to get an operand as it is stored, or the scalar in its place."""
    if flag and site.flagged(flag):
        if site.given(name):
            site.fail(name, "is there, and flagged to be the scalar")
        return lambda: scalar
    site.dims(name, site.operand("out").dims, "those of out; broadcast by a stride of 0")
    site.same_lanes("out", name)
    source = site.source(name, *PLAIN)
    return source.gather


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
