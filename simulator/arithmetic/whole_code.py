"""
The tile of integers: products of bytes, summed in int32 modulo 2^32, by vector code.

Weights and inputs come in words of GROUP values along k, inputs unsigned. Each level has an instruction, or several,
that adds the products of two such words to an int32 without saturating.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from simulator.arithmetic.tile import GROUP, LANES, WHOLE_ROWS, WHOLE_VECTORS, WHOLE_WIDTH
from simulator.arithmetic.vectors import NUMBER, at, everywhere, inlined, repeated, written

Array = NDArray[Any]

INT = ir.IntType(32)
SUMS = ir.VectorType(INT, LANES)
BITS = 32 // GROUP
"""Of a word, for each of its values."""


def _bytes(builder: Any, sums: Any, inputs: Any, weights: Any) -> Any:
    """Four bytes: VPDPBUSD, unsigned inputs by signed weights."""
    parts = ir.VectorType(ir.IntType(8), 4 * LANES)
    kind = ir.FunctionType(SUMS, (SUMS, parts, parts))
    name = f"llvm.x86.avx512.vpdpbusd.{32 * LANES}"
    return builder.call(
        _named(builder, kind, name), (sums, builder.bitcast(inputs, parts), builder.bitcast(weights, parts))
    )


def _halves(builder: Any, sums: Any, inputs: Any, weights: Any) -> Any:
    """Two halves of a word: VPMADDWD, whose sums of two such products can't overflow."""
    parts = ir.VectorType(ir.IntType(16), 2 * LANES)
    kind = ir.FunctionType(SUMS, (parts, parts))
    pairs = builder.bitcast(inputs, parts), builder.bitcast(weights, parts)
    return builder.add(sums, builder.call(_named(builder, kind, "llvm.x86.avx2.pmadd.wd"), pairs))


def _named(builder: Any, kind: Any, name: str) -> Any:
    """LLVM's function of that name."""
    return cast("Any", cgutils).get_or_insert_function(builder.module, kind, name)


def _words(builder: Any, sums: Any, inputs: Any, weights: Any) -> Any:
    """Whole words."""
    return builder.add(sums, builder.mul(inputs, weights))


DOTS: Mapping[int, Any] = {4: _bytes, 2: _halves, 1: _words}


def _tile(vectors: int) -> Any:
    """Machine code `made[r, :] = start[r] + w[r, k] · x[k, :]`, on addresses and, for two, bytes from row to row."""

    def emit(builder: Any, arguments: Sequence[Any]) -> None:
        made, made_row, w, w_row, x, start, depth = arguments
        weights = [builder.add(w, builder.mul(w_row, NUMBER(r))) for r in range(WHOLE_ROWS)]

        def vectors_at(base: Any) -> list[Any]:
            return [at(builder, SUMS, base, NUMBER(4 * LANES * v)) for v in range(vectors)]

        def step(k: Any, sums: Sequence[Any]) -> list[Any]:
            inputs = [builder.load(place, align=4) for place in vectors_at(builder.add(x, _scaled(builder, k)))]
            following: list[Any] = []
            for r, base in enumerate(weights):
                word = builder.load(at(builder, INT, base, builder.mul(k, NUMBER(4))), align=1)
                weight = everywhere(builder, word, LANES)
                for v, value in enumerate(inputs):
                    following.append(DOTS[GROUP](builder, sums[r * vectors + v], value, weight))
            return following

        firsts = [builder.load(at(builder, INT, start, NUMBER(4 * r)), align=4) for r in range(WHOLE_ROWS)]
        starts = [everywhere(builder, first, LANES) for first in firsts for _ in range(vectors)]
        sums = repeated(builder, depth, starts, step)
        for r in range(WHOLE_ROWS):
            row = builder.add(made, builder.mul(made_row, NUMBER(r)))
            for place, value in zip(vectors_at(row), sums[r * vectors : (r + 1) * vectors], strict=True):
                builder.store(value, place, align=4)

    def typed(_: Any, made: Any, made_row: Any, w: Any, w_row: Any, x: Any, start: Any, depth: Any) -> Any:
        return written(7, emit)

    return cast("Any", intrinsic)(typed)


