"""Weights of an int8 contraction: one scale an output channel, int32 bias, and requantising factors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.ir.network import Array
from compiler.lowering.fixed_point import multiplier_and_shift

MOST = (1 << 31) - 1
FLOOR = 2.0**-31
"""Smallest step of an accumulator in steps of the result, so that a channel of zeros has a shift of at most 62."""
ROOM = 1 << 30
"""Largest bias that a channel's scale is chosen for."""


@dataclass(frozen=True)
class Quantised:
    """`weights` int8 of the shape given; `params` int32 (oc, 3): bias, multiplier, shift; `steps` float64 (oc)."""

    weights: NDArray[np.int8]
    params: NDArray[np.int32]
    steps: NDArray[np.float64]


def quantise(weights: Array, bias: Array | None, sx: float, sy: float, reach: int) -> Quantised:
    """
    `weights` (oc, …) float, `bias` (oc) float or None, for an input of scale `sx` and a result of scale `sy`.

    A weight's step is max|w| / 127 of its channel, or more where the channel is all but dead (its bias must fit 30
    bits, its shift 62), or where `|bias| + Σ|w|·reach < 2^31` wouldn't hold; `reach` is the largest |x - zero point|.
    """
    flat = weights.reshape(len(weights), -1).astype(np.float64)
    offset = np.zeros(len(flat)) if bias is None else bias.astype(np.float64).reshape(-1)
    peak = np.abs(flat).max(axis=1, initial=0.0)
    steps = np.maximum.reduce([peak / 127, np.full(len(flat), FLOOR * sy / sx), np.abs(offset) / (sx * ROOM)])
    while True:
        stored = np.clip(np.rint(flat / steps[:, None]), -127, 127)
        start = np.rint(offset / (sx * steps))
        worst = np.abs(start) + np.abs(stored).sum(axis=1) * reach
        if not (over := worst > MOST).any():
            break
        steps[over] *= worst[over] / MOST * 1.01
    factors = [multiplier_and_shift(sx * step / sy) for step in steps]
    params = np.column_stack([start.astype(np.int32), np.array(factors, np.int32)])
    return Quantised(stored.astype(np.int8).reshape(weights.shape), params, steps)
