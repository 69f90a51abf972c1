"""Assembler and disassembler, each the other's inverse, for every op of the table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.isa.record import Command, Operand, encode
from simulator.isa.table import SPECS, DType, Flag, Param, Region
from simulator.isa.text import AssemblyError, assemble, disassemble

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
    "f32": st.floats(width=32, allow_nan=False),
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
def test_text_reads_back_as_the_same_bytes(given_: list[Command]) -> None:
    records = encode(given_)
    lines = list(disassemble(records, ["conv"]))
    assert len(lines) == len(records)
    assert assemble(lines).tobytes() == records.tobytes()


def test_a_line_is_readable() -> None:
    line = "CONV wait=3 tag=1 flags=ACC_IN|ACC_OUT in=u8(1,64,8,8)@LOCAL+256/4096,64,8,1%3 kh=3 kw=3 zx=-1 high=6.5"
    (text,) = disassemble(assemble(["; a comment", "", line]))
    assert text == line
    (named,) = disassemble(assemble([line]), ["stem", "conv1"])
    assert named == f"{line}  ; conv1"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("CONVOLVE", "line 1: no op is called CONVOLVE"),
        ("POOL.min", "POOL has functions max, avg, not 'min'"),
        ("COPY.fast", r"COPY has functions \(none\), not 'fast'"),
        ("COPY kh=3", "COPY has no kh"),
        ("COPY wait=1 wait=2", "a name is given twice"),
        ("COPY in=i8(1,2)@LOCAL+0/1,1,1,1", "isn't four numbers"),
        ("COPY in=i8", "isn't type"),
        ("COPY in=i9(1,1,1,1)@LOCAL+0/1,1,1,1", "'I9' isn't one of F32"),
        ("COPY flags=FAST", "'FAST' isn't one of"),
        ("CONV kh=70000", "line 1: Python integer 70000 out of bounds for uint16"),
        ("CONV kh=x", "invalid literal"),
    ],
)
def test_a_bad_line_is_named(line: str, message: str) -> None:
    with pytest.raises(AssemblyError, match=message):
        assemble([line])
