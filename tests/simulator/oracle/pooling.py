"""POOL and REDUCE: windows and whole axes, element by element in row-major order."""

from __future__ import annotations

import math
from collections.abc import Iterable

from simulator.isa.record import Command
from simulator.isa.table import DType, Flag
from tests.simulator.oracle.contraction import operand
from tests.simulator.oracle.memory import State, Tensor, indices
from tests.simulator.oracle.numbers import (
    INTEGERS,
    F,
    Number,
    clamped,
    limits,
    maximum,
    minimum,
    read,
    requantised,
    wrapped,
)
from tests.simulator.oracle.window import taps


def pool(state: State, command: Command) -> None:
    """Maximum or average of each window; what lies on padding isn't seen."""
    source, out = operand(command, "in"), operand(command, "out")
    _, _, h, w = source.dims
    x = state.tensor(source)
    made: Tensor = {}
    for n, c, y, z in indices(out):
        seen = [x[n, c, row, column] for _, _, row, column in taps(command.params, (h, w), y, z)]
        if command.function == "max":
            made[n, c, y, z] = _greatest(command, source.dtype, seen)
        elif source.dtype in INTEGERS:
            made[n, c, y, z] = _whole_average(state, command, state.lane_of(out, c), seen)
        else:
            average = F(_sum(F(0), seen) / F(_count(command, seen)))
            made[n, c, y, z] = clamped(average, command.params["low"], command.params["high"])
    state.store(out, made)


def _greatest(command: Command, kind: DType, seen: Iterable[Number]) -> Number:
    if kind in INTEGERS:
        return _kept(command, max((int(value) for value in seen), default=limits(kind)[0]))
    best = F(-math.inf)
    for value in seen:
        best = maximum(best, F(value))
    return clamped(best, command.params["low"], command.params["high"])


def _kept(command: Command, value: int) -> int:
    """A stored integer between the bounds."""
    return min(max(value, int(command.params["low"])), int(command.params["high"]))


def _count(command: Command, seen: list[Number]) -> int:
    if Flag.COUNT_PAD in command.flags:
        return int(command.params["kh"]) * int(command.params["kw"])
    return len(seen)


def _whole_average(state: State, command: Command, lane: int, seen: list[Number]) -> int:
    """Requantised by the row of the lane's own table that has the count."""
    p = command.params
    rows = [[int(read(raw, DType.I32)) for raw in row] for row in state.table(operand(command, "params"), lane)]
    multiplier, shift = next(row[1:] for row in rows if row[0] == _count(command, seen))
    total = wrapped(sum(int(value) - int(p["zx"]) for value in seen))
    return requantised(total, multiplier, shift, int(p["zy"]), p["low"], p["high"])


def _sum(start: F, seen: Iterable[Number]) -> F:
    for value in seen:
        start = F(start + F(value))
    return start


def reduce(state: State, command: Command) -> None:
    """One accumulator a result, over rows, columns or both."""
    source, p = operand(command, "in"), command.params
    n, c, h, w = source.dims
    over_h, over_w = bool(p["over_h"]), bool(p["over_w"])
    whole, finish = source.dtype in INTEGERS, Flag.ACC_OUT not in command.flags
    x = state.tensor(source)
    before = state.tensor(operand(command, "acc")) if Flag.ACC_IN in command.flags else None
    result = operand(command, "out" if finish else "acc")
    made: Tensor = {}
    for index in indices(result):
        n, c, y, z = index
        rows, columns = range(h) if over_h else [y], range(w) if over_w else [z]
        seen = [x[n, c, row, column] for row in rows for column in columns]
        if whole:
            total = _whole_step(command, int(before[index]) if before else None, [int(value) for value in seen])
            made[index] = _whole_end(command, total) if finish else total
        else:
            real = _float_step(command.function, F(before[index]) if before else None, seen)
            made[index] = _float_end(command, real) if finish else real
    state.store(result, made)


def _whole_step(command: Command, start: int | None, seen: list[int]) -> int:
    zx = int(command.params["zx"])
    match command.function:
        case "max":
            return max([limits(DType.I32)[0] if start is None else start, *seen])
        case "min":
            return min([limits(DType.I32)[1] if start is None else start, *seen])
        case "prod":
            return wrapped(math.prod(seen, start=1 if start is None else start))
        case _:
            return wrapped((start or 0) + sum(value - zx for value in seen))


def _whole_end(command: Command, total: int) -> int:
    p = command.params
    if operand(command, "out").dtype == DType.I32:
        return total
    if command.function in ("max", "min"):
        return _kept(command, total)
    return requantised(total, int(p["multiplier"]), int(p["shift"]), int(p["zy"]), p["low"], p["high"])


_START = {"max": -math.inf, "min": math.inf, "prod": 1.0, "sum": 0.0, "mean": 0.0}


def _float_step(function: str, start: F | None, seen: Iterable[Number]) -> F:
    made = F(_START[function]) if start is None else start
    for value in map(F, seen):
        match function:
            case "max":
                made = maximum(made, value)
            case "min":
                made = minimum(made, value)
            case "prod":
                made = F(made * value)
            case _:
                made = F(made + value)
    return made


def _float_end(command: Command, total: F) -> F:
    if command.function == "mean":
        total = F(total / F(int(command.params["count"])))
    return clamped(total, command.params["low"], command.params["high"])
