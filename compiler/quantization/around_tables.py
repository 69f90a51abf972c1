"""
Tensors that a table makes between two products by constant weights: a few scales for their channels, a table for each.

The table's operand may have any scales, its maker requantises channel by channel; the result's are absorbed by the
weights that read it. A few tables do for all channels: those alike in range share a scale, so that a channel has room
beyond what calibration saw of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from xdsl.ir import Operation, SSAValue

from compiler.dialects.formula import evaluate
from compiler.dialects.top.contraction import ConvOp, MatMulOp
from compiler.dialects.top.elementwise import Unary
from compiler.ir.network import Array, Network, name_of, shape
from compiler.passes.network_pass import only_producer
from compiler.quantization.balance import Balance, noise, settled, spans
from compiler.quantization.channels import Channels, Key
from compiler.quantization.columns import columns
from compiler.quantization.readers import contracted_axis

SCALES = (1, 2, 3, 4)
"""Numbers of scales that are tried for a tensor: of both sides of the table, at most sixteen pairs."""

ZEROS = (0, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128)
"""Zero points that are tried, in steps from the lower end."""

POINTS = 1025
"""Where a table's function is looked at, over the range of its operand."""

CUTS = 96
"""Places, in the order of their scales, between which channels are parted."""


@dataclass(frozen=True)
class Table:
    """`ops` in order, each read by the next alone: of `x`, with channels along `axis`, they make what weights read."""

    ops: Sequence[Unary]
    axis: int

    @property
    def x(self) -> SSAValue:
        """What the table reads."""
        return self.ops[0].input

    def of(self, values: Array) -> Array:
        """What it makes of real numbers."""
        with np.errstate(all="ignore"):
            return reduce(lambda reals, op: np.broadcast_to(evaluate(op.term, [reals]), reals.shape), self.ops, values)


def around_tables(network: Network, seen: Mapping[Key, Channels]) -> dict[str, Balance]:
    """
    The scales of tensors on both sides of tables, by name, of an annotated network.

    `seen` are the statistics of tensors' channels, of which the least and the greatest values count: rarely do more
    than a few channels reach as far as the tensor does.
    """
    found = dict[str, Balance]()
    for each in _tables(network):
        given, made = (seen.get((name_of(value), each.axis)) for value in (each.x, each.ops[-1].output))
        if given is not None and made is not None:
            result, power = _of_result(each, made, network)
            found[name_of(each.ops[-1])] = result
            found[name_of(each.x)] = _of_operand(each, given, result, power)
    return found


def _tables(network: Network) -> Iterator[Table]:
    calibrated = spans(network)
    for op in network.ops:
        if not isinstance(op, Unary) or not op.output.uses:
            continue
        ops = [op]
        while isinstance(before := only_producer(ops[0].input), Unary):
            ops.insert(0, before)
        names, axis = [name_of(ops[0].input), *map(name_of, ops)], _made_along(only_producer(ops[0].input))
        reads = {contracted_axis(use.operation, use.index) for use in op.output.uses}
        if axis is not None and reads == {axis} and all(name in calibrated for name in names):
            yield Table(ops, axis)


def _made_along(maker: Operation | None) -> int | None:
    """The axis of the channels that a product by constant weights makes, each by a factor of its own."""
    if not isinstance(maker, ConvOp | MatMulOp) or contracted_axis(maker, 0) is None:
        return None
    return 1 if isinstance(maker, ConvOp) else len(shape(maker.output)) - 1


def _of_result(each: Table, seen: Channels, network: Network) -> tuple[Balance, Array]:
    """The scales of what the table makes, and how much an error of each channel weighs."""
    value = each.ops[-1].output
    squares, low, high = seen.square.astype(np.float64), np.minimum(seen.low, 0.0), np.maximum(seen.high, 0.0)
    peaks, power = [np.zeros((0, len(low)))], np.zeros(len(low))
    for own in columns(value, each.axis, network.weights):
        made = float((squares * own.power).sum()) or 1.0
        peaks.append(own.peak * np.sqrt(own.taps / made))
        power += own.power / made
    peak = np.ascontiguousarray(np.concatenate(peaks))

    def error(steps: Array) -> float:
        return noise(peak, squares, power, steps)

    def fine(least: Array) -> Array:
        return settled(peak, squares, power, least)

    return _best(low.astype(np.float64), high.astype(np.float64), power, each.axis, fine, error), power


