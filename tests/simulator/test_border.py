"""What goes in and comes out of a run, in the types that the model declares."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import host
from simulator.host import BadFeed
from simulator.isa.table import DType
from simulator.model_file import IO

WIDTHS = {"int8": DType.I8, "uint8": DType.U8, "int16": DType.I32, "uint16": DType.I32, "int32": DType.I32,
          "uint32": DType.I32, "int64": DType.I32, "uint64": DType.I32, "bool": DType.U8}  # fmt: skip
"""How integers and bools are stored."""
ROOM = {DType.I8: (-128, 127), DType.U8: (0, 255), DType.I32: (-(2**31), 2**31 - 1)}


def entry(declared: str, dtype: DType, **more: Any) -> IO:
    return IO("x", (2,), dtype, 0, declared=declared, **more)


@given(st.sampled_from(sorted(WIDTHS)), st.lists(st.integers(-(2**40), 2**40), min_size=2, max_size=2))
def test_integers_go_in_and_come_out_as_they_are_or_are_refused_by_name(declared: str, numbers: list[int]) -> None:
    io = entry(declared, WIDTHS[declared])
    low, high = ROOM[io.dtype] if declared != "bool" else (0, 1)
    if declared.startswith("u") or declared in ("int8", "int16"):
        limits = np.iinfo(declared)
        low, high = max(low, int(limits.min)), min(high, int(limits.max))
    fed = np.array(numbers, np.int64)
    if low <= min(numbers) <= max(numbers) <= high:
        found = host.real(io, host.stored(io, fed))
        assert (found.dtype, found.tolist()) == (np.dtype(declared), numbers)
    else:
        with pytest.raises(BadFeed, match=r"input 'x': -?[0-9]+ doesn't fit"):
            host.stored(io, fed)


def test_bools_are_bytes_of_0_and_1() -> None:
    io = entry("bool", DType.U8)
    stored = host.stored(io, np.array([True, False]))
    assert (stored.dtype, stored.tolist()) == (np.dtype(np.uint8), [1, 0])
    assert host.real(io, stored).tolist() == [True, False]
    assert host.described(io).type == "tensor(bool)"


@pytest.mark.parametrize("declared", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("dtype", [DType.F32, DType.BF16, DType.F16])
def test_floats_are_rounded_once_on_either_side(declared: str, dtype: DType) -> None:
    io = entry(declared, dtype)
    kind = np.dtype(ml_dtypes.bfloat16 if declared == "bfloat16" else declared)
    stored = host.stored(io, np.array([1.5, -0.25]).astype(kind))
    assert stored.astype(np.float32).tolist() == [1.5, -0.25]
    found = host.real(io, stored)
    assert (found.dtype, found.astype(np.float32).tolist()) == (kind, [1.5, -0.25])


def test_quantised_floats_of_another_type() -> None:
    io = entry("float16", DType.I8, scale=0.5, zero_point=3)
    stored = host.stored(io, np.array([1.0, -2.0], np.float16))
    assert stored.tolist() == [5, -1]
    assert host.real(io, stored).dtype == np.float16
    assert host.stored(io, np.array([5, -1], np.int8)).tolist() == [5, -1]


def test_floats_for_integers_are_refused() -> None:
    with pytest.raises(BadFeed, match="input 'x': type float32 isn't int64"):
        host.stored(entry("int64", DType.I32), np.zeros(2, np.float32))
    with pytest.raises(BadFeed, match="type int64 isn't float16 or float32"):
        host.stored(entry("float16", DType.F32), np.zeros(2, np.int64))
