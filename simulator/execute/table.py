"""Which function carries out which op."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from simulator.execute import contraction, elementwise, movement, pooling, product, resampling
from simulator.execute.site import Site
from simulator.isa.table import SPECS, Flag

Step = Callable[[], None]
"""A record made ready: does its work on memory as it then is."""


def _nothing(site: Site) -> Step:
    return lambda: None


STEPS: Mapping[str, Callable[[Site], Step]] = {
    "NOP": _nothing,
    "END": _nothing,
    "DMA_END": _nothing,
    "SEND": _nothing,
    "WAIT": _nothing,
    "CONV": contraction.conv,
    "DWCONV": contraction.depthwise,
    "MATMUL": contraction.matmul,
    "BMATMUL": product.matmul,
    "POOL": pooling.pool,
    "REDUCE": pooling.reduce,
    "ARITH": elementwise.arith,
    "LUT": elementwise.lut,
    "RESCALE_ADD": elementwise.add,
    "RESCALE_MUL": elementwise.mul,
    "CAST": elementwise.cast,
    "COPY": movement.copy,
    "SELECT": elementwise.choose,
    "RESAMPLE": resampling.resample,
    "LOAD": movement.load,
    "STORE": movement.store,
    "GATHER": movement.gather,
    "SCATTER": movement.scatter,
    "UNPACK": movement.unpack,
}
"""By op."""


def prepared(site: Site) -> Step:
    """A record made ready. Raises IllegalRecord for one that the chip doesn't define."""
    command = site.command
    if astray := command.flags & ~SPECS[command.op].flags:
        names = "|".join(str(flag.name) for flag in Flag if flag and flag in astray)
        site.fail("flags", f"{names or int(astray)} means nothing to {command.op}")
    return STEPS[command.op](site)
