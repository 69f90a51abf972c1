"""Assembler and disassembler, each the other's inverse, for every op of the table."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simulator.isa.parse import AssemblyError, assemble
from simulator.isa.record import RECORD, Command, Operand, encode
from simulator.isa.table import SPECS, DType, Flag, Param, Region
from simulator.isa.text import RAW, disassemble

U32, I32 = st.integers(0, 2**32 - 1), st.integers(-(2**31), 2**31 - 1)
FOUR = st.tuples(U32, U32, U32, U32)
OPERANDS = st.builds(
    Operand,
    U32,
    st.sampled_from([dtype for dtype in DType if dtype != DType.NONE]),
    FOUR,
    st.tuples(I32, I32, I32, I32),
    st.sampled_from(Region),
    st.integers(0, 255),
)
NUMBERS = {
    "u16": st.integers(0, 2**16 - 1),
    "i16": st.integers(-(2**15), 2**15 - 1),
    "i32": I32,
    "f32": st.floats(width=32),
}

EXTREMES: dict[str, list[float]] = {
    "u16": [0, 1, 2**16 - 1],
    "i16": [-(2**15), -1, 0, 2**15 - 1],
    "i32": [-(2**31), -1, 0, 2**31 - 1],
    "f32": [0.0, -0.0, 1e-45, 0.1, 3.4028235e38, float("inf"), float("-inf"), float("nan")],
}


def number(param: Param) -> st.SearchStrategy[float]:
    return NUMBERS[param.kind]


@st.composite
def commands(draw: st.DrawFn) -> Command:
    op = draw(st.sampled_from(sorted(SPECS)))
    spec = SPECS[op]
    operands = {name: draw(st.none() | OPERANDS) for name in spec.operands}
    params = {param.name: draw(number(param)) for param in spec.params}
    function = draw(st.sampled_from(spec.functions)) if spec.functions else ""
    flags = Flag(draw(st.integers(0, sum(Flag))))
    return Command(op, operands, params, function, flags, draw(U32), draw(U32))


@given(st.lists(commands(), max_size=4))
def test_text_reads_back_as_the_same_bytes_and_text(given_: list[Command]) -> None:
    records = encode(given_)
    lines = list(disassemble(records))
    assert len(lines) == len(records)
    assert assemble(lines).tobytes() == records.tobytes()
    assert list(disassemble(assemble(lines))) == lines
    assert assemble(disassemble(records, ["conv"])).tobytes() == records.tobytes()


@pytest.mark.parametrize("op", SPECS)
@settings(max_examples=30)
@given(st.data())
def test_every_op_with_all_it_takes(op: str, data: st.DataObject) -> None:
    """Every operand there, every parameter at an end of its range or near 0, every flag: no line is raw."""
    spec, extremes = SPECS[op], {kind: st.sampled_from(EXTREMES[kind]) for kind in NUMBERS}
    operands = {name: data.draw(OPERANDS) for name in spec.operands}
    params = {param.name: data.draw(extremes[param.kind]) for param in spec.params}
    function = data.draw(st.sampled_from(spec.functions or ("",)))
    records = encode([Command(op, operands, params, function, Flag(sum(Flag)), 2**32 - 1, 2**32 - 1)])
    (line,) = disassemble(records)
    assert line.startswith(f"{op}.{function} " if function else f"{op} ")
    assert assemble([line]).tobytes() == records.tobytes()


@given(st.binary(min_size=256, max_size=256))
@example(encode([Command("NOP", flags=Flag(64))]).tobytes())
@example(encode([Command("CONV")]).tobytes()[:236] + bytes.fromhex("010080ff") * 2 + bytes(12))
def test_any_bytes_read_back(raw: bytes) -> None:
    """Damaged records too: unknown codes, flags and types, slots that the op doesn't use, NaNs of other bits."""
    records = np.frombuffer(raw, RECORD)
    (line,) = disassemble(records)
    assert line.startswith(RAW)
    assert assemble([line]).tobytes() == raw


def test_a_line_is_readable() -> None:
    line = "CONV wait=3 tag=1 flags=ACC_IN|ACC_OUT in=u8(1,64,8,8)@LOCAL+256/4096,64,8,1%3 kh=3 kw=3 zx=-1 high=6.5"
    (text,) = disassemble(assemble(["; a comment", "", line]))
    assert text == line
    (named,) = disassemble(assemble([line]), ["stem", "conv1"])
    assert named == f"{line}  ; conv1"


@pytest.mark.parametrize(
    ("line", "column", "message"),
    [
        ("CONVOLVE", 1, "no op is called CONVOLVE; is CONV meant?"),
        ("  conv", 3, "no op is called conv; is CONV meant?"),
        ("POOL.median", 6, "POOL has no function median; max, avg"),
        ("POOL.maxx", 6, "POOL has no function maxx; is max meant?"),
        ("POOL kh=3", 6, "POOL needs a function: POOL.max, POOL.avg"),
        ("COPY.fast", 6, "COPY has no functions; leave .fast"),
        ("COPY kh=3", 6, "COPY has no kh; it has out, in"),
        ("CONV fitler=0", 6, "CONV has no fitler; is filter meant?"),
        ("END tog=3", 5, "END has no tog; it has nothing but wait, tag and flags"),
        ("COPY wait=1 wait=2", 13, "wait is given twice"),
        ("COPY wait", 6, "wait has no value; write wait=…"),
        ("COPY in=i8(1,2)@LOCAL+0/1,1,1,1", 12, "2 numbers are no extents n, c, h and w, which are four"),
        ("COPY in=i8(1,2,x,4)@LOCAL+0/1,1,1,1", 16, "'x' is no whole number; u32 takes 0 to 4294967295"),
        ("COPY in=i8(1,2,3,4)@LOCAL+0/1,1,1,9876543210", 35, "9876543210 doesn't fit i32"),
        ("COPY in=i8(1,2,3,4)@LOCAL+0/1,1,1,1%256", 37, "256 doesn't fit u8"),
        ("COPY in=i8", 9, r"'i8' isn't type\(n,c,h,w\)@REGION\+address/strides, such as"),
        ("COPY in=i9(1,1,1,1)@LOCAL+0/1,1,1,1", 9, "'i9' isn't one of f32, bf16"),
        ("COPY in=i8(1,1,1,1)@HERE+0/1,1,1,1", 21, "'HERE' isn't one of LOCAL, WEIGHT"),
        ("COPY flags=ACC_IN|FAST", 19, "'FAST' isn't one of"),
        ("CONV kh=70000", 9, "70000 doesn't fit u16, which takes 0 to 65535"),
        ("CONV kh=x", 9, "'x' is no whole number"),
        ("CONV low=1e39", 10, "1e39 is beyond f32; write inf or -inf if that is meant"),
        ("CONV low=x", 10, "'x' is no number; write it like 0.5"),
        ('CONV "low', 6, "the text in quotes doesn't end on its line"),
        (".raw 00", 1, "1 bytes; a record has 256"),
        (".raw xy", 6, "that isn't hexadecimal"),
    ],
)
def test_a_bad_line_is_named(line: str, column: int, message: str) -> None:
    with pytest.raises(AssemblyError, match=message) as caught:
        assemble(["; first", line])
    assert (caught.value.line, caught.value.column) == (2, column)
