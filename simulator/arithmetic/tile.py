"""
Products of matrices in the defined order, by register tiles of vector code.

Every element of a tile is a chain of its own, one k after the other, so that a tile's size and place change no bit.
Multiplies and adds are separate instructions and no fast-math flag is set: nothing may be contracted.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from llvmlite import binding, ir
from numba import intp, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from simulator.arithmetic.compiled import compiled

Array = NDArray[Any]

WIDE = bool(cast("dict[str, bool]", binding.get_host_cpu_features()).get("avx512f", False))
LANES = 16 if WIDE else 8
"""Floats in a vector register."""
ROWS, VECTORS = (6 if WIDE else 4), 3
WIDTH = VECTORS * LANES
"""A tile is ROWS × WIDTH: its sums, one row of inputs and a weight fill the registers."""
DEPTH = 1024
"""Steps of k between which sums go back to memory, so that a panel of inputs stays in the cache."""


def _tile(vectors: int) -> Any:
    """Machine code `made[r, :] += w[r, k] · x[k, :]`, k in order, on addresses and, for two, bytes from row to row."""

    def typed(_: Any, made: Any, made_row: Any, w: Any, w_row: Any, x: Any, depth: Any) -> Any:
        def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            _emit(builder, vectors, *arguments)
            return context.get_dummy_value()

        return types.void(*(intp,) * 6), code

    return cast("Any", intrinsic)(typed)


def _emit(builder: Any, vectors: int, made: Any, made_row: Any, w: Any, w_row: Any, x: Any, depth: Any) -> None:
    vector, number = ir.VectorType(ir.FloatType(), LANES), ir.IntType(64)

    def at(kind: Any, base: Any, offset: Any) -> Any:
        return builder.inttoptr(builder.add(base, offset), kind.as_pointer())

    def rows_of_vectors(base: Any, row: Any) -> list[Any]:
        start = builder.add(base, row)
        return [at(vector, start, number(4 * LANES * v)) for v in range(vectors)]

    places = [place for r in range(ROWS) for place in rows_of_vectors(made, builder.mul(made_row, number(r)))]
    starts = [builder.load(place, align=4) for place in places]
    weights = [builder.add(w, builder.mul(w_row, number(r))) for r in range(ROWS)]
    before = builder.block
    loop, after = builder.append_basic_block("step"), builder.append_basic_block("done")
    builder.branch(loop)
    builder.position_at_end(loop)
    k, sums = builder.phi(number), [builder.phi(vector) for _ in starts]
    inputs = [builder.load(p, align=4) for p in rows_of_vectors(x, builder.mul(k, number(4 * WIDTH)))]
    following: list[Any] = []
    for r, row in enumerate(weights):
        weight = _everywhere(builder, builder.load(at(ir.FloatType(), row, builder.mul(k, number(4))), align=4))
        for v, value in enumerate(inputs):
            following.append(builder.fadd(sums[r * vectors + v], builder.fmul(weight, value)))
    step = builder.add(k, number(1))
    builder.cbranch(builder.icmp_signed("<", step, depth), loop, after)
    for phi, first, later in zip([k, *sums], [number(0), *starts], [step, *following], strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(later, loop)
    builder.position_at_end(after)
    for place, value in zip(places, following, strict=True):
        builder.store(value, place, align=4)


def _everywhere(builder: Any, value: Any) -> Any:
    """A vector whose every lane is the value."""
    vector = ir.VectorType(ir.FloatType(), LANES)
    nothing = ir.Constant(vector, cast("Any", None))
    one = builder.insert_element(nothing, value, ir.IntType(32)(0))
    return builder.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


_tile_1, _tile_2, _tile_3 = (_tile(vectors) for vectors in (1, 2, 3))


@compiled
def accumulate(
    image: Array, kh: int, kw: int, sh: int, sw: int, dh: int, dw: int, top: int, left: int, width: int,
    w: Array, blocks: tuple[int, int], panels: tuple[int, int], made: Array,
) -> None:  # pragma: no cover  # fmt: skip
    """
    Add to `made` (m, pixels) the products of `w` (m, c·kh·kw) by the windows of `image` (c, h, w), `width` to a row.

    Taps in the order (c, kh, kw); a padded tap adds weight · 0. From the first of `blocks`, of ROWS results, to before
    the second; of `panels`, of WIDTH pixels, likewise.
    """
    m, pixels = made.shape
    depth = w.shape[1]
    tail = np.zeros((ROWS, depth), np.float32)
    for r in range(m % ROWS):
        for k in range(depth):
            tail[r, k] = w[m - m % ROWS + r, k]
    panel, edge = np.empty((DEPTH, WIDTH), np.float32), np.empty((ROWS, WIDTH), np.float32)
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
                    _tile_3(
                        made.ctypes.data + 4 * (row * pixels + first),
                        4 * pixels,
                        weights,
                        4 * depth,
                        panel.ctypes.data,
                        steps,
                    )
                    continue
                for r in range(rows):
                    for z in range(last - first):
                        edge[r, z] = made[row + r, first + z]
                if vectors == 1:
                    _tile_1(edge.ctypes.data, 4 * WIDTH, weights, 4 * depth, panel.ctypes.data, steps)
                elif vectors == 2:
                    _tile_2(edge.ctypes.data, 4 * WIDTH, weights, 4 * depth, panel.ctypes.data, steps)
                else:
                    _tile_3(edge.ctypes.data, 4 * WIDTH, weights, 4 * depth, panel.ctypes.data, steps)
                for r in range(rows):
                    for z in range(last - first):
                        made[row + r, first + z] = edge[r, z]


@compiled
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
