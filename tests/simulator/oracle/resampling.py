"""RESAMPLE: rows or columns picked, or summed by weights."""

from __future__ import annotations

from simulator.isa.record import Command
from simulator.isa.table import DType
from tests.simulator.oracle.contraction import operand
from tests.simulator.oracle.memory import Index, State, Tensor, indices
from tests.simulator.oracle.numbers import INTEGERS, F, Number, read, requantised, wrapped


def resample(state: State, command: Command) -> None:
    """Each index of the axis from where the table of its lane says."""
    out, source, axis = operand(command, "out"), operand(command, "in"), int(command.params["axis"])
    if command.function == "pick":
        bits = state.raw(source)
        state.put(out, {index: bits[_from(state, command, index, 0)] for index in indices(out)})
        return
    x, weights = state.tensor(source), operand(command, "table").dims[5 - axis] - 1
    made: Tensor = {}
    for index in indices(out):
        row = _row(state, command, index)[1:]
        if source.dtype in INTEGERS:
            scaled = [(int(read(raw, DType.I32)), t) for t, raw in enumerate(row)]
            taps = [(weight, int(x[_from(state, command, index, t)])) for weight, t in scaled if weight]
            made[index] = _whole(command, taps)
        else:
            made[index] = F(0)
            for t in range(weights):
                if (weight := F(read(row[t], DType.F32))) != 0:
                    made[index] = F(made[index] + F(weight * F(x[_from(state, command, index, t)])))
    state.store(out, made)


def _whole(command: Command, taps: list[tuple[int, int]]) -> Number:
    p = command.params
    total = wrapped(sum(weight * (value - int(p["zx"])) for weight, value in taps))
    if operand(command, "out").dtype == DType.I32:
        return total
    return requantised(total, int(p["multiplier"]), int(p["shift"]), int(p["zy"]), p["low"], p["high"])


def _row(state: State, command: Command, index: Index) -> list[bytes]:
    """Start and weights of a result, as bytes: a row of the table where rows are made, else a column."""
    table = state.table(operand(command, "table"), state.lane_of(operand(command, "out"), index[1]))
    if command.params["axis"] == 2:
        return table[index[2]]
    return [row[index[3]] for row in table]


def _from(state: State, command: Command, index: Index, tap: int) -> Index:
    """Where the tap of a result lies in the input."""
    n, c, y, x = index
    place = int(read(_row(state, command, index)[0], DType.I32)) - int(command.params["first"]) + tap
    return (n, c, place, x) if command.params["axis"] == 2 else (n, c, y, place)
