"""Races by brute force: every byte of every pair of records, and programs with a wait deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import product

from simulator.checks.walk import Access, accesses, in_lanes
from simulator.isa.record import Command, Operand, decode
from simulator.isa.table import Engine, Region
from simulator.model_file import Model


@cache
def bytes_of(operand: Operand, lanes: int) -> frozenset[int]:
    """Every byte of an operand, one by one, as a number that differs between regions and lanes too."""
    n, c, h, w = operand.dims
    sn, sc, sh, sw = operand.strides
    local = operand.region == Region.LOCAL
    found: set[int] = set()
    for channel in range(operand.lane, operand.lane + c):
        lane, depth = (channel % lanes, channel // lanes) if local else (0, channel)
        base = (((operand.region << 8) + lane) << 40) + operand.addr + depth * sc
        steps = product(range(n), range(h), range(w), range(operand.dtype.itemsize))
        found.update(base + i * sn + y * sh + x * sw + byte for i, y, x, byte in steps)
    return frozenset(found)


def commands(made: Model) -> tuple[list[Command], list[Command]]:
    """Both streams, decoded."""
    return [decode(record) for record in made.tiu], [decode(record) for record in made.gdma]


def unordered(made: Model) -> set[tuple[int, int]]:
    """Pairs (TIU record, GDMA record) that touch a byte, one of them writing, with no path between them."""
    streams, lanes = commands(made), made.chip.lanes
    before = [ordered_before(stream) for stream in streams]
    found: set[tuple[int, int]] = set()
    for i, compute in enumerate(streams[0]):
        for j, move in enumerate(streams[1]):
            if j < before[0][i] or i < before[1][j]:
                continue
            if any(
                (a.write or b.write) and not bytes_of(a.operand, lanes).isdisjoint(bytes_of(b.operand, lanes))
                for a in in_each_lane(compute, lanes)
                for b in in_each_lane(move, lanes)
            ):
                found.add((i + 1, j + 1))
    return found


def in_each_lane(command: Command, lanes: int) -> list[Access]:
    """What a command reads and writes; a table in each of the lanes that use it."""
    return [in_lanes(command, access, lanes) for access in accesses(command)]


def ordered_before(stream: Sequence[Command]) -> list[int]:
    """How many of the other engine's records each record comes after."""
    return [max(command.wait for command in stream[: i + 1]) for i in range(len(stream))]


def without_wait(made: Model, engine: Engine, i: int) -> Model:
    """The program with one wait deleted."""
    tiu, gdma = made.tiu.copy(), made.gdma.copy()
    (tiu if engine == Engine.TIU else gdma)["wait"][i] = 0
    return replace(made, tiu=tiu, gdma=gdma)


def waits(made: Model) -> list[tuple[Engine, int]]:
    """Engine and index from 0 of each record that waits."""
    streams = ((Engine.TIU, made.tiu), (Engine.GDMA, made.gdma))
    return [(engine, i) for engine, stream in streams for i in stream["wait"].nonzero()[0].tolist()]
