"""CONV, DWCONV, MATMUL and BMATMUL: sums of products, tap by tap."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from simulator.isa.record import Command, Operand
from simulator.isa.table import DType, Flag
from tests.simulator.oracle.memory import Index, State, Tensor, indices
from tests.simulator.oracle.numbers import INTEGERS, F, Number, clamped, requantised, wrapped
from tests.simulator.oracle.window import taps

Pairs = Callable[[Index], Iterable[tuple[Number, Number]]]
"""The factors of each product of a result, in order: input first, then weight."""
Channel = Callable[[Index], tuple[int, ...]]
"""Bias, multiplier and shift of a result."""


def conv(state: State, command: Command) -> None:
    """Dense convolution; taps in the order (ic, kh, kw)."""
    _, channels, h, w = operand(command, "in").dims
    _convolve(state, command, (h, w), lambda out: range(channels))


def depthwise(state: State, command: Command) -> None:
    """Depthwise convolution: taps (kh, kw) of the result's own channel."""
    _, _, h, w = operand(command, "in").dims
    _convolve(state, command, (h, w), None)


def _convolve(
    state: State, command: Command, extents: tuple[int, int], channels: Callable[[Index], range] | None
) -> None:
    x, weights, kw = (
        state.tensor(operand(command, "in")),
        state.tensor(operand(command, "filter")),
        command.params["kw"],
    )

    def pairs(out: Index) -> Iterable[tuple[Number, Number]]:
        n, oc, oy, ox = out
        seen = taps(command.params, extents, oy, ox)
        for ic in [0] if channels is None else channels(out):
            for i, j, row, column in seen:
                yield x[n, oc if channels is None else ic, row, column], weights[0, oc, ic, i * int(kw) + j]

    _finish(state, command, pairs, lambda out: (0, out[1]))


def matmul(state: State, command: Command) -> None:
    """`out[m, n] = Σ in[m, k] · filter[n, k]`, k in order."""
    _, depth, _, _ = operand(command, "in").dims
    x, weights = state.tensor(operand(command, "in")), state.tensor(operand(command, "filter"))

    def pairs(out: Index) -> Iterable[tuple[Number, Number]]:
        return ((x[out[0], k, 0, 0], weights[0, out[1], k, 0]) for k in range(depth))

    _finish(state, command, pairs, lambda out: (0, out[1]))


def batched(state: State, command: Command) -> None:
    """`out[batch, m, n] = Σ a[batch, m, k] · b[batch, k, n]`, k in order; `b` may be turned."""
    _, _, depth, _ = operand(command, "a").dims
    a, b = state.tensor(operand(command, "a")), state.tensor(operand(command, "b"))
    turned = bool(command.params["turned"])

    def pairs(out: Index) -> Iterable[tuple[Number, Number]]:
        batch, m, n, _ = out
        return ((a[batch, m, k, 0], b[batch, n, k, 0] if turned else b[batch, k, n, 0]) for k in range(depth))

    _finish(state, command, pairs, lambda out: (0, out[2]))


def _finish(state: State, command: Command, pairs: Pairs, column: Callable[[Index], tuple[int, int]]) -> None:
    """Sum from where the flags say, and leave accumulators or finish; `column` says whose parameters are a result's."""
    whole = operand(command, "a" if command.op == "BMATMUL" else "in").dtype in INTEGERS
    result = operand(command, "acc" if Flag.ACC_OUT in command.flags else "out")
    before = state.tensor(operand(command, "acc")) if Flag.ACC_IN in command.flags else None
    given = command.operands.get("params")
    told: Tensor = {} if given is None else state.tensor(given)
    finish = Flag.ACC_OUT not in command.flags
    made: Tensor = {}
    for index in indices(result):
        row = [told[(*column(index), 0, i)] for i in range(given.dims[3])] if given else []
        if whole:
            total = int(before[index]) if before else 0
            total = _whole_sum(command, total, pairs(index))
            made[index] = _whole_result(command, total, [int(value) for value in row]) if finish else total
        else:
            start = before[index] if before else row[0] if row else F(0)
            sum_ = _float_sum(F(start), pairs(index))
            made[index] = clamped(sum_, command.params["low"], command.params["high"]) if finish else sum_
    state.store(result, made)


def _float_sum(total: F, pairs: Iterable[tuple[Number, Number]]) -> F:
    """Each product rounded to f32, then each sum."""
    for x, weight in pairs:
        total = F(total + F(F(weight) * F(x)))
    return total


def _whole_sum(command: Command, total: int, pairs: Iterable[tuple[Number, Number]]) -> int:
    """Products of the differences to the zero points, in i32."""
    if command.op == "BMATMUL":
        za, zb = int(command.params["za"]), int(command.params["zb"])
    else:
        za, zb = int(command.params["zx"]), 0
    return wrapped(total + sum((int(x) - za) * (int(weight) - zb) for x, weight in pairs))


def _whole_result(command: Command, total: int, row: list[int]) -> Number:
    """What is stored of an i32 sum, with the parameters of its channel or those of the record."""
    p, kind = command.params, operand(command, "out").dtype
    bias, multiplier, shift = row or [0, int(p["multiplier"]), int(p["shift"])]
    biased = wrapped(total + bias)
    if kind == DType.I32:
        return biased
    if kind == DType.F32:
        factor = F(np.ldexp(float(multiplier), -shift))
        return clamped(F(F(biased) * factor), p["low"], p["high"])
    return requantised(biased, multiplier, shift, int(p["zy"]), p["low"], p["high"])


def operand(command: Command, name: str) -> Operand:
    """An operand that must be there."""
    found = command.operands[name]
    assert found is not None
    return found
