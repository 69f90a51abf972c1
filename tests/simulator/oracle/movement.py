"""COPY, LOAD, STORE, GATHER, SCATTER and UNPACK: bytes from one place to another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from simulator.isa.record import Command
from simulator.isa.table import DType
from tests.simulator.oracle.contraction import operand
from tests.simulator.oracle.memory import Index, State, indices
from tests.simulator.oracle.numbers import INTEGERS, F, maximum, minimum, read, wrapped, written

BLOCK, RAW = 16, 7
"""Bytes of a packed block, and the k of one that isn't packed."""


def move(state: State, command: Command) -> None:
    """Every element as it is; all are read before any is written."""
    state.put(operand(command, "out"), state.raw(operand(command, "in")))


def gather(state: State, command: Command) -> None:
    """Each element from the row that its index names; zero bits from a row that isn't there."""
    out, source, axis = operand(command, "out"), operand(command, "in"), int(command.params["axis"])
    told, rows = state.tensor(operand(command, "index")), state.raw(source)
    made: dict[Index, bytes] = {}
    for index in indices(out):
        row = int(told[index])
        if row < 0:
            row += source.dims[axis]
        there = 0 <= row < source.dims[axis]
        made[index] = rows[_at(index, axis, row)] if there else bytes(out.dtype.itemsize)
    state.put(out, made)


def scatter(state: State, command: Command) -> None:
    """Each element to the row that its index names, row after row of `in`."""
    out, source, axis = operand(command, "out"), operand(command, "in"), int(command.params["axis"])
    told, given, held = state.tensor(operand(command, "index")), state.raw(source), state.raw(out)
    for index in sorted(indices(source), key=lambda index: index[axis]):
        row = int(told[index])
        if row < 0:
            row += int(command.params["rows"])
        row -= int(command.params["first"])
        if 0 <= row < out.dims[axis]:
            place = _at(index, axis, row)
            held[place] = _combined(command.function, held[place], given[index], out.dtype)
    state.put(out, held)


def _at(index: Index, axis: int, row: int) -> Index:
    n, c, h, w = (*index[:axis], row, *index[axis + 1 :])
    return n, c, h, w


def _combined(function: str, held: bytes, given: bytes, kind: DType) -> bytes:
    """What a place holds after a step, in its own type."""
    if function == "set":
        return given
    a, b = read(held, kind), read(given, kind)
    if kind in INTEGERS:
        x, y = int(a), int(b)
        made = {"add": x + y, "mul": x * y, "max": max(x, y), "min": min(x, y)}[function]
        return written(wrapped(made, kind), kind)
    p, q = F(a), F(b)
    return written({"add": F(p + q), "mul": F(p * q), "max": maximum(p, q), "min": minimum(p, q)}[function], kind)


def unpack(state: State, command: Command) -> None:
    """The bytes of a packed stream, in the order of the elements."""
    out, stream = operand(command, "out"), operand(command, "in")
    bits = chain.from_iterable(_bits(raw[0]) for raw in state.raw(stream).values())
    made: dict[Index, bytes] = {}
    k = 0
    for number, index in enumerate(indices(out)):
        if number % BLOCK == 0:
            k = _number(bits, 3)
        made[index] = bytes([_number(bits, 8) if k == RAW else _unfolded(bits, k)])
    state.put(out, made)


def _bits(byte: int) -> Iterator[int]:
    """The lowest first."""
    return ((byte >> i) & 1 for i in range(8))


def _number(bits: Iterator[int], width: int) -> int:
    return sum(next(bits) << i for i in range(width))


def _unfolded(bits: Iterator[int], k: int) -> int:
    """So many ones and a zero, and k bits: u = 2·b, or -2·b - 1 below zero."""
    ones = 0
    while next(bits):
        ones += 1
    u = (ones << k) + _number(bits, k)
    return (-(u + 1) // 2 if u % 2 else u // 2) % 256
