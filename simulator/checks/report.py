"""Findings put together: what a record, an operand and their bytes are called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from simulator.checks.finding import Finding
from simulator.checks.program import Program, Whole
from simulator.cores import Turn
from simulator.isa.record import Command, Operand, decode
from simulator.isa.table import Engine, Region
from simulator.isa.text import text_of
from simulator.model_file import Model
from simulator.naming import Names

Where = tuple[int, Engine, int]
"""Core, engine and 1-based record."""


def at_record(program: Program, check: str, where: Where, message: str, kind: str = "") -> Finding:
    """A finding about a record."""
    core, engine, number = where
    layer, text = program.layer(core, engine, number - 1), text_of(command_at(program, where))
    return Finding(check, engine, number, message, layer, core=core, command=text, kind=kind)


def at_operand(finding: Finding, program: Program, access: int, start: int, stop: int) -> Finding:
    """The finding, of these bytes of an operand: one of the program's accesses."""
    told = program.access(access)
    region = told.operand.region
    tensor = io_name(program, start, stop) if region == Region.IO else ""
    return replace(finding, operand=told.name, region=region, start=start, stop=stop, tensor=tensor)


def at_write(finding: Finding, program: Program, kind: int) -> Finding:
    """The finding, of what a record of the kind writes, from the first byte to the last."""
    found = program.accesses
    (access, *_) = np.flatnonzero((found.kind == kind) & found.write).tolist()
    operand = program.access(access).operand
    return at_bytes(finding, program, program.access(access).name, operand, (0, 0, 0, 0), operand.dims)


def with_other(finding: Finding, program: Program, other: Where) -> Finding:
    """The finding, with the record that the first one conflicts with."""
    core, engine, number = other
    layer, text = program.layer(core, engine, number - 1), text_of(command_at(program, other))
    named = {"other_core": core, "other_engine": engine, "other_layer": layer, "other_command": text}
    return replace(finding, other=number, **named)


def with_record(model: Model, finding: Finding) -> Finding:
    """The finding with its record's layer and text, where the record is there and can be read."""
    records = model.cores[finding.core].of(finding.engine)
    if not 0 < finding.record <= len(records):
        return finding
    record = records[finding.record - 1]
    tag = int(record["tag"])
    layer = finding.layer or (model.layers[tag] if tag < len(model.layers) else "")
    try:
        return replace(finding, layer=layer, command=text_of(decode(record)))
    except ValueError:
        return replace(finding, layer=layer)


def named(program: Program, findings: Iterable[Finding], order: Whole | None = None) -> list[Finding]:
    """Findings of records with their tensors by name, as they lie if records run in `order`."""
    told = list(findings)
    if not any(finding.record and finding.operand for finding in told):
        return told
    rows: list[list[int]] = (program.order if order is None else order).tolist()
    names = Names(program.model, [Turn(core, Engine(engine), at) for core, engine, at in rows])
    return [
        replace(finding, tensor=tensor)
        if finding.record and (tensor := names.of(finding.core, finding.engine, finding.record, finding.operand))
        else finding
        for finding in told
    ]


def command_at(program: Program, where: Where) -> Command:
    """A record's command, with its wait and tag."""
    core, engine, number = where
    record = program.model.cores[core].of(engine)[number - 1]
    command = program.command(int(program.kind(core, engine)[number - 1]))
    return replace(command, wait=int(record["wait"]), tag=int(record["tag"]))


def io_name(program: Program, start: int, stop: int) -> str:
    """The inputs and outputs that have bytes between `start` and `stop` of the IO region."""
    named = [
        entry.name
        for entry in (*program.model.inputs, *program.model.outputs)
        if not entry.held and entry.offset < stop and start < entry.offset + entry.bytes
    ]
    return ", ".join(dict.fromkeys(named))


def at_bytes(
    finding: Finding, program: Program, name: str, operand: Operand, first: Sequence[int], last: Sequence[int]
) -> Finding:
    """The finding, of the elements of an operand from index `first` to before `last` (n, c, h, w)."""
    lanes, size = program.model.chip.lanes, operand.dtype.itemsize
    local = operand.region == Region.LOCAL
    ends = (list(first), [at - 1 for at in last])
    channels = [operand.lane + at[1] for at in ends] if local else [0, 0]
    if local:
        for at, channel in zip(ends, channels, strict=True):
            at[1] = channel // lanes
    steps = operand.strides
    reach = [[at[axis] * steps[axis] for at in ends] for axis in range(4)]
    start = operand.addr + sum(map(min, reach))
    stop = operand.addr + sum(map(max, reach)) + size
    one = channels[0] // lanes == channels[1] // lanes
    beside = (channels[0] % lanes, channels[1] % lanes + 1) if one else (0, lanes)
    where = {"operand": name, "region": operand.region, "start": start, "stop": stop}
    return replace(finding, **where, lanes=beside if local else (0, 0))
