"""Ops of the lanes' element units: one result for each element, window, row or table entry."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.isa.semantics.form import BYTES, FLOATS, PLAIN, Meaning, Part, Worked
from simulator.isa.table import DType

_ALIKE = "(n, c, h, w)"
_VECTORS = "n·⌈c/L⌉·⌈h·w/(E/size)⌉"
_SHIFT: Mapping[str, tuple[float, float] | str] = {"shift": (0, 62)}
_BROADCAST = "a stride of 0 broadcasts"

ELEMENTS: Mapping[str, Meaning] = {
    "ARITH": Meaning(
        {
            "out": Part(_ALIKE, PLAIN, "any", "of any type, whatever is computed in"),
            "a": Part(_ALIKE, PLAIN, "same", f"{_BROADCAST}; absent with SCALAR_A"),
            "b": Part(_ALIKE, PLAIN, "same", f"{_BROADCAST}; absent with SCALAR_B, and for functions of one operand"),
        },
        """\
The record is **of i32** if it has a tensor operand and all of them are I8, U8 or I32; else, and with two scalars,
it is **of f32**. It computes `v = f(a, b)`, for functions of one operand `f(a)`, in that type: of i32 each 8-bit
operand is sign- or zero-extended, and the scalar is `whole`; of f32 floats are widened, integers rounded to nearest
even, and the scalar is `scalar`. With both flags the scalar is both operands. Then

    out is a float type:           out = stored(f32(v))           an i32 is rounded to f32 first
    v is i32, out is an integer:   out = the low bits of v               it wraps
    v is f32, out is an integer:   out = v cut towards zero, saturated; NaN → 0

There are no zero points and no scales: quantised operands want RESCALE_ADD, RESCALE_MUL, LUT or CAST.""",
        "§6",
        f"{_VECTORS}·passes of the function, size of the widest of out, a and b",
        Worked(
            "ARITH.exp out=f32(1,192,16,1)@LOCAL+0/192,64,4,4 a=f32(1,192,16,1)@LOCAL+16384/192,64,4,4",
            "1·⌈192/64⌉·⌈16·1/(64/4)⌉·13",
        ),
    ),
    "SELECT": Meaning(
        {
            "out": Part(_ALIKE, PLAIN, "any", "of any type, whatever is chosen from"),
            "cond": Part(_ALIKE, PLAIN, "same", _BROADCAST),
            "a": Part(_ALIKE, PLAIN, "same", f"{_BROADCAST}; absent with SCALAR_A"),
            "b": Part(_ALIKE, PLAIN, "same", f"{_BROADCAST}; absent with SCALAR_B"),
        },
        """\
`v = cond ≠ 0 ? a : b`. A NaN isn't 0, and -0 is. The record is of i32 if those of a and b that are tensors are
integers (with two scalars, if cond is), else of f32; scalars are then `whole_a`, `whole_b`, or `scalar_a`,
`scalar_b`. What is chosen is converted and stored as ARITH does it.""",
        "§6",
        f"{_VECTORS}·2, size of the widest of out, cond, a and b",
        Worked(
            "SELECT flags=SCALAR_B out=f32(1,12,16,16)@LOCAL+0/1024,1024,64,4 "
            "cond=u8(1,12,16,16)@LOCAL+16384/256,256,16,1 a=f32(1,12,16,16)@LOCAL+32768/1024,1024,64,4 scalar_b=-1e9",
            "1·⌈12/64⌉·⌈16·16/(64/4)⌉·2",
        ),
    ),
    "LUT": Meaning(
        {
            "out": Part(_ALIKE, (*BYTES, *FLOATS), "any", "result"),
            "in": Part(_ALIKE, BYTES, "same", f"{_BROADCAST}"),
            "table": Part(
                "(1, 1, 1, 256), with which (1, 1, count, 256)", (*BYTES, *FLOATS), "each", "of the type of `out`"
            ),
            "which": Part(_ALIKE, (DType.U8,), "same", "the number of the table, below count; may be absent"),
        },
        """\
