"""Resampling from bytes to bytes."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.execute.site import IllegalRecord
from simulator.isa.table import DType
from tests.simulator.programs import Program

WEIGHTS = np.array([[2048, 0], [1536, 512], [512, 1536]], np.int32)
STARTS = np.array([2, 2, 3], np.int32)


def table(axis: int) -> np.ndarray:
    """Starts and 11-bit weights of three results, as they lie along rows or columns."""
    rows = np.column_stack([STARTS, WEIGHTS])
    return (rows if axis == 2 else rows.T)[None, None].copy()


@pytest.mark.parametrize("axis", [2, 3])
def test_sums_of_bytes_are_requantised(axis: int) -> None:
    x = np.random.default_rng(0).integers(-128, 128, (2, 11, 4, 4)).astype(np.int8)
    wide = x.astype(np.int64) - 3
    sums = sum(
        np.take(wide, STARTS - 1 + t, axis) * WEIGHTS[:, t].reshape((-1, 1) if axis == 2 else (1, -1)) for t in range(2)
    )
    expected = np.clip(((np.asarray(sums) + 1024) >> 11) + 5, -128, 127)
    program = Program("e8")
    source, held = program.load(program.feed(x)), program.everywhere(program.weight(table(axis)))
    out = program.local(expected.shape, DType.I8)
    program.do(
        "RESAMPLE", "sum", out=out, in_=source, table=held, axis=axis, first=1, zx=3, zy=5, multiplier=1, shift=11,
        low=-128, high=127,
    )  # fmt: skip
    program.store(out)
    assert np.array_equal(program.run()[0], expected)


def test_a_start_beyond_the_input_is_an_error() -> None:
    program = Program("e8")
    source = program.load(program.feed(np.zeros((1, 8, 4, 4), np.int8)))
    held = program.everywhere(program.weight(np.array([[[[0], [4]]]], np.int32)))
    program.do("RESAMPLE", "pick", out=program.local((1, 8, 2, 4), DType.I8), in_=source, table=held, axis=2)
    with pytest.raises(IllegalRecord, match=r"RESAMPLE table: index 0 to 4 of 4"):
        program.run()


def test_a_pick_has_no_weights() -> None:
    program = Program("e8")
    source = program.load(program.feed(np.zeros((1, 8, 4, 4), np.int8)))
    held = program.everywhere(program.weight(table(2)))
    program.do("RESAMPLE", "pick", out=program.local((1, 8, 3, 4), DType.I8), in_=source, table=held, axis=2)
    with pytest.raises(IllegalRecord, match=r"2 weights a result; a pick has none"):
        program.run()
