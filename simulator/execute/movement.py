"""Records that move bytes: between global and local memory, and within a lane."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulator.execute.site import Site
from simulator.isa.table import DType, Region
from simulator.memory import Place, written_twice

ANY = tuple(dtype for dtype in DType if dtype != DType.NONE)


def load(site: Site) -> Callable[[], None]:
    """Global to local; an axis of stride 0 on the global side is repeated."""
    _alike(site)
    target = site.target("out", *ANY)
    return _move(target, site.outside("in", Region.WEIGHT, Region.ACTIVATION, Region.IO))


def store(site: Site) -> Callable[[], None]:
    """Local to global."""
    _alike(site)
    source = site.source("in", *ANY)
    if written_twice(site.operand("out"), site.memory.chip):
        site.fail("out", f"strides {site.operand('out').strides} write a place more than once")
    return _move(site.outside("out", Region.ACTIVATION, Region.IO), source)


def copy(site: Site) -> Callable[[], None]:
    """Local to local, each lane by itself; they may overlap, as if all were read before any is written."""
    _alike(site)
    site.same_lanes("out", "in")
    target, source = site.target("out", *ANY), site.source("in", *ANY)
    return lambda: target.scatter(source.gather())


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
