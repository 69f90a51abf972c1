"""Operands as boxes of runs: the same bytes as counted one by one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from simulator.checks.boxes import boxes
from simulator.isa.record import Command, Operand, encode
from simulator.isa.table import DType, Region
from simulator.layout import Frame, Strides
from tests.simulator.checks.oracle import bytes_of

LANES = 8


@st.composite
def operands(draw: st.DrawFn) -> Operand:
    extent, step = st.integers(1, 4), st.sampled_from((0, 1, 2, 3, 7, 12, 40, -2, -12))
    n, c, h, w = draw(extent), draw(st.integers(1, 20)), draw(extent), draw(extent)
    region = draw(st.sampled_from((Region.LOCAL, Region.IO)))
    dims: Frame = n, c, h, w
    strides: Strides = draw(st.tuples(step, step, step, step))
    lane = draw(st.integers(0, LANES - 1)) if region == Region.LOCAL else 0
    return Operand(1000, draw(st.sampled_from((DType.I8, DType.F16))), dims, strides, region, lane)


@given(operands())
def test_the_bytes_are_those_of_every_element(operand: Operand) -> None:
    slots = encode([Command("COPY", {"out": operand, "in": operand})])["operands"][0, :1]
    made = boxes(slots, LANES)
    assert made.at.tolist() == [0, len(made.start)]
    base = operand.region << 8
    found = {
        ((base + lane) << 40) + byte
        for i in range(len(made.start))
        for lane in range(made.first[i], made.last[i])
        for first in starts(int(made.start[i]), made.extents[i].tolist(), made.steps[i].tolist())
        for byte in range(first, first + int(made.length[i]))
    }
    assert found == bytes_of(operand, LANES)


def starts(first: int, extents: list[int], steps: list[int]) -> Iterator[int]:
    for index in product(*map(range, extents)):
        yield first + sum(i * step for i, step in zip(index, steps, strict=True))
