"""Records that reduce windows and planes on the lanes' element units (numerics.md §5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simulator.arithmetic import pooling
from simulator.arithmetic.casts import canonical
from simulator.execute.lanes import each_lane
from simulator.execute.site import FLOATS, WHOLE, Site
from simulator.execute.window import window_of
from simulator.isa.table import DType, Flag
from simulator.memory import Array, Place


def pool(site: Site) -> Callable[[], None]:
    """Maximum or average of windows."""
    out, source, low, high = _ends(site)
    site.same_lanes("out", "in")
    site.dims("in", (*out.dims[:2], *source.dims[2:]), "images and channels of out")
    window = window_of(site, out.dims)
    function, count_pad, zx, zy = (
        site.command.function,
        site.flagged(Flag.COUNT_PAD),
        site.integer("zx"),
        site.integer("zy"),
    )

    def made(x: Array, params: Array | None) -> Array:
        return pooling.pool(
            function, x, kernel=window.kernel, strides=window.strides, pads=window.pads, dilations=window.dilations,
            count_pad=count_pad, zx=zx, params=params, zy=zy, low=low, high=high, dtype=out.dtype,
        )  # fmt: skip

    if function == "avg" and source.dtype.kind in "iu":
        table = site.source("params", DType.I32)
        _, _, rows, _ = table.dims
        site.dims("params", (1, 1, rows, 3), "count, multiplier and shift, in each lane")
        return each_lane(site, "params", out, source.gather, made, window.crop)
    return lambda: out.scatter(made(source.gather()[window.crop], None))


def _ends(site: Site) -> tuple[Place, Place, float, float]:
    """`out`, `in` and the clamp; both are quantised, or neither."""
    kinds = WHOLE if site.operand("in").dtype in WHOLE else FLOATS
    return site.target("out", *kinds), site.source("in", *kinds), *site.clamp(site.operand("out").dtype)


def _kept(site: Site) -> Sequence[DType]:
    """The types of a reduction's result; i32 ends as i32."""
    kind = site.operand("in").dtype
    return FLOATS if kind in FLOATS else (DType.I32,) if kind == DType.I32 else (*WHOLE, DType.I32)


def reduce(site: Site) -> Callable[[], None]:
    """Maximum, minimum, sum, product or mean over rows and/or columns, in one record or several."""
    function = site.command.function
    over_h, over_w = bool(site.integer("over_h")), bool(site.integer("over_w"))
    begins, ends = not site.flagged(Flag.ACC_IN), not site.flagged(Flag.ACC_OUT)
    source = site.source("in", *WHOLE, DType.I32, *FLOATS)
    n, c, h, w = source.dims
    shape = (n, c, 1 if over_h else h, 1 if over_w else w)
    whole = site.operand("in").dtype not in FLOATS
    acc = None if begins and ends else site.target("acc", DType.I32 if whole else DType.F32)
    for name in (["acc"] if acc else []) + (["out"] if ends else []):
        site.dims(name, shape, "the input's with reduced axes 1")
        site.same_lanes(name, "in")
    zx = site.integer("zx")

    def sums() -> Array:
        start = pooling.reduce_start(function, shape, whole) if begins or acc is None else acc.gather()
        return pooling.reduce_step(function, start, source.gather(), over_h=over_h, over_w=over_w, zx=zx)

    if acc is not None and not ends:
        return lambda: acc.scatter(sums() if whole else canonical(sums()))
    out = site.target("out", *_kept(site))
    count, multiplier, shift, zy = site.integer("count"), site.integer("multiplier"), site.shift(), site.integer("zy")
    low, high = site.clamp(site.operand("out").dtype)
    if function == "mean" and count < 1:
        site.fail("count", f"{count} elements have no mean")

    def step() -> None:
        made = pooling.reduce_finish(
            function,
            sums(),
            count=count,
            multiplier=multiplier,
            shift=shift,
            zy=zy,
            low=low,
            high=high,
            dtype=out.dtype,
        )
        out.scatter(made)

    return step
