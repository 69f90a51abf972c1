"""Findings put together: what a record, an operand and their bytes are called."""

from __future__ import annotations

from dataclasses import replace

from simulator.checks.finding import Finding
from simulator.checks.program import Program
from simulator.isa.record import Command
from simulator.isa.table import Engine, Region
from simulator.isa.text import text_of

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


def with_other(finding: Finding, program: Program, other: Where) -> Finding:
    """The finding, with the record that the first one conflicts with."""
    core, engine, number = other
    layer, text = program.layer(core, engine, number - 1), text_of(command_at(program, other))
    named = {"other_core": core, "other_engine": engine, "other_layer": layer, "other_command": text}
    return replace(finding, other=number, **named)


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