def _of_operand(each: Table, seen: Channels, result: Balance, power: Array) -> Balance:
    """
    The scales of what the table reads.

    A channel's range ends where what lies beyond would change the result by less than half a step of it.
    """
    low, high = np.minimum(seen.low, 0.0).astype(np.float64), np.maximum(seen.high, 0.0).astype(np.float64)
    at: Array = np.linspace(float(low.min()), float(high.max()), POINTS)
    made, steps = each.of(at), result.spans[1] - result.spans[0]
    for step in np.unique(steps):
        first, last = _flat(made, step / 255 / 2), _flat(made[::-1], step / 255 / 2)
        own = steps == step
        low[own] = np.minimum(np.maximum(low[own], at[first]), 0.0)
        high[own] = np.maximum(np.minimum(high[own], at[len(at) - 1 - last]), 0.0)
    return _best(low, high, power, each.axis, lambda least: least, lambda steps: float((power * steps**2).sum()))


def _flat(made: Array, tolerance: float) -> int:
    """The last of the first points at which a function is within `tolerance` of what it is before."""
    reach = np.maximum(np.maximum.accumulate(made) - made, made - np.minimum.accumulate(made))
    return int(np.argmax(reach > tolerance)) - 1 if (reach > tolerance).any() else len(made) // 2


def _best(
    low: Array,
    high: Array,
    power: Array,
    axis: int,
    fine: Callable[[Array], Array],
    error: Callable[[Array], float],
) -> Balance:
    """
    The zero point, and the few scales, of the least error.

    `fine` says which steps channels want that need certain steps at least, `error` what steps cost.
    """
    zeros = [zero for zero in ZEROS if zero or low.min() >= 0] if low.min() < 0 else [0]
    needed = [_needed(low, high, zero) for zero in zeros]
    costs = [float((power * parted(steps, power, SCALES[-1]) ** 2).sum()) for steps in needed]
    zero, least = min(zip(costs, zeros, needed, strict=True), key=lambda each: each[0])[1:]
    wanted = fine(least)
    steps = min((parted(np.maximum(wanted, least), power, count) for count in SCALES), key=error)
    return Balance(axis, np.stack([-zero * steps, (255 - zero) * steps]), zero)


def _needed(low: Array, high: Array, zero: int) -> Array:
    """The least steps of channels from `low` to `high` around a zero point."""
    below = -low / zero if zero else np.zeros_like(low)
    return np.maximum(np.maximum(below, high / (255 - zero)), np.finfo(np.float32).tiny)


def parted(steps: Array, weights: Array, count: int) -> Array:
    """
    The steps raised to `count` values at most, with the least sum of weight · step².

    Channels in the order of their steps are parted where that is best, by dynamic programming over `CUTS` places.
    """
    order = np.argsort(steps, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(weights[order])])
    ends = np.unique(np.linspace(0, len(steps), CUTS + 1).astype(int))
    largest = np.concatenate([[0.0], steps[order][ends[1:] - 1]])
    cost = np.where(np.arange(len(ends)) > 0, np.inf, 0.0)
    choices = list[Array]()
    for _ in range(min(count, len(ends) - 1)):
        over = cost[:, None] + (total[ends][None, :] - total[ends][:, None]) * largest[None, :] ** 2
        over[np.tril_indices(len(ends))] = np.inf
        over[0, 0] = 0.0
        choices.append(over.argmin(axis=0))
        cost = over.min(axis=0)
    made, end = np.empty_like(steps), len(ends) - 1
    for choice in reversed(choices):
        start = int(choice[end])
        made[order[ends[start] : ends[end]]] = largest[end]
        end = start
    return made
