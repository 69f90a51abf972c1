"""
The instruction set as one table. Encoder, decoder, assembler, disassembler and `docs/isa.md` are made from it.

A record has 256 bytes, little endian: a header of 16 (op, function, flags, wait, tag), five operands of 40, ten 16-bit
parameters `u0…u9`, two f32 `lo`, `hi`, three 32-bit `i0…i2`. The table gives each op its operands in order and names
the parameters it uses; slots it doesn't name are zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, IntFlag


class DType(IntEnum):
    """Element types of operands; `NONE` marks an operand that isn't there."""

    F32 = 0
    BF16 = 1
    F16 = 2
    I8 = 3
    U8 = 4
    I32 = 5
    NONE = 255

    @property
    def itemsize(self) -> int:
        """Bytes an element."""
        return _SIZES[self]


_SIZES = {DType.F32: 4, DType.BF16: 2, DType.F16: 2, DType.I8: 1, DType.U8: 1, DType.I32: 4, DType.NONE: 0}


class Region(IntEnum):
    """Address spaces. Local addresses are bytes within a lane; the others are bytes from the region's start."""

    LOCAL = 0
    WEIGHT = 1
    ACTIVATION = 2
    IO = 3


class Engine(IntEnum):
    """The two in-order engines of a core."""

    TIU = 0
    GDMA = 1


class Flag(IntFlag):
    """Modes of a record."""

    NONE = 0

    ACC_IN = 1
    """Go on from the f32/i32 accumulators in operand `acc` instead of from the bias or the start value."""
    ACC_OUT = 2
    """Leave the accumulators in `acc` unfinished; `out` isn't written."""
    SCALAR_A = 4
    """ARITH, SELECT: a scalar takes the place of operand `a`."""
    SCALAR_B = 8
    """ARITH, SELECT: a scalar takes the place of operand `b`."""
    COUNT_PAD = 16
    """POOL avg: padding counts as taps."""


@dataclass(frozen=True)
class Param:
    """A named parameter in a slot of the record; `kind` is u16, i16, i32 or f32."""

    name: str
    slot: str
    kind: str
    meaning: str


@dataclass(frozen=True)
class Spec:
    """One op: its code, engine, operands in order (the result first), parameters, meaning, functions and flags."""

    code: int
    engine: Engine
    operands: tuple[str, ...]
    params: tuple[Param, ...]
    meaning: str
    functions: tuple[str, ...] = ()
    flags: Flag = Flag.NONE


def _u(*names: str) -> tuple[Param, ...]:
    return tuple(Param(name, f"u{i}", "u16", _MEANING[name]) for i, name in enumerate(names))


_MEANING = {
    "kh": "kernel rows", "kw": "kernel columns", "sh": "row stride", "sw": "column stride",
    "dh": "row dilation", "dw": "column dilation",
    "pt": "pad rows above", "pl": "pad columns left", "pb": "pad rows below", "pr": "pad columns right",
}  # fmt: skip

_WINDOW = _u("kh", "kw", "sh", "sw", "dh", "dw", "pt", "pl", "pb", "pr")
_CLAMP = (
    Param("low", "lo", "f32", "lowest result, in stored units"),
    Param("high", "hi", "f32", "highest result, in stored units"),
)
_ACC, _SCALARS = Flag.ACC_IN | Flag.ACC_OUT, Flag.SCALAR_A | Flag.SCALAR_B
_ZX = Param("zx", "i0", "i32", "zero point of the input, also the value of padding")
_ZERO = Param("zx", "i0", "i32", "zero point of the input")
_ZY = Param("zy", "i1", "i32", "zero point of the result")

ARITHMETIC = ("add", "sub", "mul", "div", "max", "min", "abs", "sqrt", "exp", "log", "tanh", "erf", "sin", "cos",
              "floor", "ceil", "round", "lt", "le", "eq", "bitand", "bitor", "bitxor", "shl", "shr", "mod", "fmod",
              "pow", "atan", "copy")  # fmt: skip
"""Functions of ARITH, in the order of their codes."""

