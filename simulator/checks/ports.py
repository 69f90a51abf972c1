"""Inputs and outputs lie in the IO region, apart from each other, and no record writes over an input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np

from simulator.checks import report
from simulator.checks.finding import Finding
from simulator.checks.program import Program
from simulator.checks.shadow import Shadow
from simulator.isa.table import Engine, Region

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
        if start < stop and a is not b:
            message = f"{a.name!r} and {b.name!r} share bytes {start} to {stop}"
            yield Finding(NAME, Engine.GDMA, 0, message, "", b.name, Region.IO, start, stop, tensor=b.name)
    yield from _written(program)


def _written(program: Program) -> Iterator[Finding]:
    found, shadow = program.accesses, Shadow(program.model.chip, {Region.IO: program.model.io_bytes}, np.bool_)
    for entry in program.model.inputs:
        shadow.region(Region.IO)[entry.offset : entry.offset + entry.bytes] = True
    for number in np.flatnonzero(found.write & (found.region == Region.IO)).tolist():
        operand = program.access(number).operand
        if any(bool(part.any()) for part in shadow.of(operand)):
            start, stop = shadow.extent(operand, lambda part: part)
            message = f"writes IO bytes {start} to {stop}, of input {report.io_name(program, start, stop)!r}"
            for where in program.records(int(found.kind[number])):
                made = report.at_record(program, NAME, where, message, "input")
                yield replace(report.at_operand(made, program, number, start, stop))
