"""CONV, DWCONV, MATMUL and BMATMUL: sums of products."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.isa.semantics.form import BYTES, FLOATS, PLAIN, Meaning, Part, Worked
from simulator.isa.table import DType

_ZERO = "of the type of `in`; 0 for floats"
_WINDOW: Mapping[str, tuple[float, float] | str] = {
    **dict.fromkeys(("kh", "kw", "sh", "sw", "dh", "dw"), (1, 65535)),
    **dict.fromkeys(("pt", "pl", "pb", "pr"), "below the reach"),
    "zx": _ZERO,
}
_SUMS = (DType.F32, DType.I32)

_PARAMS = (
    "8-bit input: I32 bias, multiplier, shift (0 to 62) of each output channel; float input: F32 bias, +0.0 if absent"
)
_ACCUMULATORS = "accumulators, I32 for 8-bit input, F32 for float input; only with ACC_IN or ACC_OUT"
_FILTER = "I8 for 8-bit input, else the type of `in`"
_RESULT = "8-bit input: I8, U8 or I32; float input: a float type; absent with ACC_OUT"


def _steps(order: str, product: str, channel: str) -> str:
    return f"""\
8-bit `in`, in i32, which wraps:

    s = ACC_IN ? acc : 0
    s = s + {product}            for every tap that isn't padding, in any order
    ACC_OUT:      acc = s                   and the record is done: params isn't read
    a = s + bias{channel}
    out is I32:   out = a                   neither zy nor the clamp takes part
    out is 8-bit: r = shift ? (a·m + 2^(shift-1)) >> shift : a·m       in i64
                  out = min(max(r + zy, low), high)

Float `in`, operands widened to f32, `zx` 0:

    s = ACC_IN ? acc : bias{channel} or +0.0
    s = f32(s + f32(filter · in))           for every tap that isn't padding, in the order {order}
    ACC_OUT:      acc = s
    else          out = stored(min(max(s, low), high))

So a bias is the start of a float sum, and joins an integer sum when it is finished."""


_CONV = """\
The window of an output (y, x) puts tap (i, j) on row y·sh + i·dh - pt and column x·sw + j·dw - pl of `in`; a tap
outside of `in` is padding and adds nothing (its value is zx). See Windows for what kernel, stride, dilation and
pads may be.

