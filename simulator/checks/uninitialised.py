"""Nothing is read that feeds, weights, host ops or earlier records didn't write; every output is written whole."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from math import prod

import numpy as np

from simulator.checks.finding import Finding
from simulator.checks.shadow import Cells, Shadow
from simulator.checks.walk import Access, Visit, visits
from simulator.isa.table import Engine, Region
from simulator.model_file import IO, Model
from simulator.subnets import HostSubnet, HostValue

NAME = "uninitialised"


def check_uninitialised(model: Model) -> Iterator[Finding]:
    """A finding for each operand read too early. The model must have passed structure and bounds."""
    sizes = {Region.ACTIVATION: model.activation_bytes, Region.IO: model.io_bytes}
    written = Shadow(model.chip, sizes, np.bool_)
    seen = [written, *(written.beside() for _ in model.others)]
    for given in model.inputs:
        _bytes(written, given)[...] = True
    rest = visits(model)
    for part in model.parts:
        if isinstance(part, HostSubnet):
            yield from _on_host(written, part)
        else:
            records = sum(last - first for core in part.cores for first, last in core)
            for visit in islice(rest, records):
                for access in visit.accesses:
                    if access.operand.region != Region.WEIGHT:
                        yield from _visited(seen[visit.core], visit, access)
    for made in model.outputs:
        if missing := int((~_bytes(written, made)).sum()):
            message = f"{missing} bytes of output {made.name!r} are never written"
            yield Finding(NAME, Engine.GDMA, 0, message, region=Region.IO, start=made.offset)


def _on_host(written: Shadow, op: HostSubnet) -> Iterator[Finding]:
    for value in op.inputs:
        cells = _cells(written, value)
        if missing := int((~cells).sum()):
            message = f"host op {op.kind} at {op.name!r} reads {missing} bytes of {value.name!r} that nothing wrote"
            region = value.region or Region.ACTIVATION
            yield Finding(NAME, Engine.GDMA, 0, message, op.name, value.name, region, value.offset)
    for value in op.outputs:
        _cells(written, value)[...] = True


def _cells(written: Shadow, value: HostValue) -> Cells:
    """The bytes of a host op's tensor; none of one that only the host touches, or of a weight."""
    if value.region is None or value.region == Region.WEIGHT:
        return np.empty(0, np.bool_)
    size = prod(value.shape) * value.form.numpy.itemsize
    return written.region(value.region)[value.offset : value.offset + size]


def _visited(written: Shadow, visit: Visit, access: Access) -> Iterator[Finding]:
    cells = written.of(access.operand)
    if access.write:
        for part in cells:
            part[...] = True
    elif not all(bool(part.all()) for part in cells):
        start, stop = written.extent(access.operand, lambda part: ~part)
        region = access.operand.region
        message = f"{visit.command.op} reads {region.name} bytes {start} to {stop} ({access.name}), not written before"
        where = NAME, visit.engine, visit.number
        yield Finding(*where, message, visit.layer, access.name, region, start, stop, core=visit.core)


def _bytes(written: Shadow, io: IO) -> Cells:
    if io.held:
        return np.empty(0, np.bool_)
    size = prod(io.shape) * io.dtype.itemsize
    return written.region(Region.IO)[io.offset : io.offset + size]
