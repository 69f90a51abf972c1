"""Every operand lies within its memory, aligned, in a region its side may use; WEIGHT is never written."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from simulator.checks import report
from simulator.checks.finding import Finding
from simulator.checks.program import Program, sizes
from simulator.checks.walk import Access
from simulator.isa.record import Command, Records
from simulator.isa.table import SPECS, Engine, Region
from simulator.memory import BadOperand, check, written_twice
from simulator.spans import ITEMSIZES
from simulator.timing import span

NAME = "bounds"


def bounds(program: Program) -> Iterator[Finding]:
    """A finding for each operand that isn't where it may be."""
    model = program.model
    for number in np.flatnonzero(_suspects(program)).tolist():
        command, access = program.command(int(program.accesses.kind[number])), program.access(number)
        if why := _fault(program, command, access):
            start, stop = span(access.operand, model.chip)
            message = f"{command.op} {access.name}: {why}"
            for where in program.records(int(program.accesses.kind[number])):
                made = report.at_record(program, NAME, where, message, "bounds")
                yield report.at_operand(made, program, number, start, stop)


def _fault(program: Program, command: Command, access: Access) -> str:
    """What is wrong with an operand; empty if nothing is."""
    operand, chip = access.operand, program.model.chip
    allowed = _regions(command, access)
    if operand.region not in allowed:
        return f"{operand.region.name} isn't {' or '.join(region.name for region in allowed)}"
    try:
        check(operand, chip, sizes(program.model)[operand.region])
    except BadOperand as error:
        return str(error)
    if access.write and written_twice(operand, chip):
        return f"strides {operand.strides} write a byte more than once"
    return ""


def _regions(command: Command, access: Access) -> tuple[Region, ...]:
    """Where an operand may lie: the far side of a transfer is global, all else local."""
    near = "in" if command.op == "STORE" else "out"
    if command.engine == Engine.TIU or access.name == near:
        return (Region.LOCAL,)
    return (Region.ACTIVATION, Region.IO) if access.write else (Region.WEIGHT, Region.ACTIVATION, Region.IO)


def _suspects(program: Program) -> NDArray[np.bool_]:
    """The accesses for which `_fault` may have something to say: all those it has, and next to no others."""
    kinds, found, chip = program.kinds, program.accesses, program.model.chip
    held: Records = kinds["operands"][found.kind, found.slot]
    local = held["region"] == Region.LOCAL
    codes = kinds["op"][found.kind]
    moves = np.isin(codes, [spec.code for spec in SPECS.values() if spec.engine == Engine.GDMA])
    near = np.where(codes == SPECS["STORE"].code, 1, 0)
    misplaced = (moves & (found.slot != near)) == local
    readonly = found.write & (held["region"] == Region.WEIGHT)
    lanes = np.where(local, chip.lanes, 1)
    counts, strides = held["dims"].astype(np.int64), held["strides"].astype(np.int64)
    counts[:, 1] = np.where(local, -(-(held["lane"] + counts[:, 1]) // chip.lanes), counts[:, 1])
    itemsizes, addr = ITEMSIZES[held["dtype"]], held["addr"].astype(np.int64)
    # In f64 any such product is exact or far beyond every memory, where i64 would wrap.
    steps = (counts - 1) * strides.astype(np.float64)
    first, last = addr + np.minimum(steps, 0).sum(1), addr + np.maximum(steps, 0).sum(1) + itemsizes
    beyond = (first < 0) | (last > np.array(list(sizes(program.model).values()))[held["region"]])
    astray = (addr % itemsizes != 0) | (steps % itemsizes[:, None] != 0).any(1)
    empty = (held["dims"] == 0).any(1) | (held["lane"] >= lanes)
    return misplaced | readonly | beyond | astray | empty | (found.write & _crossing(counts, strides, itemsizes))


def _crossing(counts: NDArray[np.int64], strides: NDArray[np.int64], span: NDArray[np.int64]) -> NDArray[np.bool_]:
    """`memory.written_twice` of many operands."""
    steps = np.where(counts > 1, np.abs(strides), np.iinfo(np.int64).max)
    order = np.argsort(steps, 1, kind="stable")
    steps, counts = np.take_along_axis(steps, order, 1), np.take_along_axis(counts, order, 1)
    found = np.zeros(len(steps), np.bool_)
    for axis in range(steps.shape[1]):
        there = counts[:, axis] > 1
        found |= there & (steps[:, axis] < span)
        span = span + np.where(there, (counts[:, axis] - 1) * np.where(there, steps[:, axis], 0), 0)
    return found
