"""
Float contractions in the defined order (CHIP §4).

Each output starts at its start value; taps follow in the order (ic, kh, kw), or k; padded taps are skipped; each
product is rounded to f32, then each sum. No fused multiply-add, so that any tiling gives the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.arithmetic.casts import widen
from simulator.arithmetic.columns import Window, columns
from simulator.arithmetic.compiled import compiled
from simulator.arithmetic.threads import spread

Array = NDArray[Any]
Float32 = NDArray[np.float32]


def convolve(
    x: Array,
    w: Array,
    *,
    strides: tuple[int, int],
    pads: tuple[int, int, int, int],
    dilations: tuple[int, int],
    depthwise: bool,
    start: Float32,
) -> Float32:
    """
    2-D convolution of `x` (n, ic, h, w) by `w` (oc, ic, kh, kw), depthwise (c, 1, kh, kw), onto `start`.

    `x` and `w` are f32, bf16 or f16; `start` f32 (n, oc, oh, ow) isn't changed. Returns f32 (n, oc, oh, ow).
    """
    made = np.array(start, np.float32, order="C")
    image, weights = np.ascontiguousarray(widen(x)), np.ascontiguousarray(widen(w))
    window = Window((w.shape[2], w.shape[3]), strides, pads, dilations)
    if depthwise or not window.is_point:
        _direct(image, weights, *strides, *dilations, *pads[:2], depthwise, made)
        return made
    for i in range(len(image)):
        _accumulate(
            weights.reshape(len(weights), -1), columns(image[i], window, 0.0), made[i].reshape(len(weights), -1)
        )
    return made


def multiply(a: Array, w: Array, *, start: Float32) -> Float32:
    """Matrix product of `a` (m, k) by the rows of `w` (n, k), onto `start` f32 (m, n), which isn't changed."""
    made = np.array(start.T, np.float32, order="C")
    _accumulate(np.ascontiguousarray(widen(w)), np.ascontiguousarray(widen(a).T), made)
    return np.ascontiguousarray(made.T)


def _accumulate(w: Float32, x: Float32, made: Float32) -> None:
    """`made` (m, n) += `w` (m, k) by `x` (k, n), k in order."""
    spread(len(w), lambda first, last: _rows(w[first:last], x, made[first:last]))


@compiled
def _rows(w: Array, x: Array, made: Array) -> None:  # pragma: no cover
    m, depth = w.shape
    for i in range(m):
        to = made[i]
        for k in range(depth):
            weight, source = w[i, k], x[k]
            for j in range(to.size):
                to[j] += weight * source[j]


@compiled
def _direct(
    x: Array, w: Array, sh: int, sw: int, dh: int, dw: int, top: int, left: int, depthwise: bool, made: Array
) -> None:  # pragma: no cover
    n, _, h, width = x.shape
    oc, ic, kh, kw = w.shape
    _, _, oh, ow = made.shape
    for plane in range(n * oc):
        o = plane % oc
        to = made[plane // oc, o]
        for c in range(ic):
            source = x[plane // oc, o if depthwise else c]
            for i in range(kh):
                for j in range(kw):
                    weight, shift = w[o, c, i, j], j * dw - left
                    first = max(0, (sw - 1 - shift) // sw)
                    last = min(ow, (width - 1 - shift) // sw + 1)
                    for y in range(oh):
                        row = y * sh + i * dh - top
                        if row >= 0 and row < h:
                            for z in range(first, last):
                                to[y, z] += weight * source[row, z * sw + shift]
