"""ARITH and SELECT: one result for each element, of plain integers or floats."""

from __future__ import annotations

from collections.abc import Callable

from simulator.isa.record import Command
from simulator.isa.table import Flag
from tests.simulator.oracle import functions, integers
from tests.simulator.oracle.contraction import operand
from tests.simulator.oracle.memory import Index, State, indices
from tests.simulator.oracle.numbers import INTEGERS, F, Number, converted, wrapped

SCALAR = {"a": Flag.SCALAR_A, "b": Flag.SCALAR_B}
Read = Callable[[Index], Number]


def arith(state: State, command: Command) -> None:
    """One function, in i32 if there are tensors and all are of integers, else in f32."""
    name = command.function
    binary = name in functions.BINARY or name in integers.BINARY
    names = ["a", "b"] if binary else ["a"]
    whole = _whole(command, _tensors(command, names))
    reads = [_read(state, command, each, whole, "whole", "scalar") for each in names]

    def made(index: Index) -> Number:
        values = [read(index) for read in reads]
        if whole:
            table = integers.BINARY if binary else integers.UNARY
            return wrapped(table[name](*map(int, values)))
        return F((functions.BINARY if binary else functions.UNARY)[name](*map(F, values)))

    _store(state, command, made)


def select(state: State, command: Command) -> None:
    """`a` where `cond` isn't 0, else `b`."""
    whole = _whole(command, _tensors(command, ["a", "b"]) or ["cond"])
    condition = state.tensor(operand(command, "cond"))
    a, b = (_read(state, command, name, whole, f"whole_{name}", f"scalar_{name}") for name in ("a", "b"))
    _store(state, command, lambda index: b(index) if condition[index] == 0 else a(index))


def _tensors(command: Command, names: list[str]) -> list[str]:
    return [name for name in names if SCALAR[name] not in command.flags]


def _whole(command: Command, names: list[str]) -> bool:
    return bool(names) and all(operand(command, name).dtype in INTEGERS for name in names)


def _read(state: State, command: Command, name: str, whole: bool, integer: str, real: str) -> Read:
    """How to get an element of an operand, or the scalar in its place: an int if `whole`, else an f32."""
    if SCALAR[name] in command.flags:
        scalar: Number = int(command.params[integer]) if whole else F(command.params[real])
        return lambda index: scalar
    held = state.tensor(operand(command, name))
    return held.__getitem__ if whole else lambda index: F(held[index])


def _store(state: State, command: Command, made: Callable[[Index], Number]) -> None:
    out = operand(command, "out")
    state.store(out, {index: converted(made(index), out.dtype) for index in indices(out)})
