"""
Where cores wait for each other: a SEND and a WAIT wherever one touches global memory that another wrote or read.

Groups are what is ordered: a core's part of a group waits for that part of an earlier group, on another core, whose
bytes it reads, writes over or overwrites unread. Parts of one group never meet. A core knows of another what it has
waited for, so a second WAIT for the same, or for less, isn't made; cores that don't meet run ahead.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from compiler.codegen.step import Node, Step
from simulator.checks.shadow import Shadow
from simulator.checks.walk import accesses
from simulator.chip import Chip
from simulator.isa.record import Command, Operand
from simulator.isa.table import Engine, Region

Part = list[Step]
"""One core's tiles of a group."""


def meet(groups: Sequence[Sequence[Part]], fresh: Collection[int], chip: Chip, sizes: Mapping[Region, int]) -> None:
    """
    Put the SENDs and WAITs that are needed into `groups`, each given as every core's part, in order of meaning.

    A group in `fresh` begins a stretch after ops of the host: there all cores wait for the ends of all before it.
    `sizes` has the bytes of the global regions that are written.
    """
    waits = _waits(groups, fresh, chip, sizes)
    sends = sorted({(sender, group) for _, _, sender, group in waits})
    count = dict[tuple[int, int], int]()
    for sender, group in sends:
        count[sender, group] = 1 + sum(known == sender for known, _ in count)
        part = groups[group - 1][sender]
        part.append(Step([_marker(Command("SEND"), part)]))
    for core, before, sender, group in waits:
        part = groups[before - 1][core]
        told = Command("WAIT", params={"core": sender, "count": count[sender, group]})
        part.insert(0, Step([_marker(told, part)]))


def _waits(
    groups: Sequence[Sequence[Part]], fresh: Collection[int], chip: Chip, sizes: Mapping[Region, int]
) -> list[tuple[int, int, int, int]]:
    """(core, group, other core, its group): before its part of the one, a core waits for the other. Counted from 1."""
    cores = range(chip.cores)
    read, written = ([Shadow(chip, sizes, np.int32) for _ in cores] for _ in range(2))
    known = [[0 for _ in cores] for _ in cores]
    found = list[tuple[int, int, int, int]]()
    for number, parts in enumerate(groups, 1):
        touched = [_touched(part) for part in parts]
        for core in cores:
            for other in (other for other in cores if other != core):
                needed = number - 1 if number - 1 in fresh else 0
                for operand, writes in touched[core]:
                    for shadow in (read[other], written[other]) if writes else (written[other],):
                        needed = max(needed, *(int(cells.max()) for cells in shadow.of(operand)))
                if needed > known[core][other]:
                    found.append((core, number, other, needed))
                    known[core][other] = needed
        for core in cores:
            for operand, writes in touched[core]:
                for cells in (written if writes else read)[core].of(operand):
                    cells[...] = number
    return found


def _touched(part: Part) -> list[tuple[Operand, bool]]:
    """The operands in writable global memory, and whether each is written."""
    moves = (node.command for step in part for node in step.nodes if node.command.engine is Engine.GDMA)
    touched = (access for command in moves for access in accesses(command))
    return [(access.operand, access.write) for access in touched if access.operand.region in _SHARED]


_SHARED = (Region.ACTIVATION, Region.IO)


def _marker(command: Command, part: Part) -> Node:
    """A record without operands, filed under the layer that stands beside it."""
    return Node(command, next((node.layer for step in part for node in step.nodes), ""))
