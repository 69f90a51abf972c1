"""Pooling and reductions from bytes to bytes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from simulator.execute.site import IllegalRecord
from simulator.isa.table import DType, Flag
from tests.simulator.programs import DTYPES, Program

Array = NDArray[Any]
WINDOW: dict[str, Any] = {"kh": 3, "kw": 2, "sh": 2, "sw": 1, "dh": 1, "dw": 1, "pt": 1, "pl": 0, "pb": 1, "pr": 1}
FULL: dict[str, Any] = {"low": -128, "high": 127}
FREE: dict[str, Any] = {"low": -np.inf, "high": np.inf}


def windows(x: Array, fill: float) -> Array:
    """The taps of every window of `WINDOW`, (n, c, oh, ow, 6), padding as `fill`."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (0, 1)), constant_values=fill)
    seen = np.lib.stride_tricks.sliding_window_view(padded, (3, 2), (2, 3))[:, :, ::2]
    return seen.reshape(*seen.shape[:4], 6)


def test_maximum() -> None:
    x = np.random.default_rng(0).integers(-128, 0, (2, 19, 7, 5)).astype(np.int8)
    expected = windows(x, -128).max(-1)
    program = Program("e8")
    source, out = program.load(program.feed(x)), program.local(expected.shape, DType.I8)
    program.do("POOL", "max", out=out, in_=source, **WINDOW, low=-100, high=127)
    program.store(out)
    assert np.array_equal(program.run()[0], np.maximum(expected, -100))


@pytest.mark.parametrize("count_pad", [False, True])
def test_float_average(count_pad: bool) -> None:
    x = np.random.default_rng(0).integers(-50, 50, (1, 9, 7, 5)).astype(np.float32)
    taps = windows(np.ones_like(x), 1.0 if count_pad else 0.0).sum(-1)
    expected = windows(x, 0).sum(-1) / taps
    program = Program("e8")
    source, out = program.load(program.feed(x)), program.local(expected.shape, DType.F32)
    program.do("POOL", "avg", Flag.COUNT_PAD if count_pad else Flag.NONE, out=out, in_=source, **WINDOW, **FREE)
    program.store(out)
    assert np.array_equal(program.run()[0], expected.astype(np.float32))


@pytest.mark.parametrize("own", [False, True])
def test_int8_average_with_a_table_in_each_lane(own: bool) -> None:
    """Multiplier and shift by the number of taps; a lane uses its own table."""
    x = np.random.default_rng(0).integers(-128, 128, (1, 19, 7, 5)).astype(np.int8)
    counts = (2, 4, 3, 6)
    table = np.array([[n, round(2**24 / n), 24] for n in counts], np.int32).reshape(1, 1, 4, 3)
    lanes = np.repeat(table, 8, 1)
    if own:
        lanes[0, :, :, 1] //= np.arange(1, 9)[:, None]
    taps = windows(np.ones_like(x), 0).sum(-1)
    factors = np.zeros(7, np.int64)
    factors[list(counts)] = table[0, 0, :, 1]
    factor = factors[taps] // (np.arange(19) % 8 + 1 if own else np.ones(19, int))[:, None, None]
    sums = windows(x.astype(np.int64) - 5, 0).sum(-1)
    expected = np.clip(((sums * factor + (1 << 23)) >> 24) + 7, -128, 127)
    program = Program("e8")
    source, held = program.load(program.feed(x)), program.load(program.weight(lanes))
    out = program.local(expected.shape, DType.I8)
    params = replace(held, dims=(1, 1, 4, 3))
    program.do("POOL", "avg", out=out, in_=source, params=params, **WINDOW, **FULL, zx=5, zy=7)
    program.store(out)
    assert np.array_equal(program.run()[0], expected)


def test_an_average_without_its_count_is_an_error() -> None:
    program = Program("e8")
    source = program.load(program.feed(np.zeros((1, 8, 7, 5), np.int8)))
    table = program.everywhere(program.weight(np.array([[[[9, 1, 0]]]], np.int32)))
    program.do("POOL", "avg", out=program.local((1, 8, 4, 5), DType.I8), in_=source, params=table, **WINDOW, **FULL)
    with pytest.raises(IllegalRecord, match=r"TIU record 1: data: .*no row for windows"):
        program.run()


