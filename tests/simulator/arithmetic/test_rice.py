"""UNPACK's streams, against a reader that goes bit by bit through the text of the specification."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.codegen.compress import pack
from simulator.arithmetic.rice import BadStream, Bytes, unpacked
from simulator.execute.site import IllegalRecord
from simulator.isa.table import DType
from tests.simulator.programs import Program


def read(stream: Bytes, count: int) -> list[int]:
    """Signed numbers, as docs/numerics.md says."""

    def bits() -> Iterator[int]:
        for byte in stream.tolist():
            yield from (byte >> i & 1 for i in range(8))

    def number(width: int) -> int:
        return sum(next(source) << i for i in range(width))

    source, made, k = bits(), list[int](), 0
    for i in range(count):
        if i % 16 == 0:
            k = number(3)
        if k == 7:
            byte = number(8)
            made.append(byte - 256 if byte > 127 else byte)
            continue
        ones = 0
        while next(source):
            ones += 1
        u = (ones << k) + number(k)
        made.append(u // 2 if u % 2 == 0 else -(u + 1) // 2)
    return made


VALUES = st.one_of(
    st.lists(st.integers(-128, 127), min_size=1, max_size=70),
    st.lists(st.integers(-3, 3), min_size=1, max_size=200),
    st.lists(st.sampled_from([0, 0, 0, 0, -128, 127]), min_size=1, max_size=100),
)


@settings(max_examples=150)
@given(VALUES)
def test_what_was_packed_is_read_again(values: list[int]) -> None:
    """By the chip, and by the specification's own words."""
    stream = pack(np.array(values, np.int8).view(np.uint8))
    assert read(stream, len(values)) == values
    assert unpacked(stream, len(values)).view(np.int8).tolist() == values


@settings(max_examples=50)
@given(VALUES)
def test_no_stream_is_much_longer_than_its_bytes(values: list[int]) -> None:
    """Three bits for every block of 16 at most, rounded up to a byte."""
    blocks = -(-len(values) // 16)
    assert len(pack(np.array(values, np.int8).view(np.uint8))) <= -(-(8 * len(values) + 3 * blocks) // 8)


def test_small_weights_take_half_their_bytes() -> None:
    """Laplacian values with a mean size of 3."""
    values = np.random.default_rng(0).laplace(0, 3, 4096).round().clip(-127, 127).astype(np.int8)
    assert len(pack(values.view(np.uint8))) < 0.56 * len(values)


def test_a_stream_cut_short_is_an_error() -> None:
    """Not zeros, and not what lies behind."""
    stream = pack(np.arange(100, dtype=np.uint8))
    with pytest.raises(BadStream, match="doesn't hold 100"):
        unpacked(stream[:-3], 100)


def test_only_a_plain_stream_is_a_source() -> None:
    """A record whose source isn't a row of bytes is refused by name."""
    program = Program("e8")
    out = program.local((1, 4, 1, 8), DType.I8)
    program.do("UNPACK", out=out, in_=program.weight(np.zeros((1, 2, 1, 8), np.uint8)))
    with pytest.raises(IllegalRecord, match="isn't a stream"):
        program.run()
