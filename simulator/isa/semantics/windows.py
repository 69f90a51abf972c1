"""POOL, REDUCE and RESAMPLE: results of many elements each."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.isa.semantics.form import BYTES, FLOATS, PLAIN, Meaning, Part, Worked
from simulator.isa.table import DType

WINDOWS: Mapping[str, Meaning] = {
    "POOL": Meaning(
        {
            "out": Part("(n, c, oh, ow)", (*FLOATS, *BYTES), "any", "of bytes if `in` is, else a float type"),
            "in": Part("(n, c, h, w)", (*FLOATS, *BYTES), "same", "pixels"),
            "params": Part(
                "(1, 1, rows, 3)", (DType.I32,), "each", "avg of bytes: count, multiplier, shift; a row for each count"
            ),
        },
        """\
Taps lie as CONV's do; those that are padding are passed over. Kernel, stride, dilation and pads: see Windows.

max of 8-bit `in`, or of floats, widened to f32 (IEEE maximum: NaN wins, -0 < +0):

    v = the greatest tap                    of padding alone the least value of the type, or -∞
    out = stored(min(max(v, low), high))

avg of floats, widened to f32:

    s = +0.0; s = f32(s + tap)              row by row
    out = stored(min(max(f32(s ÷ f32(count)), low), high))

avg of 8-bit `in`:

    s = Σ (tap - zx)                        in i32
    m, shift = those of the row of params that has this window's count
    r = shift ? (s·m + 2^(shift-1)) >> shift : s·m                         in i64
    out = min(max(r + zy, low), high)

count is of the taps that aren't padding, with COUNT_PAD kh·kw. A count that no row has is a fault; where two rows
have one count, which of them is used isn't defined. `zx` and `zy` have no part in max.""",
        "§5",
        "n·⌈c/L⌉·⌈oh·ow/(E/size)⌉·(kh·kw + passes), passes 5 for avg of floats, 2 of bytes, 0 for max",
        Worked(
            "POOL.max out=u8(1,64,55,55)@LOCAL+0/3072,3072,55,1 in=u8(1,64,111,111)@LOCAL+65536/12352,12352,111,1 "
            "kh=3 kw=3 sh=2 sw=2 dh=1 dw=1 high=255.0",
            "1·⌈64/64⌉·⌈55·55/(64/1)⌉·(3·3+0)",
        ),
        limits={
            **dict.fromkeys(("kh", "kw", "sh", "sw", "dh", "dw"), (1, 65535)),
            **dict.fromkeys(("pt", "pl", "pb", "pr"), "below the reach"),
        },
    ),
    "REDUCE": Meaning(
        {
            "out": Part(
                "(n, c, 1 or h, 1 or w)", PLAIN, "any",
                "floats: a float type; 8-bit `in`: I8, U8 or I32; I32 `in`: I32; absent with ACC_OUT",
            ),
            "in": Part("(n, c, h, w)", PLAIN, "same", "what is reduced"),
            "acc": Part(
                "(n, c, 1 or h, 1 or w)", (DType.F32, DType.I32), "same",
                "accumulators, I32 of integers, F32 of floats; only with ACC_IN or ACC_OUT",
            ),
        },
        """\
The reduced extents of `out` and `acc` are 1; with neither over_h nor over_w nothing is reduced. The elements of a
result follow in row-major order, record after record. Integers, in i32, which wraps:

    s = ACC_IN ? acc : start                start: max -2^31, min 2^31 - 1, prod 1, sum and mean 0
    max, min:  s = max(s, x)                of stored values
    prod:      s = s · x                    of stored values: zx has no part in it
    sum, mean: s = s + (x - zx)             of I32 too
    ACC_OUT:      acc = s
    out is I32:   out = s                   a mean's too: it isn't divided; no clamp
    max, min:     out = min(max(s, low), high)
    else          r = shift ? (s·multiplier + 2^(shift-1)) >> shift : s·multiplier                in i64
                  out = min(max(r + zy, low), high)

Floats, widened to f32:

    s = ACC_IN ? acc : start                start: max -∞, min ∞, prod 1, sum and mean +0.0
    max, min IEEE maximum and minimum; sum, mean s = f32(s + x); prod s = f32(s · x)
    ACC_OUT:      acc = s
    v = mean ? f32(s ÷ f32(count)) : s
    out = stored(min(max(v, low), high))

An 8-bit mean's division is in its multiplier and shift. `count`, which a mean must have, is of all elements of a
result, over all records that add to it. `low` may not be above `high`, even where no clamp takes place.""",
        "§5",
        "n·⌈c/L⌉·⌈h·w/(E/size)⌉ over `in`, and over the result ·5 for a finished mean of floats, ·2 of bytes",
        Worked(
            "REDUCE.mean out=f32(1,64,1,1)@LOCAL+0/4,4,4,4 in=f32(1,64,28,28)@LOCAL+16384/3136,3136,112,4 "
            "over_h=1 over_w=1 count=784 low=-inf high=inf",
            "1·⌈64/64⌉·⌈28·28/(64/4)⌉+1·⌈64/64⌉·⌈1·1/(64/4)⌉·5",
        ),
        limits={"shift": (0, 62), "over_h": "0 or 1", "over_w": "0 or 1", "count": "1 or more for mean"},
    ),
    "RESAMPLE": Meaning(
        {
            "out": Part(
                "(n, c, oh, w) or (n, c, h, ow)", PLAIN, "any",
                "pick: the type of `in`; sum of floats: a float type; sum of integers: I32, I8 or U8",
            ),
            "in": Part("(n, c, h, w)", PLAIN, "same", "rows or columns from index `first` on"),
            "table": Part(
                "axis 2: (1, 1, oh, 1 + taps), axis 3: (1, 1, 1 + taps, ow)", (DType.I32,), "each",
                "for each result its first index, then its weights: integers, or the bits of f32; none for pick",
            ),
        },
        """\
Result o of the axis is made of the indices from `k = table[o, 0] - first` on; for columns the table lies turned, a
start and its weights below one another.

    pick:             out[o] = in[k], the same bits
    sum of floats:    s = +0.0; s = f32(s + f32(weight[t] · in[k + t])), t rising; out = stored(s)
    sum of integers:  s = Σ weight[t] · (in[k + t] - zx) in i32, which wraps
                      out is I32: out = s
                      else r = shift ? (s·multiplier + 2^(shift-1)) >> shift : s·multiplier
                           out = min(max(r + zy, low), high)

A tap of weight 0 is skipped, and may lie outside of `in`; any other that does is a fault.""",
        "§5",
        "n·⌈c/L⌉·⌈h·w/(E/size)⌉ of `out`, ·1 for pick, ·2·taps for sum, ·(2·taps + 2) with an 8-bit result",
        Worked(
            "RESAMPLE.sum out=f32(1,64,56,28)@LOCAL+0/6272,6272,112,4 in=f32(1,64,28,28)@LOCAL+16384/3136,3136,112,4 "
            "table=i32(1,1,56,3)@LOCAL+32768/672,672,12,4 axis=2",
            "1·⌈64/64⌉·⌈56·28/(64/4)⌉·2·2",
        ),
        limits={"axis": (2, 3), "shift": (0, 62)},
    ),
}  # fmt: skip
"""By op."""
