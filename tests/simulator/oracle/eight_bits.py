"""RESCALE_ADD, RESCALE_MUL, LUT and CAST: elements of quantised tensors."""

from __future__ import annotations

import numpy as np

from simulator.isa.record import Command
from simulator.isa.table import DType
from tests.simulator.oracle.contraction import operand
from tests.simulator.oracle.memory import Index, State, Tensor
from tests.simulator.oracle.numbers import INTEGERS, F, Number, limits, requantised, saturated, wrapped


def add(state: State, command: Command) -> None:
    """The sum of two products, shifted and rounded once."""
    p = {name: int(command.params[name]) for name in ("za", "zb", "zy", "ma", "mb", "shift")}
    a, b = state.tensor(operand(command, "a")), state.tensor(operand(command, "b"))
    low, high = command.params["low"], command.params["high"]

    def made(x: int, y: int) -> int:
        total = (x - p["za"]) * p["ma"] + (y - p["zb"]) * p["mb"]
        return requantised(total, 1, p["shift"], p["zy"], low, high)

    _store(state, command, {index: made(int(a[index]), int(b[index])) for index in a})


def mul(state: State, command: Command) -> None:
    """The product of two differences, requantised."""
    p = {name: int(command.params[name]) for name in ("za", "zb", "zy", "multiplier", "shift")}
    a, b = state.tensor(operand(command, "a")), state.tensor(operand(command, "b"))
    low, high = command.params["low"], command.params["high"]

    def made(x: int, y: int) -> int:
        return requantised((x - p["za"]) * (y - p["zb"]), p["multiplier"], p["shift"], p["zy"], low, high)

    _store(state, command, {index: made(int(a[index]), int(b[index])) for index in a})


def lut(state: State, command: Command) -> None:
    """The entry that an element's byte, and `which` if given, name in the table of the element's lane: bit for bit."""
    out, source, table = (operand(command, name) for name in ("out", "in", "table"))
    chosen = command.operands.get("which")
    rows = None if chosen is None else state.raw(chosen)
    tables = [state.table(table, lane) for lane in range(len(state.lanes))]
    made: dict[Index, bytes] = {}
    for index, byte in state.raw(source).items():
        row = rows[index][0] if rows else 0
        made[index] = tables[state.lane_of(out, index[1])][row][byte[0]]
    state.put(out, made)


def cast(state: State, command: Command) -> None:
    """Between floats, from floats to eight bits, or from integers to floats."""
    source, out = operand(command, "in"), operand(command, "out")
    made = _quantised if out.dtype in INTEGERS else _dequantised if source.dtype in INTEGERS else _float
    _store(state, command, {index: made(value, command, out.dtype) for index, value in state.tensor(source).items()})


def _float(value: Number, command: Command, kind: DType) -> Number:
    return value


def _quantised(value: Number, command: Command, kind: DType) -> int:
    steps = np.rint(F(F(value) / F(command.params["scale"])))
    made = F((F(0) if np.isnan(steps) else steps) + F(int(command.params["zero"])))
    return limits(kind)[bool(made > 0)] if np.isinf(made) else saturated(int(made), kind)


def _dequantised(value: Number, command: Command, kind: DType) -> F:
    return F(F(wrapped(int(value) - int(command.params["zero"]))) * F(command.params["scale"]))


def _store(state: State, command: Command, made: Tensor) -> None:
    state.store(operand(command, "out"), made)
