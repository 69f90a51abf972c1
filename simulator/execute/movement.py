"""Records that move bytes: between global and local memory, and within local memory."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from simulator.arithmetic import indexing, rice
from simulator.execute.site import Site
from simulator.isa.table import DType, Region
from simulator.memory import Place, written_twice

ANY = tuple(dtype for dtype in DType if dtype != DType.NONE)
GLOBAL = (Region.WEIGHT, Region.ACTIVATION, Region.IO)


def load(site: Site) -> Callable[[], None]:
    """Global to local; an axis of stride 0 on the global side is repeated."""
    _alike(site)
    target = site.target("out", *ANY)
    return _move(target, site.outside("in", *GLOBAL))


def store(site: Site) -> Callable[[], None]:
    """Local to global."""
    _alike(site)
    source = site.source("in", *ANY)
    if written_twice(site.operand("out"), site.memory.chip):
        site.fail("out", f"strides {site.operand('out').strides} write a place more than once")
    return _move(site.outside("out", Region.ACTIVATION, Region.IO), source)


def gather(site: Site) -> Callable[[], None]:
    """Global to local, each element from the row that its index names."""
    axis = _indexed(site, "out", "in")
    target = site.target("out", *ANY)
    source, index = site.outside("in", *GLOBAL), site.outside("index", *GLOBAL)
    return lambda: target.scatter(indexing.gather(source.gather(), index.gather(), axis))


def scatter(site: Site) -> Callable[[], None]:
    """Global into local, each element to the row that its index names."""
    axis = _indexed(site, "in", "out")
    target = site.target("out", *ANY)
    source, index = site.outside("in", *GLOBAL), site.outside("index", *GLOBAL)
    function, first, rows = site.command.function, site.integer("first"), site.integer("rows")
    return lambda: target.scatter(
        indexing.scatter(target.gather(), index.gather(), source.gather(), axis, function, first, rows)
    )


def unpack(site: Site) -> Callable[[], None]:
    """Global to local, from a packed stream."""
    target, source = site.target("out", DType.I8, DType.U8), site.outside("in", Region.WEIGHT)
    stream = site.operand("in")
    if stream.dtype is not DType.U8 or stream.dims[:3] != (1, 1, 1) or stream.strides[3] != 1:
        site.fail("in", f"{stream.dtype.name} {stream.dims} isn't a stream: U8 (1, 1, 1, bytes), one after the other")
    count = prod(target.dims)
    return lambda: target.scatter(
        rice.unpacked(source.gather().reshape(-1), count).view(target.dtype).reshape(target.dims)
    )


def _indexed(site: Site, like: str, table: str) -> int:
    """The axis; the index is I32 and has the extents of `like`, and `table` has them on the other axes."""
    if (axis := site.integer("axis")) > 3:
        site.fail("axis", f"{axis} is above 3")
    dims = site.operand(like).dims
    site.dims("index", dims, f"those of {like}; broadcast by a stride of 0")
    if site.operand("index").dtype != DType.I32:
        site.fail("index", f"type {site.operand('index').dtype.name} isn't I32")
    rows = site.operand(table).dims[axis]
    site.dims(table, (*dims[:axis], rows, *dims[axis + 1 :]), f"those of {like} but for axis {axis}")
    if (a := site.operand("in").dtype) != (b := site.operand("out").dtype):
        site.fail("in", f"type {a.name} isn't {b.name}, that of out")
    return axis


def copy(site: Site) -> Callable[[], None]:
    """Local to local, from lane to lane; they may overlap, as if all were read before any is written."""
    _alike(site)
    target, source = site.target("out", *ANY), site.source("in", *ANY)
    return lambda: target.scatter(source.gather().copy())


def _alike(site: Site) -> None:
    """Both sides have the same extents and elements of the same size."""
    site.dims("in", site.operand("out").dims, "those of out")
    if (a := site.operand("in").dtype) != (b := site.operand("out").dtype):
        site.fail("in", f"type {a.name} isn't {b.name}, that of out")


def _move(target: Place, source: Place) -> Callable[[], None]:
    """From one memory to the other: block by block of the local side, without a copy in between."""
    local, other = (source, target) if source.whole is None else (target, source)
    assert other.whole is not None
    pairs = list(zip(local.blocks, local.parts(other.whole), strict=True))
    moves = pairs if local is target else [(part, block) for block, part in pairs]

    def step() -> None:
        for to, at in moves:
            np.copyto(to, at)

    return step