`out = table[in & 255]`, or with which `out = table[which, in & 255]`: `in` is read as an unsigned byte, so that -1
is entry 255. The bits of the entry are stored as they are. Each lane reads its own copy of the table. A which of
count or more is a fault.""",
        "§4",
        f"{_VECTORS}·2, with which ·3, size of the widest of out and in",
        Worked(
            "LUT out=u8(1,64,28,28)@LOCAL+0/832,832,28,1 in=u8(1,64,28,28)@LOCAL+16384/832,832,28,1 "
            "table=u8(1,1,1,256)@LOCAL+32768/256,256,256,1",
            "1·⌈64/64⌉·⌈28·28/(64/1)⌉·2",
        ),
    ),
    "RESCALE_ADD": Meaning(
        {
            "out": Part(_ALIKE, BYTES, "any", "sum"),
            "a": Part(_ALIKE, BYTES, "same", _BROADCAST),
            "b": Part(_ALIKE, BYTES, "same", _BROADCAST),
        },
        """\
In i64, one shift and one rounding for both terms; a negative `mb` subtracts:

    v = (a - za)·ma + (b - zb)·mb
    out = min(max((shift ? (v + 2^(shift-1)) >> shift : v) + zy, low), high)""",
        "§4",
        f"{_VECTORS}·2",
        Worked(
            "RESCALE_ADD out=i8(1,256,56,56)@LOCAL+0/12544,3136,56,1 a=i8(1,256,56,56)@LOCAL+16384/12544,3136,56,1 "
            "b=i8(1,256,56,56)@LOCAL+32768/12544,3136,56,1 low=-128.0 high=127.0",
            "1·⌈256/64⌉·⌈56·56/(64/1)⌉·2",
        ),
        limits=_SHIFT,
    ),
    "RESCALE_MUL": Meaning(
        {
            "out": Part(_ALIKE, BYTES, "any", "product"),
            "a": Part(_ALIKE, BYTES, "same", _BROADCAST),
            "b": Part(_ALIKE, BYTES, "same", _BROADCAST),
        },
        """\
In i64:

    v = (a - za)·(b - zb)
    r = shift ? (v·multiplier + 2^(shift-1)) >> shift : v·multiplier
    out = min(max(r + zy, low), high)""",
        "§4",
        f"{_VECTORS}·2",
        Worked(
            "RESCALE_MUL out=i8(1,64,28,28)@LOCAL+0/832,832,28,1 a=i8(1,64,28,28)@LOCAL+16384/832,832,28,1 "
            "b=i8(1,64,28,28)@LOCAL+32768/1,1,0,0 low=-128.0 high=127.0",
            "1·⌈64/64⌉·⌈28·28/(64/1)⌉·2",
        ),
        limits=_SHIFT,
    ),
    "CAST": Meaning(
        {
            "out": Part(_ALIKE, (*FLOATS, *BYTES), "any", "result"),
            "in": Part(_ALIKE, PLAIN, "same", f"{_BROADCAST}"),
        },
        """\
Which cast it is follows from the types; from an integer to an integer there is none.

    quantise, float → I8, U8:         s = rne(f32(f32(in) ÷ scale)), NaN → 0; out = saturated(f32(s + f32(zero)))
    dequantise, I8, U8, I32 → float:  d = in - zero, in i32, which wraps; out = stored(f32(f32(d) · scale))
    float → float:                    out = stored(f32(in)); zero and scale have no part in it

`scale` must be above 0 and finite where it has a part. A `zero` beyond ±2^24 isn't exact in f32.""",
        "§1",
        f"{_VECTORS}·passes: 5 to quantise, 2 to dequantise, 1 from float to float; size of the widest of out and in",
        Worked(
            "CAST out=i8(1,64,28,28)@LOCAL+0/832,832,28,1 in=f32(1,64,28,28)@LOCAL+16384/3136,3136,112,4 scale=0.1",
            "1·⌈64/64⌉·⌈28·28/(64/4)⌉·5",
        ),
        limits={"scale": "above 0, finite"},
    ),
    "COPY": Meaning(
        {
            "out": Part(_ALIKE, PLAIN, "any", "the type of `in`"),
            "in": Part(_ALIKE, PLAIN, "any", f"{_BROADCAST}"),
        },
        """\
Element by element the same bits at another place, with other strides, or from lane to lane: channel c goes from lane
(in's + c) mod L to lane (out's + c) mod L. Where the two places overlap, all is read before anything is written.""",
        "§1",
        "n·D·⌈h·w/(E/size)⌉, D = ⌈(lane + c)/L⌉ depths of the operand that begins at the later lane",
        Worked(
            "COPY out=i8(1,64,28,28)@LOCAL+0/1664,832,28,1%32 in=i8(1,64,28,28)@LOCAL+16384/832,832,28,1",
            "1·⌈(32+64)/64⌉·⌈28·28/(64/1)⌉·1",
        ),
    ),
}  # fmt: skip
"""By op."""