EXACT: dict[str, Any] = {"max": np.max, "min": np.min, "sum": np.sum, "prod": np.prod, "mean": np.mean}


@pytest.mark.parametrize("function", ["max", "min", "sum", "prod", "mean"])
@pytest.mark.parametrize("axes", [(2,), (3,), (2, 3)])
def test_a_reduction_in_slices_has_the_bits_of_the_whole(function: str, axes: tuple[int, ...]) -> None:
    """Rows, or else columns, in three records that carry an f32 accumulator; the order is row-major throughout."""
    x = np.random.default_rng(1).normal(size=(2, 11, 6, 9)).astype(np.float32)
    program = Program("e8")
    source = program.load(program.feed(x))
    over: dict[str, Any] = {"over_h": int(2 in axes), "over_w": int(3 in axes), **FREE}
    over["count"] = int(np.prod([x.shape[axis] for axis in axes]))
    dims = (2, 11, 1 if 2 in axes else 6, 1 if 3 in axes else 9)
    whole, sliced, acc = (program.local(dims, DType.F32) for _ in range(3))
    program.do("REDUCE", function, out=whole, in_=source, **over)
    axis = axes[0]
    for i, flags in enumerate((Flag.ACC_OUT, Flag.ACC_IN | Flag.ACC_OUT, Flag.ACC_IN)):
        step = x.shape[axis] // 3
        part = replace(
            source,
            addr=source.addr + i * step * source.strides[axis],
            dims=(2, 11, *(step if k == axis else x.shape[k] for k in (2, 3))),
        )
        program.do("REDUCE", function, flags, out=sliced, in_=part, acc=acc, **over)
    program.store(whole)
    program.store(sliced)
    one, other = program.run()
    assert one.tobytes() == other.tobytes()
    exact = EXACT[function](x.astype(np.float64), axis=axes, keepdims=True)
    assert np.allclose(one, exact, atol=1e-5)


@pytest.mark.parametrize("kind", [np.int32, np.int8, np.uint8])
@pytest.mark.parametrize("function", ["max", "min", "sum", "prod"])
def test_integers_wrap_in_32_bits(kind: Any, function: str) -> None:
    """Bytes keep their type for a maximum or minimum; sums and products are i32."""
    limits = np.iinfo(kind)
    x: NDArray[Any] = np.random.default_rng(2).integers(limits.min, limits.max, (1, 11, 6, 3), kind, endpoint=True)
    made = x.dtype if function in ("max", "min") else np.dtype(np.int32)
    program = Program("e8")
    source, out = program.load(program.feed(x)), program.local((1, 11, 1, 3), DTYPES[made])
    clamp: dict[str, Any] = {"low": float(limits.min), "high": float(limits.max)}
    program.do("REDUCE", function, out=out, in_=source, over_h=1, over_w=0, count=6, **clamp)
    program.store(out)
    with np.errstate(over="ignore"):
        exact = EXACT[function](x.astype(np.int64), axis=2, keepdims=True).astype(made)
    assert np.array_equal(program.run()[0], exact)


def test_int8_mean() -> None:
    x = np.random.default_rng(2).integers(0, 256, (1, 20, 7, 7)).astype(np.uint8)
    program = Program("e8")
    source, out = program.load(program.feed(x)), program.local((1, 20, 1, 1), DType.I8)
    requantise: dict[str, Any] = {"multiplier": round(2**30 / 49), "shift": 30, "zx": 128, "zy": -3, **FULL}
    program.do("REDUCE", "mean", out=out, in_=source, over_h=1, over_w=1, count=49, **requantise)
    program.store(out)
    sums = (x.astype(np.int64) - 128).sum((2, 3), keepdims=True)
    assert np.array_equal(program.run()[0], ((sums * round(2**30 / 49) + (1 << 29)) >> 30) - 3)
