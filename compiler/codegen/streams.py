"""From tiles to the two command streams: the order of the moves, and the waits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from compiler.codegen.steps import Node, Step
from simulator.chip import Chip
from simulator.isa.record import Command, Operand
from simulator.isa.table import Engine, Flag, Region
from simulator.layout import up

Span = tuple[int, int]
"""First byte, and the byte after the last."""


@dataclass(frozen=True)
class Streams:
    """The commands of each engine with their waits, and every node's 1-based place in its stream."""

    tiu: list[Command]
    gdma: list[Command]
    position: dict[Node, int]


def streams(tiles: Sequence[Step], chip: Chip) -> Streams:
    """
    Software pipelining: the loads of a tile go ahead of the stores of the tile before, as far as memory allows.

    Waits follow from the bytes the commands touch in order of meaning (tile by tile, in the order of the group's ops),
    so no schedule can be wrong about them; one is set only where an earlier record of the engine hasn't waited as long.
    """
    gdma, tiu = _pipelined(tiles, chip), [node for step in tiles for node in step.computes]
    position = {node: i for stream in (tiu, gdma) for i, node in enumerate(stream, 1)}
    waits = _waits(tiles, position, chip)
    tiu_end, gdma_end = Command("END"), Command("DMA_END")
    return Streams(_with_waits(tiu, waits, tiu_end), _with_waits(gdma, waits, gdma_end), position)


def touched(operand: Operand, chip: Chip) -> Span:
    """The bytes from the first to the last that an operand covers: in a lane for a local one, else in its region."""
    n, c, h, w = operand.dims
    counts = (n, up(c + operand.lane, chip.lanes) if operand.region is Region.LOCAL else c, h, w)
    reach = sum((count - 1) * stride for count, stride in zip(counts, operand.strides, strict=True))
    return operand.addr, operand.addr + reach + operand.dtype.itemsize


def accesses(command: Command) -> tuple[list[Operand], list[Operand]]:
    """The operands a command reads, and those it writes."""
    given = {name: operand for name, operand in command.operands.items() if operand is not None}
    reads = [operand for name, operand in given.items() if name not in ("out", "acc")]
    writes = [given["out"]] if "out" in given and Flag.ACC_OUT not in command.flags else []
    if (acc := given.get("acc")) is not None:
        reads += [acc] if Flag.ACC_IN in command.flags else []
        writes += [acc] if Flag.ACC_OUT in command.flags else []
    return reads, writes


def _pipelined(tiles: Sequence[Step], chip: Chip) -> list[Node]:
    """
    Each tile's loads, its leading ones a tile early where they neither read nor overwrite what is then being stored.

    A load that must stay holds back those that overwrite the same bytes, no others. Loads that follow a compute of
    their own tile may have to wait for it, and it for those stores: they stay too.
    """
    stream, early = list[Node](), set[Node]()
    for step, following in pairwise([*tiles, Step()]):
        stores = step.named("STORE")
        stream += [node for node in step.inbound if node not in early]
        early, kept = set[Node](), list(stores)
        for load in following.leading:
            if any(_conflict(load.command, other.command, chip) for other in kept):
                kept.append(load)
            else:
                early.add(load)
                stream.append(load)
        stream += stores
    return stream


def _conflict(a: Command, b: Command, chip: Chip) -> bool:
    """Whether one of the commands writes bytes that the other reads or writes."""
    (a_reads, a_writes), (b_reads, b_writes) = accesses(a), accesses(b)
    pairs = [(x, y) for x in a_writes for y in (*b_reads, *b_writes)] + [(x, y) for x in a_reads for y in b_writes]
    return any(_overlap(x, y, chip) for x, y in pairs)


def _overlap(a: Operand, b: Operand, chip: Chip) -> bool:
    if a.region is not b.region:
        return False
    (a_start, a_stop), (b_start, b_stop) = touched(a, chip), touched(b, chip)
    return a_start < b_stop and b_start < a_stop


class _Ledger:
    """For each word of a lane, the last record of each engine that read it and that wrote it (0: none yet)."""

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        words = chip.lane_bytes // chip.eu_bytes
        self.read: dict[Engine, NDArray[np.int64]] = {engine: np.zeros(words, np.int64) for engine in Engine}
        self.written: dict[Engine, NDArray[np.int64]] = {engine: np.zeros(words, np.int64) for engine in Engine}

    def words(self, operands: Iterable[Operand]) -> list[slice]:
        """The words that local operands touch."""
        spans = [touched(operand, self.chip) for operand in operands if operand.region is Region.LOCAL]
        return [slice(start // self.chip.eu_bytes, up(stop, self.chip.eu_bytes)) for start, stop in spans]

    def enter(self, command: Command, place: int) -> int:
        """Note the record at `place` of its stream; the record of the other engine it must wait for."""
        mine, other = command.engine, Engine(1 - command.engine)
        reads, writes = (self.words(operands) for operands in accesses(command))
        needed = [int(self.written[other][words].max()) for words in (*reads, *writes)]
        needed += [int(self.read[other][words].max()) for words in writes]
        for words in reads:
            self.read[mine][words] = np.maximum(self.read[mine][words], place)
        for words in writes:
            self.written[mine][words] = np.maximum(self.written[mine][words], place)
        return max(needed, default=0)


def _waits(tiles: Sequence[Step], position: dict[Node, int], chip: Chip) -> dict[Node, int]:
    ledger = _Ledger(chip)
    ordered = (node for step in tiles for node in step.nodes)
    return {node: ledger.enter(node.command, position[node]) for node in ordered}


def _with_waits(stream: Sequence[Node], waits: dict[Node, int], end: Command) -> list[Command]:
    made, reached = list[Command](), 0
    for node in stream:
        wait = waits[node] if waits[node] > reached else 0
        reached = max(reached, wait)
        made.append(replace(node.command, wait=wait))
    return [*made, end]
