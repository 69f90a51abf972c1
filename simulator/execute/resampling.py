"""Records that make rows or columns of neighbouring ones, on the lanes' element units (numerics.md §5)."""

from __future__ import annotations

from collections.abc import Callable

from simulator.arithmetic.casts import narrow
from simulator.arithmetic.requantise import requantise
from simulator.arithmetic.resampling import resample as resampled
from simulator.execute.lanes import each_lane
from simulator.execute.site import FLOATS, WHOLE, Site
from simulator.isa.table import DType
from simulator.memory import Array, Place

ANY = (*FLOATS, *WHOLE, DType.I32)


def resample(site: Site) -> Callable[[], None]:
    """Rows or columns picked, or summed by weights."""
    axis, function, first = site.integer("axis"), site.command.function, site.integer("first")
    if axis not in (2, 3):
        site.fail("axis", f"{axis} is neither 2, rows, nor 3, columns")
    out, source = site.target("out", *ANY), site.source("in", *ANY)
    site.same_lanes("out", "in")
    length, wide = out.dims[axis], site.operand("table").dims[5 - axis]
    site.dims("in", (*out.dims[:axis], source.dims[axis], *out.dims[axis + 1 :]), "those of out but for the axis")
    site.dims("table", (1, 1, length, wide) if axis == 2 else (1, 1, wide, length), "a start, and weights, a result")
    if (function == "pick") != (wide == 1):
        site.fail("table", f"{wide - 1} weights a result; a pick has none, a sum has some")
    site.source("table", DType.I32)
    finish = _finish(site, out, source)
    zx = site.integer("zx")

    def made(x: Array, table: Array) -> Array:
        rows = table.reshape(table.shape[-2:])
        try:
            return finish(resampled(function, x, rows if axis == 2 else rows.T, axis=axis, first=first, zx=zx))
        except IndexError as error:
            site.fail("table", f"{error} of in")

    return each_lane(site, "table", out, source.gather, made)


def _finish(site: Site, out: Place, source: Place) -> Callable[[Array], Array]:
    """From picked values or sums to what is stored."""
    kind, made = site.operand("in").dtype, site.operand("out").dtype
    if site.command.function == "pick":
        if made != kind:
            site.fail("out", f"type {made.name} isn't {kind.name}, that of in")
        return lambda values: values
    if kind in FLOATS:
        site.target("out", *FLOATS)
        return lambda sums: narrow(sums, out.dtype)
    if made == DType.I32:
        return lambda sums: sums
    site.target("out", *WHOLE)
    multiplier, shift, zy, (low, high) = site.integer("multiplier"), site.shift(), site.integer("zy"), site.clamp(made)
    return lambda sums: requantise(sums, multiplier, shift, zy, low, high, out.dtype)