def _scaled(builder: Any, k: Any) -> Any:
    """Bytes before row k of a panel."""
    return builder.mul(k, NUMBER(4 * WHOLE_WIDTH))


_one, _full = _tile(1), _tile(WHOLE_VECTORS)


@inlined
def _pack(x: Array, flip: int, first: int, last: int, panel: Array) -> None:  # pragma: no cover
    """The words of columns `first` to before `last` of `x` u8 (k, n), each byte changed by `flip`; zeros after them."""
    depth, count, bits = len(x), np.uintp(last - first), np.uint8(flip)
    for g in range(len(panel)):
        k = g * GROUP
        if GROUP == 4 and k + 4 <= depth:
            a, b, c, d = x[k, first:last], x[k + 1, first:last], x[k + 2, first:last], x[k + 3, first:last]
            for z in range(count):
                low = np.uint32(a[z] ^ bits) | np.uint32(b[z] ^ bits) << np.uint32(8)
                high = np.uint32(c[z] ^ bits) | np.uint32(d[z] ^ bits) << np.uint32(8)
                panel[g, z] = low | high << np.uint32(16)
        else:
            for z in range(count):
                panel[g, z] = np.uint32(0)
            for j in range(min(GROUP, depth - k)):
                row = x[k + j, first:last]
                for z in range(count):
                    panel[g, z] |= np.uint32(row[z] ^ bits) << np.uint32(j * BITS)
        for z in range(count, np.uintp(WHOLE_WIDTH)):
            panel[g, z] = np.uint32(0)


def multiply(
    w: Array, words: Array, tail: Array, x: Array, flip: int, zero: int, blocks: tuple[int, int],
    panels: tuple[int, int], starts: Array, panel: Array, edge: Array, made: Array,
) -> None:  # pragma: no cover  # fmt: skip
    """
    Make `made` int32 (m, n): the sums over k of `w` i8 (m, k) · (`x` u8 (k, n) ^ `flip` - `zero`).

    From the first of `blocks`, of WHOLE_ROWS results, to before the second; of `panels`, of WHOLE_WIDTH columns,
    likewise. `words` int32 (m, groups) are `w` in words; `tail` its last block if that isn't whole, with zeros after
    it. `starts` int32 (m rounded up to blocks), `panel` u32 (groups, WHOLE_WIDTH) and `edge` int32 (WHOLE_ROWS,
    WHOLE_WIDTH) are room to work in.
    """
    m, n = made.shape
    groups = words.shape[1]
    for p in range(panels[0], panels[1]):
        first, last = p * WHOLE_WIDTH, min((p + 1) * WHOLE_WIDTH, n)
        _pack(x, flip, first, last, panel)
        for block in range(blocks[0], blocks[1]):
            row = block * WHOLE_ROWS
            rows = min(WHOLE_ROWS, m - row)
            if p == panels[0]:
                for r in range(row, row + rows):
                    total = np.int32(0)
                    for k in range(w.shape[1]):
                        total += np.int32(w[r, k])
                    starts[r] = -zero * total
            begin = starts.ctypes.data + 4 * row
            weights = words.ctypes.data + 4 * row * groups if rows == WHOLE_ROWS else tail.ctypes.data
            if rows == WHOLE_ROWS and last - first == WHOLE_WIDTH:
                place = made.ctypes.data + 4 * (row * n + first)
                _full(place, 4 * n, weights, 4 * groups, panel.ctypes.data, begin, groups)
                continue
            if last - first <= LANES:
                _one(edge.ctypes.data, 4 * WHOLE_WIDTH, weights, 4 * groups, panel.ctypes.data, begin, groups)
            else:
                _full(edge.ctypes.data, 4 * WHOLE_WIDTH, weights, 4 * groups, panel.ctypes.data, begin, groups)
            for r in range(rows):
                for z in range(last - first):
                    made[row + r, first + z] = edge[r, z]
