"""
What only a table reads: the range that serves what is behind the table, for an error there is all that counts.

A Conv's result in front of a HardSwish needs no step below -3, where the function is flat, however far values go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import SSAValue

from compiler.dialects.formula import evaluate
from compiler.dialects.top.base import is_present
from compiler.dialects.top.elementwise import Unary
from compiler.ir.network import Array, Network, name_of
from compiler.quantization.histogram import Histogram
from compiler.quantization.tabled import tabled
from compiler.quantization.thresholds import Range

Function = Callable[[Array], Array]
"""Of real numbers, float64, each by itself."""

SHARES = (*np.linspace(1, 0.1, 19).tolist(), 0.08, 0.06, 0.05, 0.04, 0.03, 0.02, 0.01, 0.0)
"""Of what is seen on a side: where a range is tried to end."""
TURNS = 3
"""Times that one end is moved with the other kept."""


def functions_behind(network: Network) -> dict[str, Function]:
    """By tensor, what one table makes of it: of tensors that one op reads, the functions one after the other."""
    values = (value for op in network.ops for value in op.results if is_present(value))
    return {name_of(value): _composed(ops) for value in values if (ops := list(_chain(value))) and tabled(value)}


def _chain(value: SSAValue) -> Iterator[Unary]:
    """The ops of one operand that a tensor goes through, each read by the next alone."""
    while value.has_one_use() and isinstance(op := next(iter(value.uses)).operation, Unary):
        yield op
        value = op.output


def _composed(ops: list[Unary]) -> Function:
    def function(x: Array) -> Array:
        for op in ops:
            with np.errstate(all="ignore"):
                x = np.broadcast_to(evaluate(op.term, [x]), x.shape)
        return x

    return function


def range_behind(function: Function, histogram: Histogram) -> tuple[float, float]:
    """
    The least and the greatest value to keep, in a type with a zero point, for the least squared error of the results.

    Ends are tried at `SHARES` of what is seen; a value counts as the middle of its bin. (0, 0) of a tensor of zeros.
    """
    filled = np.flatnonzero(histogram.counts)
    counts, x = histogram.counts[filled], (filled - histogram.bins + 0.5) * histogram.width
    exact = function(x)

    def error(ends: Range) -> float:
        values, stored = _stored(x, *ends)
        with np.errstate(all="ignore"):
            return float(np.nan_to_num((counts * (exact - function(values)[stored]) ** 2).sum(), nan=np.inf))

    low, high = kept = min(histogram.low, 0.0), max(histogram.high, 0.0)
    best = error(kept) if len(filled) else 0.0
    for _ in range(TURNS if best else 0):
        before = best
        for tried in chain(((kept[0], high * s) for s in SHARES), ((low * s, kept[1]) for s in SHARES)):
            if (found := error(tried)) < best:
                best, kept = found, tried
        if best == before:
            break
    return kept


def _stored(x: Array, low: float, high: float) -> tuple[Array, NDArray[np.int64]]:
    """What the 256 steps of a type mean, float64, and the number of the step that each of `x` is stored in."""
    step = max(high - low, np.finfo(np.float32).tiny) / 255
    zero = round(-low / step)
    stored = np.clip(np.rint(x / step) + zero, 0, 255).astype(np.int64)
    return (np.arange(256) - zero) * step, stored
