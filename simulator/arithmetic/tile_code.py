"""
The tile of floats: products of matrices in the defined order, by vector code.

Every element of a tile is a chain of its own, one k after the other, so that a tile's size and place change no bit.
Multiplies and adds are separate instructions and no fast-math flag is set: nothing may be contracted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba.extending import intrinsic
from numpy.typing import NDArray

from simulator.arithmetic.tile import DEPTH, LANES, ROWS, VECTORS, WIDTH
from simulator.arithmetic.vectors import NUMBER, at, everywhere, inlined, repeated, written

Array = NDArray[Any]


def _tile(vectors: int) -> Any:
    """Machine code `made[r, :] += w[r, k] · x[k, :]`, k in order, on addresses and, for two, bytes from row to row."""
    vector = ir.VectorType(ir.FloatType(), LANES)

    def emit(builder: Any, arguments: Sequence[Any]) -> None:
        made, made_row, w, w_row, x, depth = arguments

        def rows_of_vectors(base: Any, row: Any) -> list[Any]:
            start = builder.add(base, row)
            return [at(builder, vector, start, NUMBER(4 * LANES * v)) for v in range(vectors)]

        places = [place for r in range(ROWS) for place in rows_of_vectors(made, builder.mul(made_row, NUMBER(r)))]
        weights = [builder.add(w, builder.mul(w_row, NUMBER(r))) for r in range(ROWS)]

        def step(k: Any, sums: Sequence[Any]) -> list[Any]:
            row = builder.mul(k, NUMBER(4 * WIDTH))
            inputs = [builder.load(place, align=4) for place in rows_of_vectors(x, row)]
            following: list[Any] = []
            for r, base in enumerate(weights):
                place = at(builder, ir.FloatType(), base, builder.mul(k, NUMBER(4)))
                weight = everywhere(builder, builder.load(place, align=4), LANES)
                for v, value in enumerate(inputs):
                    following.append(builder.fadd(sums[r * vectors + v], builder.fmul(weight, value)))
            return following

        starts = [builder.load(place, align=4) for place in places]
        for place, value in zip(places, repeated(builder, depth, starts, step), strict=True):
            builder.store(value, place, align=4)

    def typed(_: Any, made: Any, made_row: Any, w: Any, w_row: Any, x: Any, depth: Any) -> Any:
        return written(6, emit)

    return cast("Any", intrinsic)(typed)


_one, _two, _full = _tile(1), _tile(2), _tile(VECTORS)


@inlined
def _gather(
    image: Array, kh: int, kw: int, sh: int, sw: int, dh: int, dw: int, top: int, left: int, width: int,
    k: int, steps: int, first: int, last: int, panel: Array,
) -> None:  # pragma: no cover  # fmt: skip
    """Rows k to k + steps of the columns matrix, for pixels `first` to before `last`; zero beyond and in padding."""
    _, h, w = image.shape
    for step in range(steps):
        c, tap = divmod(k + step, kh * kw)
        i, j = divmod(tap, kw)
        shift = j * dw - left
        pixel, y, x = first, first // width, first % width
        while pixel < last:
            run, row, begin = min(width - x, last - pixel), y * sh + i * dh - top, x * sw + shift
            # Unsigned indices: signed ones are tested for counting from the end, and the copy isn't vector code.
            to, source = np.uintp(pixel - first), np.uintp(begin)
            if row < 0 or row >= h:
                for z in range(np.uintp(run)):
                    panel[step, to + z] = 0
            elif sw == 1 and begin >= 0 and begin + run <= w:
                for z in range(np.uintp(run)):
                    panel[step, to + z] = image[c, row, source + z]
            else:
                for z in range(run):
                    column = begin + z * sw
                    inside = column >= 0 and column < w
                    panel[step, pixel - first + z] = image[c, row, column] if inside else np.float32(0)
            pixel, y, x = pixel + run, y + 1, 0
        for z in range(last - first, WIDTH):
            panel[step, z] = 0


def accumulate(
    image: Array, kh: int, kw: int, sh: int, sw: int, dh: int, dw: int, top: int, left: int, width: int,
    w: Array, tail: Array, blocks: tuple[int, int], panels: tuple[int, int], panel: Array, edge: Array, made: Array,
) -> None:  # pragma: no cover  # fmt: skip
    """
    Add to `made` (m, pixels) the products of `w` (m, c·kh·kw) by the windows of `image` (c, h, w), `width` to a row.

    Taps in the order (c, kh, kw); a padded tap adds weight · 0. From the first of `blocks`, of ROWS results, to before
    the second; of `panels`, of WIDTH pixels, likewise. `tail` is the last block of `w` if that isn't whole, with zeros
    after it; `panel` f32 (DEPTH, WIDTH) and `edge` f32 (ROWS, WIDTH) are room to work in.
    """
    m, pixels = made.shape
    depth = w.shape[1]
    for p in range(panels[0], panels[1]):
        first, last = p * WIDTH, min(p * WIDTH + WIDTH, pixels)
        vectors = (last - first + LANES - 1) // LANES
        for k in range(0, depth, DEPTH):
            steps = min(DEPTH, depth - k)
            _gather(image, kh, kw, sh, sw, dh, dw, top, left, width, k, steps, first, last, panel)
            for block in range(blocks[0], blocks[1]):
                row, rows = block * ROWS, min(ROWS, m - block * ROWS)
                weights = (w.ctypes.data + 4 * row * depth if rows == ROWS else tail.ctypes.data) + 4 * k
                if rows == ROWS and last - first == WIDTH:
                    place = made.ctypes.data + 4 * (row * pixels + first)
                    _full(place, 4 * pixels, weights, 4 * depth, panel.ctypes.data, steps)
                    continue
                for r in range(rows):
                    for z in range(last - first):
                        edge[r, z] = made[row + r, first + z]
                if vectors == 1:
                    _one(edge.ctypes.data, 4 * WIDTH, weights, 4 * depth, panel.ctypes.data, steps)
                elif vectors == 2:
                    _two(edge.ctypes.data, 4 * WIDTH, weights, 4 * depth, panel.ctypes.data, steps)
                else:
                    _full(edge.ctypes.data, 4 * WIDTH, weights, 4 * depth, panel.ctypes.data, steps)
                for r in range(rows):
                    for z in range(last - first):
                        made[row + r, first + z] = edge[r, z]
