"""
Inputs and outputs lie in the IO region, and no record writes over an input.

They lie apart, but for an output that is all or part of another, or of an input: the same bytes under another name.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from simulator.checks import report
from simulator.checks.finding import Finding
from simulator.checks.program import Program
from simulator.checks.shadow import Shadow
from simulator.isa.record import Operand
from simulator.isa.table import Engine, Region
from simulator.model_file import IO

NAME = "ports"


def ports(program: Program) -> Iterator[Finding]:
    """A finding for each input or output at fault, and each record that writes over an input."""
    model = program.model
    placed = [entry for entry in (*model.inputs, *model.outputs) if entry.bytes]
    for entry in placed:
        if entry.offset + entry.bytes > model.io_bytes:
            message = f"{entry.name!r} at byte {entry.offset} leaves the IO region of {model.io_bytes}"
            yield Finding(NAME, Engine.GDMA, 0, message, "", entry.name, Region.IO, entry.offset, tensor=entry.name)
    for a, b in combinations(placed, 2):
        start, stop = max(a.offset, b.offset), min(a.offset + a.bytes, b.offset + b.bytes)
        within = stop - start in (a.bytes, b.bytes) and b in model.outputs
        if start < stop and not within:
            message = f"{a.name!r} and {b.name!r} share bytes {start} to {stop}"
            yield Finding(NAME, Engine.GDMA, 0, message, "", b.name, Region.IO, start, stop, tensor=b.name)
    yield from _written(program)


def _written(program: Program) -> Iterator[Finding]:
    found, given = program.accesses, [entry for entry in program.model.inputs if entry.bytes]
    stores = np.flatnonzero(found.write & (found.region == Region.IO)).tolist()
    told = [(number, program.access(number).operand) for number in stores]
    near = [pair for pair in told if any(_meets(pair[1], entry) for entry in given)]
    if not near:
        return
    shadow = Shadow(program.model.chip, {Region.IO: program.model.io_bytes}, np.bool_)
    for entry in given:
        shadow.region(Region.IO)[entry.offset : entry.offset + entry.bytes] = True
    for number, operand in near:
        if any(bool(part.any()) for part in shadow.of(operand)):
            start, stop = shadow.extent(operand, lambda part: part)
            message = f"writes IO bytes {start} to {stop}, of input {report.io_name(program, start, stop)!r}"
            for where in program.records(int(found.kind[number])):
                made = report.at_record(program, NAME, where, message, "input")
                yield report.at_operand(made, program, number, start, stop)


def _meets(operand: Operand, entry: IO) -> bool:
    """Whether an input lies between an operand's first byte and its last."""
    steps = [(count - 1) * stride for count, stride in zip(operand.dims, operand.strides, strict=True)]
    first = operand.addr + sum(step for step in steps if step < 0)
    last = operand.addr + sum(step for step in steps if step > 0) + operand.dtype.itemsize
    return first < entry.offset + entry.bytes and entry.offset < last
