"""
Exact int8 contractions (numerics.md §2): int32 sums of `weight · (input - zero point)`; padding contributes nothing.

Dense ones are products of the weights by columns of the input, by the processor's tile of bytes (`tile`). Sums wrap
modulo 2^32 as int32 does; no step saturates.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.arithmetic import tile
from simulator.arithmetic.columns import Window, columns, last_rows
from simulator.arithmetic.native import native
from simulator.arithmetic.processor import level
from simulator.arithmetic.threads import spread

Array = NDArray[Any]
Int32 = NDArray[np.int32]

WORDS = {4: np.int8, 2: np.int16, 1: np.int32}
"""Type of a weight in a word of so many."""
RATE = {4: 300.0, 2: 80.0, 1: 8.0}
"""Products a nanosecond that one thread makes with such words, about."""


def convolve(
    x: Array,
    w: Array,
    *,
    zx: int,
    strides: tuple[int, int],
    pads: tuple[int, int, int, int],
    dilations: tuple[int, int],
    depthwise: bool,
    start: Int32 | None,
) -> Int32:
    """
    2-D convolution of `x` i8|u8 (n, ic, h, w) by `w` i8 (oc, ic, kh, kw), depthwise (c, 1, kh, kw), onto `start`.

    `zx` is the input's zero point and the value of padding; `start` int32 (n, oc, oh, ow) or None for zeros. Returns
    int32 (n, oc, oh, ow).
    """
    n, _, h, width = x.shape
    oc, _, kh, kw = w.shape
    window = Window((kh, kw), strides, pads, dilations)
    shape = (n, oc, *window.output(h, width))
    image, zero = _signed(x, zx)
    if depthwise:
        made = np.zeros(shape, np.int32) if start is None else np.array(start, np.int32, order="C")
        _depthwise(image, np.ascontiguousarray(w[:, 0]), zero, *strides, *dilations, *pads[:2], made)
        return made
    weights = np.ascontiguousarray(w.reshape(oc, -1))
    products = [product(weights, columns(one, window, zero), zero) for one in image]
    made = (products[0] if n == 1 else np.stack(products)).reshape(shape)
    return made if start is None else np.add(made, start, out=made)


def multiply(a: Array, w: Array, *, zx: int, start: Int32 | None) -> Int32:
    """Matrix product of `a` i8|u8 (m, k) by the rows of `w` i8 (n, k), onto `start` int32 (m, n). Returns (m, n)."""
    made = np.ascontiguousarray(product(np.ascontiguousarray(w), np.ascontiguousarray(a.T), zx).T)
    return made if start is None else np.add(made, start, out=made)


def products(a: Array, b: Array, *, za: int, zb: int, start: Int32 | None) -> Int32:
    """
    Matrix products of `a` i8|u8 (batch, m, k) by `b` i8|u8 (batch, k, n), onto `start` int32 (batch, m, n).

    `za` and `zb` are subtracted from what is read. Returns (batch, m, n).
    """
    left, zero = _signed(a, za)
    right = np.ascontiguousarray(b)
    made = np.stack([product(x, y, zb) for x, y in zip(left, right, strict=True)])
    if zero:
        made -= np.int32(zero) * (right.sum(1, dtype=np.int32) - np.int32(zb * right.shape[1]))[:, None]
    return made if start is None else np.add(made, start, out=made)


def product(w: Array, x: Array, zero: int) -> Int32:
    """int32 (m, n): `w` i8 (m, k) by the differences of `x` i8|u8 (k, n) to `zero`. Both are contiguous."""
    require_exact()
    return _product(w, x, zero)


def _product(w: Array, x: Array, zero: int) -> Int32:
    m, n = len(w), x.shape[1]
    made, words = np.empty((m, n), np.int32), _in_words(w)
    tail = last_rows(words, tile.WHOLE_ROWS)
    flip = 128 if x.dtype == np.int8 else 0
    panels, blocks = -(-n // tile.WHOLE_WIDTH), -(-m // tile.WHOLE_ROWS)

    def part(block: tuple[int, int], panel: tuple[int, int]) -> None:
        starts = np.zeros(blocks * tile.WHOLE_ROWS, np.int32)
        packed = np.empty((words.shape[1], tile.WHOLE_WIDTH), np.uint32)
        edge = np.empty((tile.WHOLE_ROWS, tile.WHOLE_WIDTH), np.int32)
        given = w, words, tail, x.view(np.uint8), flip, zero + flip
        tile.multiply(*given, block, panel, starts, packed, edge, made)

    expected = w.size * n / RATE[tile.GROUP]
    if panels >= blocks:
        spread(panels, lambda a, b: part((0, blocks), (a, b)), expected)
    else:
        spread(blocks, lambda a, b: part((a, b), (0, panels)), expected)
    return made


def _in_words(w: Array) -> Int32:
    """The weights (m, k) in words of GROUP along k, zeros after the last: (m, ⌈k ÷ GROUP⌉)."""
    m, k = w.shape
    kind, groups = WORDS[tile.GROUP], -(-k // tile.GROUP)
    if kind == np.int8 and k == groups * tile.GROUP:
        return w.view(np.int32)
    made = np.zeros((m, groups * tile.GROUP), kind)
    made[:, :k] = w
    return made.view(np.int32)


@cache
def require_exact() -> None:
    """Raises RuntimeError where the sums of largest magnitude, which no 16 bits hold, don't come out right."""
    k, rows = 64, tile.WHOLE_ROWS + 1
    for weight in (-128, 127):
        for low, high in ((-128, -128), (-128, 127), (127, 127)):
            x = np.full((k, tile.WHOLE_WIDTH + 1), low, np.int8)
            x[1::2] = high
            made = _product(np.full((rows, k), weight, np.int8), x, 3)
            if (made != weight * (k // 2) * (low + high - 6)).any():
                raise RuntimeError(f"the {level().name} kernels don't multiply exactly on this processor")


def _signed(x: Array, zero: int) -> tuple[Array, int]:
    """The same differences to the zero point as i8, contiguous."""
    x = np.ascontiguousarray(x)
    return (x, zero) if x.dtype == np.int8 else ((x ^ np.uint8(128)).view(np.int8), zero - 128)


@native
def _depthwise(
    x: Array, w: Array, zero: int, sh: int, sw: int, dh: int, dw: int, top: int, left: int, made: Array
) -> None:  # pragma: no cover
    n, c, h, width = x.shape
    _, kh, kw = w.shape
    _, _, oh, ow = made.shape
    for plane in range(n * c):
        ch = plane % c
        source, to = x[plane // c, ch], made[plane // c, ch]
        for i in range(kh):
            for j in range(kw):
                weight, shift = np.int32(w[ch, i, j]), j * dw - left
                offset = np.int32(zero) * weight
                first = max(0, (sw - 1 - shift) // sw)
                last = max(first, min(ow, (width - 1 - shift) // sw + 1))
                for y in range(oh):
                    row = y * sh + i * dh - top
                    if row < 0 or row >= h:
                        continue
                    read, sums = source[row, first * sw + shift :], to[y, first:last]
                    if sw == 1:
                        for z in range(sums.size):
                            sums[z] += weight * np.int32(read[z]) - offset
                    else:
                        for z in range(sums.size):
                            sums[z] += weight * np.int32(read[z * sw]) - offset
