"""Nothing is read that the host, the weights or an earlier record didn't write; every output is written whole."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from simulator.checks.finding import Finding
from simulator.checks.shadow import Cells, Shadow
from simulator.checks.walk import Access, Visit, visits
from simulator.isa.table import Engine, Region
from simulator.model_file import IO, Model

NAME = "uninitialised"


def check_uninitialised(model: Model) -> Iterator[Finding]:
    """A finding for each operand read too early. The model must have passed structure and bounds."""
    sizes = {Region.ACTIVATION: model.activation_bytes, Region.IO: model.io_bytes}
    written = Shadow(model.chip, sizes, np.bool_)
    for given in model.inputs:
        _bytes(written, given)[...] = True
    for visit in visits(model):
        for access in visit.accesses:
            if access.operand.region != Region.WEIGHT:
                yield from _visited(written, visit, access)
    for made in model.outputs:
        if missing := int((~_bytes(written, made)).sum()):
            message = f"{missing} bytes of output {made.name!r} are never written"
            yield Finding(NAME, Engine.GDMA, 0, message, region=Region.IO, start=made.offset)


def _visited(written: Shadow, visit: Visit, access: Access) -> Iterator[Finding]:
    cells = written.of(access.operand)
    if access.write:
        for part in cells:
            part[...] = True
    elif not all(bool(part.all()) for part in cells):
        start, stop = written.extent(access.operand, lambda part: ~part)
        region = access.operand.region
        message = f"{visit.command.op} reads {region.name} bytes {start} to {stop} ({access.name}), not written before"
        yield Finding(NAME, visit.engine, visit.number, message, visit.layer, access.name, region, start, stop)


def _bytes(written: Shadow, io: IO) -> Cells:
    size = prod(io.shape) * io.dtype.itemsize
    return written.region(Region.IO)[io.offset : io.offset + size]
