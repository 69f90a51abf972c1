"""Ops of the GDMA, and those of either engine that only order."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.isa.semantics.form import BYTES, FAR, PLAIN, Meaning, Part, Worked
from simulator.isa.table import DType, Region

_ALIKE = "(n, c, h, w)"
_BUS = "max(wire bytes ÷ DDR bytes a cycle, local bytes ÷ (lanes touched · E)), rounded up; see Time"
_SAME = "the type and extents of `in`"

_ENDS = (
    "The last record of a stream, and of each subnet's stretch of it; it may stand nowhere else. It can carry a wait."
)

TRANSFERS: Mapping[str, Meaning] = {
    "LOAD": Meaning(
        {
            "out": Part(_ALIKE, PLAIN, "any", "where it goes; no element shares a place with another"),
            "in": Part(_ALIKE, PLAIN, "", "the same type and extents; a stride of 0 repeats, and is fetched once", FAR),
        },
        "`out = in`, bit for bit: strides on either side expand, turn, repeat or pick.",
        "§1",
        _BUS,
        Worked(
            "LOAD out=i8(1,64,3,9)@LOCAL+0/64,64,9,1 in=i8(1,64,3,9)@WEIGHT+0/1728,27,9,1",
            "⌈max(⌈1728/64⌉·64/68.256, 1728/(64·64))⌉",
        ),
    ),
    "STORE": Meaning(
        {
            "out": Part(
                _ALIKE, PLAIN, "", f"{_SAME}; no element shares a place with another", (Region.ACTIVATION, Region.IO)
            ),
            "in": Part(_ALIKE, PLAIN, "any", "where it comes from; a stride of 0 repeats"),
        },
        "`out = in`, bit for bit. WEIGHT is never written.",
        "§1",
        _BUS,
        Worked(
            "STORE out=i8(1,64,28,28)@ACTIVATION+0/100352,1568,28,1 in=i8(1,64,28,28)@LOCAL+0/832,832,28,1",
            "⌈max(64·⌈784/64⌉·64/68.256, 50176/(64·64))⌉",
        ),
    ),
    "GATHER": Meaning(
        {
            "out": Part(_ALIKE, PLAIN, "any", "the type of `in`"),
            "in": Part("those of out, but on the axis", PLAIN, "", "the rows that are picked from", FAR),
            "index": Part(_ALIKE, (DType.I32,), "", "a stride of 0 broadcasts", FAR),
        },
        """\
    i = index[…], or i + rows where it is negative, rows the extent of `in` on the axis
    out[…] = 0 ≤ i < rows ? in[… i on the axis …] : all bits 0""",
        "§5",
        "as LOAD's; on the bus are the elements, in runs that end where the index changes, and the indices",
        Worked(
            "GATHER out=f16(1,16,384,1)@LOCAL+0/768,768,2,2 in=f16(1,30522,384,1)@WEIGHT+0/23440896,768,2,2 "
            "index=i32(1,16,384,1)@IO+0/64,4,0,4 axis=1",
            "⌈max((16·⌈768/64⌉·64+⌈64/64⌉·64)/68.256, 12288/(16·64))⌉",
        ),
        limits={"axis": (0, 3)},
    ),
    "SCATTER": Meaning(
        {
            "out": Part("those of in, but on the axis", PLAIN, "any", "read, changed and written; the type of `in`"),
            "in": Part(_ALIKE, PLAIN, "", "updates", FAR),
            "index": Part(_ALIKE, (DType.I32,), "", "a stride of 0 broadcasts", FAR),
        },
        """\
For each place r of `in` on the axis in rising order, and all other indices of it:

    i = index[… r …], or i + rows where it is negative; i = i - first
    0 ≤ i < extent of out:    out[… i …] = f(out[… i …], in[… r …])          else nothing

f: `set` takes the update's bits; `add`, `mul`, `max`, `min` of floats in f32, each rounded to the type of `out`; of
integers in that type, which wraps. `first` and `rows` let `out` be a slice of a longer tensor that the indices
speak of.""",
        "§5",
        "as LOAD's; on the bus are the updates, in runs that end where the index changes, and the indices",
        Worked(
            "SCATTER.add out=f32(1,16,64,1)@LOCAL+0/256,256,4,4 in=f32(1,8,64,1)@ACTIVATION+0/2048,256,4,4 "
            "index=i32(1,8,64,1)@IO+0/32,4,0,4 axis=1 rows=16",
            "⌈max((8·⌈256/64⌉·64+⌈32/64⌉·64)/68.256, 2048/(8·64))⌉",
        ),
        limits={"axis": (0, 3)},
    ),
    "UNPACK": Meaning(
        {
            "out": Part(_ALIKE, BYTES, "any", "n·c·h·w bytes, in row-major order"),
            "in": Part("(1, 1, 1, bytes)", (DType.U8,), "", "the stream, stride 1", (Region.WEIGHT,)),
        },
        """\
The stream is of bits, the lowest of each byte first; a number's lowest bit comes first too. Every 16 bytes of `out`
(the last block may be shorter) are

    3 bits        k
    k = 7         each byte as it is, 8 bits
    else          each byte b, signed: u = b ≥ 0 ? 2·b : -2·b - 1;  u >> k ones, a zero, the low k bits of u

(Golomb-Rice codes.) A stream that ends too early, or has a u above 255, is a fault; what follows the last byte is
ignored.""",
        "§5",
        "as LOAD's: the stream's bytes on the bus, those of `out` in the lanes",
        Worked(
            "UNPACK out=i8(1,64,64,9)@LOCAL+0/576,576,9,1 in=u8(1,1,1,24576)@WEIGHT+0/24576,24576,24576,1",
            "⌈max(24576/68.256, 36864/(64·64))⌉",
        ),
    ),
    "SEND": Meaning(
        {},
        "Complete when all records of this GDMA's stream before it are. It stays: any other core may wait for it,\n"
        "once, often or never. It can carry a wait, and so tell of the TIU too.",
        "",
        "0: it occupies its engine for the setup alone",
    ),
    "WAIT": Meaning(
        {},
        "Held back until core `core` has completed its SEND number `count`, counted from 1 through its whole stream;\n"
        "a count of 0 or less waits for nothing. A program in which one waits for its own core's SEND, or for one\n"
        "that isn't there, is refused.",
        "",
        "0: it occupies its engine for the setup alone",
    ),
    "NOP": Meaning({}, "It serves to wait where no other record can.", "", "0"),
    "END": Meaning({}, _ENDS, "", "0"),
    "DMA_END": Meaning({}, _ENDS, "", "0: it occupies its engine for the setup alone"),
}  # fmt: skip
"""By op."""