BINARY = frozenset(("add", "sub", "mul", "div", "max", "min", "lt", "le", "eq", "bitand", "bitor", "bitxor", "shl",
                    "shr", "mod", "fmod", "pow"))  # fmt: skip
"""Those that take operand `b` too."""

WHOLE_ONLY = frozenset(("bitand", "bitor", "bitxor", "shl", "shr"))
"""Those on i32 alone."""

REAL_ONLY = frozenset(("sqrt", "exp", "log", "tanh", "erf", "sin", "cos", "floor", "ceil", "round", "atan"))
"""Those on f32 alone."""

SCATTERING = ("set", "add", "mul", "max", "min")
"""Functions of SCATTER, in the order of their codes."""

_AXIS = Param("axis", "u0", "u16", "the axis that indices count along: 0 to 3 for n, c, h, w")

SPECS: Mapping[str, Spec] = {
    "NOP": Spec(0, Engine.TIU, (), (), "nothing; carries a wait"),
    "END": Spec(1, Engine.TIU, (), (), "the last record of a TIU stream"),
    "CONV": Spec(
        2, Engine.TIU, ("out", "in", "filter", "params", "acc"), (*_WINDOW, _ZX, _ZY, *_CLAMP),
        "dense convolution of in (n, ic, h, w) by filter (1, oc, ic, kh·kw)", flags=_ACC,
    ),
    "DWCONV": Spec(
        3, Engine.TIU, ("out", "in", "filter", "params", "acc"), (*_WINDOW, _ZX, _ZY, *_CLAMP),
        "depthwise convolution of in (n, c, h, w) by filter (1, c, 1, kh·kw)", flags=_ACC,
    ),
    "MATMUL": Spec(
        4, Engine.TIU, ("out", "in", "filter", "params", "acc"), (_ZERO, _ZY, *_CLAMP),
        "matrix product of in (m, k) by filter (n, k), turned: columns in the lanes", flags=_ACC,
    ),
    "POOL": Spec(
        5, Engine.TIU, ("out", "in", "params"), (*_WINDOW, _ZERO, _ZY, *_CLAMP),
        "maximum or average of each window", ("max", "avg"), Flag.COUNT_PAD,
    ),
    "REDUCE": Spec(
        6, Engine.TIU, ("out", "in", "acc"),
        (
            Param("over_h", "u0", "u16", "1 if rows are reduced"), Param("over_w", "u1", "u16", "1 if columns are"),
            Param("shift", "u2", "u16", "requantise shift of an 8-bit sum, product or mean"),
            Param("zx", "u3", "i16", "zero point of the input"), Param("zy", "u4", "i16", "zero point of the result"),
            Param("multiplier", "i0", "i32", "requantise multiplier of the same"),
            Param("count", "i1", "i32", "elements reduced in all, over every step: what a mean divides by"),
            *_CLAMP,
        ),
        "maximum, minimum, sum, product or mean over rows and/or columns",
        ("max", "sum", "mean", "min", "prod"), _ACC,
    ),
    "ARITH": Spec(
        7, Engine.TIU, ("out", "a", "b"),
        (
            Param("scalar", "lo", "f32", "the scalar operand, if flagged"),
            Param("whole", "i0", "i32", "the same where the record is of i32"),
        ),
        "a function of one or two operands or scalars, computed in i32 or f32",
        ARITHMETIC, _SCALARS,
    ),
    "LUT": Spec(
        8, Engine.TIU, ("out", "in", "table", "which"), (),
        "for each byte the entry of a table, or of one of several",
    ),
    "RESCALE_ADD": Spec(
        9, Engine.TIU, ("out", "a", "b"),
        (
            Param("shift", "u0", "u16", "common shift"), Param("za", "u1", "i16", "zero point of a"),
            Param("zb", "u2", "i16", "zero point of b"), Param("zy", "u3", "i16", "zero point of the result"),
            Param("ma", "i0", "i32", "multiplier of a"), Param("mb", "i1", "i32", "multiplier of b"), *_CLAMP,
        ),
        "int8 sum with one shift and one rounding",
    ),
    "RESCALE_MUL": Spec(
        10, Engine.TIU, ("out", "a", "b"),
        (
            Param("shift", "u0", "u16", "requantise shift"), Param("za", "u1", "i16", "zero point of a"),
            Param("zb", "u2", "i16", "zero point of b"), Param("zy", "u3", "i16", "zero point of the result"),
            Param("multiplier", "i0", "i32", "requantise multiplier"), *_CLAMP,
        ),
        "int8 product, requantised",
    ),
    "CAST": Spec(
        11, Engine.TIU, ("out", "in"),
        (Param("zero", "i0", "i32", "zero point of the quantised side"), Param("scale", "lo", "f32", "its scale")),
        "quantise to an integer type, dequantise from one, or round to another float type",
    ),
    "COPY": Spec(12, Engine.TIU, ("out", "in"), (), "the same bytes at another place, in the same or in other lanes"),
    "BMATMUL": Spec(
        20, Engine.TIU, ("out", "a", "b", "acc", "params"),
        (
            Param("shift", "u0", "u16", "requantise shift"), Param("za", "u1", "i16", "zero point of a"),
            Param("zb", "u2", "i16", "zero point of b"), Param("zy", "u3", "i16", "zero point of the result"),
            Param("turned", "u4", "u16", "1: b is (batch, n, k, 1)"),
            Param("multiplier", "i0", "i32", "requantise multiplier"), *_CLAMP,
        ),
        "matrix products, batch by batch: rows in the lanes", flags=_ACC,
    ),
    "SELECT": Spec(
        13, Engine.TIU, ("out", "cond", "a", "b"),
        (
            Param("scalar_a", "lo", "f32", "in place of a, if flagged"),
            Param("scalar_b", "hi", "f32", "in place of b, if flagged"),
            Param("whole_a", "i0", "i32", "in place of a, if flagged, where the record is of i32"),
            Param("whole_b", "i1", "i32", "in place of b, if flagged, where the record is of i32"),
        ),
        "one of two operands or scalars, as a condition has it", flags=_SCALARS,
    ),
    "RESAMPLE": Spec(
        24, Engine.TIU, ("out", "in", "table"),
        (
            Param("axis", "u0", "u16", "2: rows, 3: columns"), Param("shift", "u1", "u16", "requantise shift"),
            Param("zx", "u2", "i16", "zero point of the input"), Param("zy", "u3", "i16", "zero point of the result"),
            Param("multiplier", "i0", "i32", "requantise multiplier"),
            Param("first", "i1", "i32", "the index that the input begins with, of those that the table speaks of"),
            *_CLAMP,
        ),
        "rows or columns anew: picked, or sums of neighbours by weights", ("pick", "sum"),
    ),
    "LOAD": Spec(32, Engine.GDMA, ("out", "in"), (), "global to local"),
    "STORE": Spec(33, Engine.GDMA, ("out", "in"), (), "local to global"),
    "GATHER": Spec(
        35, Engine.GDMA, ("out", "in", "index"), (_AXIS,),
        "global to local, each element from the row that an index names",
    ),
    "SCATTER": Spec(
        36, Engine.GDMA, ("out", "in", "index"),
        (
            _AXIS, Param("first", "i0", "i32", "the index that means the first row of out"),
            Param("rows", "i1", "i32", "rows of the whole tensor: what a negative index counts from"),
        ),
        "global into local, each element to the row that an index names", SCATTERING,
    ),
    "UNPACK": Spec(
        37, Engine.GDMA, ("out", "in"), (),
        "global to local, bytes from a packed stream",
    ),
    "SEND": Spec(
        38, Engine.GDMA, (), (), "tells the other cores, once it is complete, that all records of the stream before are"
    ),
    "WAIT": Spec(
        39, Engine.GDMA, (),
        (
            Param("core", "u0", "u16", "the core that sends, not this one"),
            Param("count", "i0", "i32", "which of its SENDs, counted from 1 through its whole stream"),
        ),
        "held back until that SEND of another core is complete",
    ),
    "DMA_END": Spec(34, Engine.GDMA, (), (), "the last record of a GDMA stream"),
}  # fmt: skip
"""Every op by name."""

BY_CODE: Mapping[int, str] = {spec.code: name for name, spec in SPECS.items()}
