"""
Float contractions in the defined order (numerics.md §3).

Each output starts at its start value; taps follow in the order (ic, kh, kw), or k; padded taps are skipped; each
product is rounded to f32, then each sum. No fused multiply-add, so that any tiling gives the same bits.

Tiles add `weight · 0` for a padded tap. That alters a sum only if the weight isn't finite, or if the sum is -0, which
it can only be while the start and every product so far is -0; such outputs are made again, tap by tap.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.arithmetic import tile
from simulator.arithmetic.casts import Float32, widen
from simulator.arithmetic.columns import Window, last_rows
from simulator.arithmetic.native import native
from simulator.arithmetic.threads import spread

Array = NDArray[Any]

DEPTHWISE_RATE, TILE_RATE = 4.0, 50.0
"""Products a nanosecond that one thread makes, about."""


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

    `x` and `w` are f32, bf16 or f16; `start` f32 broadcasts to (n, oc, oh, ow) and isn't changed. Returns f32
    (n, oc, oh, ow).
    """
    require_subnormals()
    window = Window((w.shape[2], w.shape[3]), strides, pads, dilations)
    made = np.empty((len(x), len(w), *window.output(x.shape[2], x.shape[3])), np.float32)
    made[...] = start
    image, weights = np.ascontiguousarray(widen(x)), np.ascontiguousarray(widen(w))
    place = (*strides, *dilations, *pads[:2])
    if depthwise:
        planes = made.shape[0] * made.shape[1]
        expected = made.size * weights[0].size / DEPTHWISE_RATE
        spread(planes, lambda first, last: _depthwise(image, weights, *place, first, last, made), expected)
        return made
    flat = weights.reshape(len(weights), -1)
    for each, sums in zip(image, made, strict=True):
        _accumulate(each, window, sums.shape[2], flat, sums.reshape(len(weights), -1))
    if any(pads):
        doubtful: Array = _negative_zero(np.asarray(start)) & (made == 0)
        if not (np.isfinite(weights.min()) and np.isfinite(weights.max())):
            doubtful |= np.array([not np.isfinite(row).all() for row in weights])[:, None, None]
        if doubtful.any():
            begun = np.ascontiguousarray(np.broadcast_to(start, made.shape))
            _again(image, weights, *place, begun, np.ascontiguousarray(doubtful), made)
    return made


def multiply(a: Array, w: Array, *, start: Float32) -> Float32:
    """Matrix product of `a` (m, k) by the rows of `w` (n, k), onto `start`, f32 that broadcasts to (m, n)."""
    require_subnormals()
    made = np.empty((len(w), len(a)), np.float32)
    made[...] = np.broadcast_to(start, made.T.shape).T
    columns = np.ascontiguousarray(widen(a).T)[:, None]
    point = Window((1, 1), (1, 1), (0, 0, 0, 0), (1, 1))
    _accumulate(columns, point, len(a), np.ascontiguousarray(widen(w)), made)
    return np.ascontiguousarray(made.T)


def products(a: Array, b: Array, *, start: Float32) -> Float32:
    """Matrix products of `a` (batch, m, k) by `b` (batch, k, n), onto `start`, f32 that broadcasts to the result."""
    require_subnormals()
    made = np.empty((len(a), a.shape[1], b.shape[2]), np.float32)
    made[...] = start
    point = Window((1, 1), (1, 1), (0, 0, 0, 0), (1, 1))
    left, right = np.ascontiguousarray(widen(a)), np.ascontiguousarray(widen(b))
    for rows, columns, sums in zip(left, right, made, strict=True):
        _accumulate(columns[:, None], point, b.shape[2], rows, sums)
    return made


@cache
def require_subnormals() -> None:
    """Raises RuntimeError where the processor flushes subnormal results or operands to zero."""
    smallest = np.array([2.0**-149], np.float32)
    if (smallest * np.float32(1))[0] == 0 or (np.array([2.0**-126], np.float32) * np.float32(0.5))[0] == 0:
        raise RuntimeError("this process flushes subnormal floats to zero; the chip keeps them")


def _accumulate(image: Float32, window: Window, width: int, w: Array, made: Float32) -> None:
    """`made` (m, pixels) += `w` (m, c·kh·kw) by the windows of `image` (c, h, w), in parts for the threads."""
    place = (*window.kernel, *window.strides, *window.dilations, *window.pads[:2], width)
    panels, blocks = -(-made.shape[1] // tile.WIDTH), -(-len(w) // tile.ROWS)
    tail = last_rows(w, tile.ROWS)

    def part(block: tuple[int, int], panel: tuple[int, int]) -> None:
        held = np.empty((tile.DEPTH, tile.WIDTH), np.float32), np.empty((tile.ROWS, tile.WIDTH), np.float32)
        tile.accumulate(image, *place, w, tail, block, panel, *held, made)

    expected = w.size * made.shape[1] / TILE_RATE
    if panels >= blocks:
        spread(panels, lambda a, b: part((0, blocks), (a, b)), expected)
    else:
        spread(blocks, lambda a, b: part((a, b), (0, panels)), expected)


def _negative_zero(x: Float32) -> Array:
    return (x == 0) & np.signbit(x)


@native
def _depthwise(
    x: Array,
    w: Array,
    sh: int,
    sw: int,
    dh: int,
    dw: int,
    top: int,
    left: int,
    begin: int,
    end: int,
    made: Array,
) -> None:  # pragma: no cover
    _, c, h, width = x.shape
    _, _, kh, kw = w.shape
    _, _, oh, ow = made.shape
    for plane in range(begin, end):
        ch = plane % c
        source, to = x[plane // c, ch], made[plane // c, ch]
        for i in range(kh):
            for j in range(kw):
                weight, shift = w[ch, 0, i, j], j * dw - left
                first = max(0, (sw - 1 - shift) // sw)
                last = max(first, min(ow, (width - 1 - shift) // sw + 1))
                for y in range(oh):
                    row = y * sh + i * dh - top
                    if row < 0 or row >= h:
                        continue
                    read, sums = source[row, first * sw + shift :], to[y, first:last]
                    if sw == 1:
                        for z in range(sums.size):
                            sums[z] += weight * read[z]
                    else:
                        for z in range(sums.size):
                            sums[z] += weight * read[z * sw]


@native
def _again(
    x: Array, w: Array, sh: int, sw: int, dh: int, dw: int, top: int, left: int, start: Array, wanted: Array,
    made: Array,
) -> None:  # pragma: no cover  # fmt: skip
    """The wanted outputs of a dense convolution, tap by tap."""
    _, ic, h, width = x.shape
    oc, _, kh, kw = w.shape
    n, _, oh, ow = made.shape
    for plane in range(n * oc):
        b, o = divmod(plane, oc)
        for y in range(oh):
            for z in range(ow):
                if not wanted[b, o, y, z]:
                    continue
                total = start[b, o, y, z]
                for c in range(ic):
                    for i in range(kh):
                        for j in range(kw):
                            row, column = y * sh + i * dh - top, z * sw + j * dw - left
                            if row >= 0 and row < h and column >= 0 and column < width:
                                total += w[o, c, i, j] * x[b, c, row, column]
                made[b, o, y, z] = total
