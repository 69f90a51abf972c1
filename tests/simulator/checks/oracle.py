"""Races by brute force: every byte of every pair of records, and programs with a wait deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from simulator.checks.walk import accesses
from simulator.isa.record import Command, Operand, decode
from simulator.isa.table import Engine, Region
from simulator.model_file import Model

Byte = tuple[Region, int, int]
"""Region, lane (0 in global memory) and byte."""


def bytes_of(operand: Operand, lanes: int) -> set[Byte]:
    """Every byte of an operand, one by one."""
    n, c, h, w = operand.dims
    sn, sc, sh, sw = operand.strides
    found: set[Byte] = set()
    for i in range(n):
        for j in range(c):
            at = operand.lane + j
            lane, depth = (at % lanes, at // lanes) if operand.region == Region.LOCAL else (0, j)
            for y in range(h):
                for x in range(w):
                    first = operand.addr + i * sn + depth * sc + y * sh + x * sw
                    found.update((operand.region, lane, first + b) for b in range(operand.dtype.itemsize))
    return found


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
                (a.write or b.write) and bytes_of(a.operand, lanes) & bytes_of(b.operand, lanes)
                for a in accesses(compute)
                for b in accesses(move)
            ):
                found.add((i + 1, j + 1))
    return found


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
