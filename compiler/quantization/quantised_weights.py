"""Weights of an int8 contraction: one scale an output channel, int32 bias, and requantising factors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.ir.network import Array
from compiler.quantization.fixed_point import multiplier_and_shift

MOST = (1 << 31) - 1
FLOOR = 2.0**-31
"""Smallest step of an accumulator in steps of the result, so that a channel of zeros has a shift of at most 62."""
ROOM = 1 << 30
"""Largest bias that a channel's scale is chosen for."""

FEW = 8
"""Weights that are looked at first: they tell nearly all channels that aren't multiples of a step."""
NEAR = 1e-4
"""How far from an integer, in steps, a multiple may be: f32 numbers up to 128 steps, scaled a few times."""


@dataclass(frozen=True)
class Quantised:
    """
    `weights` int8 of the shape given; `params` int32 (oc, 3): bias, multiplier, shift; `steps` float64 (oc).

    What they stand for, in float64: the result is `Σ real · (x - zero point) + bias` of the stored `x`, `real` (oc, k)
    and `bias` (oc); the integer sum is in `units` (oc) of it. `reach` is the largest |x - zero point|.
    """

    weights: NDArray[np.int8]
    params: NDArray[np.int32]
    steps: NDArray[np.float64]
    real: NDArray[np.float64]
    bias: NDArray[np.float64]
    units: NDArray[np.float64]
    reach: int


def quantise(weights: Array, bias: Array | None, sx: float, sy: float | Array, reach: int) -> Quantised:
    """
    `weights` (oc, …) float, `bias` (oc) float or None, for an input of scale `sx` and a result of scale `sy`, or of
    scales `sy` (oc).

    A weight's step is max|w| / 127 of its channel, or the step that all of them are multiples of: then these are kept.
    It is more where the channel is all but dead (its bias must fit 30 bits, its shift 62), or where
    `|bias| + Σ|w|·reach < 2^31` wouldn't hold; `reach` is the largest |x - zero point|.
    """
    flat = weights.reshape(len(weights), -1).astype(np.float64)
    offset = np.zeros(len(flat)) if bias is None else bias.astype(np.float64).reshape(-1)
    peak = np.abs(flat).max(axis=1, initial=0.0)
    sizes = own_sizes(flat, peak, offset / sx)
    least = np.where(sizes == 128, -128, -127)[:, None]
    steps = np.maximum.reduce([peak / sizes, np.full(len(flat), FLOOR * sy / sx), np.abs(offset) / (sx * ROOM)])
    while True:
        stored = np.clip(np.rint(flat / steps[:, None]), least, 127)
        start = np.rint(offset / (sx * steps))
        worst = np.abs(start) + np.abs(stored).sum(axis=1) * reach
        if not (over := worst > MOST).any():
            break
        steps[over] *= worst[over] / MOST * 1.01
    each = np.broadcast_to(sy, steps.shape)
    factors = [multiplier_and_shift(sx * step / made) for step, made in zip(steps, each, strict=True)]
    params = np.column_stack([start.astype(np.int32), np.array(factors, np.int32)])
    return Quantised(stored.astype(np.int8).reshape(weights.shape), params, steps, flat * sx, offset, steps * sx, reach)


def own_sizes(weights: Array, peak: Array, bias: Array) -> NDArray[np.int64]:
    """
    How many steps the largest magnitude `peak` (oc) of each channel of `weights` (oc, n) is.

    127 where that does. Else, of a channel that comes from integers of a quantised model, all multiples of one step,
    what it was: the step is the largest one that `bias` (oc), stored in steps of the weights, is a multiple of too.
    128 stands for -128, which only a channel that has it stores.
    """
    sizes, whole = np.full(len(weights), 127), np.arange(1, 129)
    known = np.where(peak > 0, peak, 1.0)
    likely = _near(weights[:, :FEW, None] / known[:, None, None] * whole).all(axis=1) & (peak > 0)[:, None]
    for channel in np.flatnonzero(likely.any(axis=1)):
        row = weights[channel] / peak[channel]
        found = whole[likely[channel]]
        found = found[_near(row[:, None] * found).all(axis=0)]
        found = found if row.max(initial=0.0) < 1.0 else found[found < 128]
        if not len(found) or 127 in found:
            continue
        inside = bias[channel] / peak[channel] * found
        fitting = found[np.abs(inside - np.rint(inside)) < 0.02 + np.abs(inside) * 1e-6]
        sizes[channel] = fitting[0] if len(fitting) else found[-1]
    return sizes


def _near(ratio: Array) -> NDArray[np.bool_]:
    return np.abs(ratio - np.rint(ratio)) < NEAR