"""

_MATRIX = "16-bit `in`: I/2 in the place of I."

CONTRACTIONS: Mapping[str, Meaning] = {
    "CONV": Meaning(
        {
            "out": Part("(n, oc, oh, ow)", PLAIN, "any", _RESULT),
            "in": Part("(n, ic, h, w)", (*FLOATS, *BYTES), "any", "pixels; each lane of `out` reads all channels"),
            "filter": Part("(1, oc, ic, kh·kw)", (*FLOATS, DType.I8), "same", _FILTER),
            "params": Part("(1, oc, 1, 3) or (1, oc, 1, 1)", _SUMS, "same", _PARAMS),
            "acc": Part("(n, oc, oh, ow)", _SUMS, "same", _ACCUMULATORS),
        },
        _CONV + _steps("(ic, i, j), ic outermost", "filter[o, ic, i·kw+j] · (in[n, ic, row, column] - zx)", "[o]"),
        "§2 and §3",
        "n·⌈oc/L⌉·⌈oh·ow/P⌉·R with R = ⌈ic·kh·kw/I⌉ if ic < I (taps fill the cube's inputs too), else ⌈ic/I⌉·kh·kw; "
        "f32: n·⌈oc/L⌉·⌈oh·ow/(E/4)⌉·ic·kh·kw. " + _MATRIX,
        Worked(
            "CONV out=u8(1,128,28,28)@LOCAL+0/1664,832,28,1 in=u8(1,128,28,28)@LOCAL+16384/1664,832,28,1 "
            "filter=i8(1,128,128,9)@LOCAL+32768/2304,1152,9,1 params=i32(1,128,1,3)@LOCAL+49152/128,64,12,4 "
            "kh=3 kw=3 sh=1 sw=1 dh=1 dw=1 pt=1 pl=1 pb=1 pr=1 high=255.0",
            "1·⌈128/64⌉·⌈28·28/4⌉·⌈128/64⌉·9",
        ),
        limits=_WINDOW,
    ),
    "DWCONV": Meaning(
        {
            "out": Part("(n, c, oh, ow)", PLAIN, "any", _RESULT),
            "in": Part("(n, c, h, w)", (*FLOATS, *BYTES), "same", "pixels"),
            "filter": Part("(1, c, 1, kh·kw)", (*FLOATS, DType.I8), "same", _FILTER),
            "params": Part("(1, c, 1, 3) or (1, c, 1, 1)", _SUMS, "same", _PARAMS),
            "acc": Part("(n, c, oh, ow)", _SUMS, "same", _ACCUMULATORS),
        },
        "CONV in which channel c of `out` is made of channel c of `in` alone.\n\n"
        + _CONV
        + _steps("(i, j)", "filter[c, i·kw+j] · (in[n, c, row, column] - zx)", "[c]"),
        "§2 and §3",
        "n·⌈c/L⌉·⌈oh·ow/(E/size)⌉·kh·kw, size the bytes of an element of `in`",
        Worked(
            "DWCONV out=u8(1,128,28,28)@LOCAL+0/1664,832,28,1 in=u8(1,128,28,28)@LOCAL+16384/1664,832,28,1 "
            "filter=i8(1,128,1,9)@LOCAL+32768/128,64,9,1 params=i32(1,128,1,3)@LOCAL+49152/128,64,12,4 "
            "kh=3 kw=3 sh=1 sw=1 dh=1 dw=1 pt=1 pl=1 pb=1 pr=1 high=255.0",
            "1·⌈128/64⌉·⌈28·28/(64/1)⌉·3·3",
        ),
        limits=_WINDOW,
    ),
    "MATMUL": Meaning(
        {
            "out": Part("(m, n, 1, 1)", PLAIN, "any", _RESULT),
            "in": Part("(m, k, 1, 1)", (*FLOATS, *BYTES), "any", "rows; each lane of `out` reads all of a row"),
            "filter": Part("(1, n, k, 1)", (*FLOATS, DType.I8), "same", _FILTER),
            "params": Part("(1, n, 1, 3) or (1, n, 1, 1)", _SUMS, "same", _PARAMS.replace("output channel", "column")),
            "acc": Part("(m, n, 1, 1)", _SUMS, "same", _ACCUMULATORS),
        },
        "The columns of the result are in the lanes, a row of `filter` each; k is cut by ACC_OUT and ACC_IN.\n\n"
        + _steps("k", "filter[column, k] · (in[row, k] - zx)", "[column]"),
        "§2 and §3",
        "⌈n/L⌉·⌈m/P⌉·⌈k/I⌉; f32: ⌈n/L⌉·⌈m/(E/4)⌉·k. " + _MATRIX,
        Worked(
            "MATMUL out=i8(128,384,1,1)@LOCAL+0/6,1,1,1 in=i8(128,384,1,1)@LOCAL+16384/6,1,1,1 "
            "filter=i8(1,384,384,1)@LOCAL+32768/2304,384,1,1 params=i32(1,384,1,3)@LOCAL+49152/384,64,12,4 "
            "low=-128.0 high=127.0",
            "⌈384/64⌉·⌈128/4⌉·⌈384/64⌉",
        ),
        limits={"zx": _ZERO},
    ),
    "BMATMUL": Meaning(
        {
            "out": Part(
                "(batch, m, n, 1)", PLAIN, "any", "8-bit operands: I8, U8, I32 or F32; floats: a float type"
            ),
            "a": Part("(batch, m, k, 1)", (*FLOATS, *BYTES), "same", "rows, one to a channel"),
            "b": Part(
                "(batch, k, n, 1), turned (batch, n, k, 1)", (*FLOATS, *BYTES), "any",
                "columns, which each lane reads all of; of bytes as `a` is, or of floats, in any mixture of types",
            ),
            "acc": Part("(batch, m, n, 1)", _SUMS, "same", _ACCUMULATORS.replace("input", "operands")),
            "params": Part(
                "(1, n, 1, 3) or (1, n, 1, 1)", _SUMS, "any",
                "I32 bias, multiplier and shift of each column for 8-bit operands, F32 bias for floats; may be absent",
            ),
        },
        """\
The rows of the result are in the lanes. 8-bit operands, in i32, which wraps:

    s = ACC_IN ? acc : 0
    s = s + (a[row, k] - za) · (b[k, column] - zb)            for every k, in any order
    ACC_OUT:      acc = s
    bias, m, shift = params ? those of the column : 0, multiplier, shift
    v = s + bias
    out is I32:   out = v
    out is F32:   out = min(max(f32(f32(v) · f32(m · 2^-shift)), low), high)
    out is 8-bit: r = shift ? (v·m + 2^(shift-1)) >> shift : v·m                   in i64
                  out = min(max(r + zy, low), high)

Floats, widened to f32, za = zb = 0:

    s = ACC_IN ? acc : bias[column] or +0.0
    s = f32(s + f32(a · b))                 for k in rising order
    ACC_OUT:      acc = s
    else          out = stored(min(max(s, low), high))""",
        "§2 and §3",
        "batch·⌈m/L⌉·⌈n/P⌉·⌈k/I⌉; f32: batch·⌈m/L⌉·⌈n/(E/4)⌉·k. 16-bit `a`: I/2 in the place of I.",
        Worked(
            "BMATMUL out=i32(12,128,128,1)@LOCAL+0/1024,512,4,4 a=i8(12,128,32,1)@LOCAL+16384/64,32,1,1 "
            "b=i8(12,128,32,1)@LOCAL+32768/64,32,1,1 turned=1",
            "12·⌈128/64⌉·⌈128/4⌉·⌈32/64⌉",
        ),
        limits={
            "shift": (0, 62),
            "turned": "0 or 1",
            **dict.fromkeys(("za", "zb"), "of the operand's type; 0 for floats"),
        },
    ),
}  # fmt: skip
"""By op."""
