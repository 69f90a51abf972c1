"""Contractions from bytes to bytes, against sums written out in int64."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulator.execute.site import IllegalRecord
from simulator.isa.record import Operand
from simulator.isa.table import DType, Flag
from tests.simulator.programs import DTYPES, Frame, Program

Array = NDArray[Any]
WINDOW: dict[str, Any] = {"kh": 1, "kw": 1, "sh": 1, "sw": 1, "dh": 1, "dw": 1, "pt": 0, "pl": 0, "pb": 0, "pr": 0}
FULL: dict[str, Any] = {"low": -128, "high": 127}


def convolved(x: Array, w: Array, window: dict[str, Any], depthwise: bool) -> Array:
    """int64 sums of `x` (n, ic, h, w), zero-centred, by `w` (oc, ic, kh, kw)."""
    sh, sw, dh, dw = (window[name] for name in ("sh", "sw", "dh", "dw"))
    x = np.pad(x, ((0, 0), (0, 0), (window["pt"], window["pb"]), (window["pl"], window["pr"])))
    kh, kw = w.shape[2:]
    oh, ow = (x.shape[2] - dh * (kh - 1) - 1) // sh + 1, (x.shape[3] - dw * (kw - 1) - 1) // sw + 1
    made = np.zeros((x.shape[0], w.shape[0], oh, ow), np.int64)
    for i in range(kh):
        for j in range(kw):
            part = x[:, :, i * dh : i * dh + sh * (oh - 1) + 1 : sh, j * dw : j * dw + sw * (ow - 1) + 1 : sw]
            made += (
                part * w[:, 0, i, j][:, None, None] if depthwise else np.einsum("nchw,oc->nohw", part, w[:, :, i, j])
            )
    return made


def requantised(sums: Array, params: Array, zy: int) -> Array:
    """(sums + bias)·m ÷ 2^s, halves up, then + zy, saturated to i8; params (1, oc, 1, 3)."""
    bias, m, s = (params[..., k : k + 1].astype(np.int64) for k in range(3))
    return np.clip((((sums + bias) * m + (1 << s >> 1)) >> s) + zy, -128, 127).astype(np.int8)


def random_params(rng: np.random.Generator, channels: int, terms: int) -> Array:
    """Biases, multipliers and shifts that bring sums of so many products to about eight bits."""
    bias = rng.integers(-5000, 5000, channels)
    multiplier = rng.integers(1 << 29, 1 << 30, channels)
    shift = rng.integers(36, 38, channels) + int(np.log2(terms)) // 2
    return np.stack([bias, multiplier, shift], -1).astype(np.int32).reshape(1, channels, 1, 3)


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[dict[str, Any], Frame, int, bool, str]:
    """A window, an input frame that it fits in, output channels, depthwise, and the chip."""
    window = {name: draw(st.integers(1, 3)) for name in ("kh", "kw", "sh", "sw", "dh", "dw")}
    reach = {axis: window[f"d{axis}"] * (window[f"k{axis}"] - 1) + 1 for axis in "hw"}
    window |= {f"p{side}": draw(st.integers(0, reach["h" if side in "tb" else "w"] - 1)) for side in "tlbr"}
    h, w = (draw(st.integers(reach[axis], reach[axis] + 5)) for axis in "hw")
    n, ic, oc, depthwise = (
        draw(st.integers(1, 2)),
        draw(st.integers(1, 20)),
        draw(st.integers(1, 20)),
        draw(st.booleans()),
    )
    return window, (n, ic, h, w), ic if depthwise else oc, depthwise, draw(st.sampled_from(["e8", "e16", "x64"]))


@settings(max_examples=60)
@given(convolutions(), st.integers(-128, 127), st.integers(-20, 20), st.integers(0, 1 << 30))
def test_int8_convolution(case: tuple[dict[str, Any], Frame, int, bool, str], zx: int, zy: int, seed: int) -> None:
    window, dims, oc, depthwise, chip = case
    rng = np.random.default_rng(seed)
    depth = 1 if depthwise else dims[1]
    x = rng.integers(-128, 128, dims).astype(np.int8)
    w = rng.integers(-127, 128, (1, oc, depth, window["kh"] * window["kw"])).astype(np.int8)
    params = random_params(rng, oc, w[0, 0].size)
    weights = w.reshape(oc, depth, window["kh"], window["kw"]).astype(np.int64)
    expected = requantised(convolved(x.astype(np.int64) - zx, weights, window, depthwise), params, zy)
    program = Program(chip)
    source, filter_, rows = (
        program.load(program.feed(x)),
        program.load(program.weight(w)),
        program.load(program.weight(params)),
    )
    out = program.local(expected.shape, DType.I8)
    op = "DWCONV" if depthwise else "CONV"
    program.do(op, out=out, in_=source, filter=filter_, params=rows, zx=zx, zy=zy, **window, **FULL)
    program.store(out)
    assert np.array_equal(program.run()[0], expected)


@settings(max_examples=25)
@given(convolutions(), st.integers(0, 1 << 30), st.sampled_from([DType.F32, DType.BF16, DType.F16]))
def test_float_convolution_of_small_whole_numbers(
    case: tuple[dict[str, Any], Frame, int, bool, str], seed: int, kind: DType
) -> None:
    window, dims, oc, depthwise, chip = case
    rng = np.random.default_rng(seed)
    depth = 1 if depthwise else dims[1]
    program = Program(chip)
    numpy = next(dtype for dtype, name in DTYPES.items() if name == kind)
    x = rng.integers(-2, 3, dims).astype(numpy)
    w = rng.integers(-1, 2, (1, oc, depth, window["kh"] * window["kw"])).astype(numpy)
    bias = rng.integers(-9, 10, (1, oc, 1, 1)).astype(np.float32)
    weights = w.reshape(oc, depth, window["kh"], window["kw"]).astype(np.int64)
    sums = convolved(x.astype(np.int64), weights, window, depthwise)
    with_bias = bool(rng.integers(2))
    expected = np.maximum(sums + bias * with_bias, 0)
    source, filter_ = program.load(program.feed(x)), program.load(program.weight(w))
    start = program.load(program.weight(bias)) if with_bias else None
    out = program.local(expected.shape, kind)
    op = "DWCONV" if depthwise else "CONV"
    program.do(op, out=out, in_=source, filter=filter_, params=start, **window, low=0.0, high=float("inf"))
    program.store(out)
    assert np.array_equal(program.run()[0].astype(np.float64), expected.astype(numpy).astype(np.float64))


def channels(operand: Operand, first: int, last: int, program: Program) -> Operand:
    """Channels of a local tensor, first at a multiple of the lanes."""
    n, _, h, w = operand.dims
    depth = first // program.chip.lanes
    return replace(operand, addr=operand.addr + depth * operand.strides[1], dims=(n, last - first, h, w))


def depths(operand: Operand, first: int, last: int) -> Operand:
    """Input channels (axis h) of a local filter."""
    n, c, _, w = operand.dims
    return replace(operand, addr=operand.addr + first * operand.strides[2], dims=(n, c, last - first, w))


@pytest.mark.parametrize("real", [False, True])
def test_a_sum_in_slices_has_the_bits_of_the_whole(real: bool) -> None:
    """ACC_OUT leaves sums without bias (int8), ACC_IN goes on from them; floats keep their order."""
    rng = np.random.default_rng(3)
    program = Program("e8")
    window: dict[str, Any] = WINDOW | {"kh": 3, "kw": 3, "pt": 1, "pl": 1, "pb": 1, "pr": 1}
    x, w = rng.normal(size=(1, 24, 6, 5)).astype(np.float32), rng.normal(size=(1, 10, 24, 9)).astype(np.float32)
    params: Array = rng.normal(size=(1, 10, 1, 1)).astype(np.float32)
    clamp: dict[str, Any] = {"low": -15, "high": 25}
    if not real:
        x, w = (x * 40).astype(np.int8), (w * 40).astype(np.int8)
        params, clamp = random_params(rng, 10, 216), dict(FULL)
    source, filter_, rows = (
        program.load(program.feed(x)),
        program.load(program.weight(w)),
        program.load(program.weight(params)),
    )
    kind = source.dtype
    whole, sliced = program.local((1, 10, 6, 5), kind), program.local((1, 10, 6, 5), kind)
    acc = program.local((1, 10, 6, 5), DType.F32 if real else DType.I32)
    given_: dict[str, Any] = {**window, **clamp, "params": rows}
    program.do("CONV", out=whole, in_=source, filter=filter_, **given_)
    for first, flags in ((0, Flag.ACC_OUT), (8, Flag.ACC_IN | Flag.ACC_OUT), (16, Flag.ACC_IN)):
        part, taps = channels(source, first, first + 8, program), depths(filter_, first, first + 8)
        program.do("CONV", flags=flags, out=sliced, in_=part, filter=taps, acc=acc, **given_)
    program.store(whole)
    program.store(sliced)
    one, other = program.run()
    assert len(np.unique(one)) > 50
    assert one.tobytes() == other.tobytes()


def test_matmul() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.integers(0, 256, (5, 37)).astype(np.uint8), rng.integers(-127, 128, (1, 21, 37, 1)).astype(np.int8)
    params = random_params(rng, 21, 37)
    sums = (a.astype(np.int64) - 100) @ b[0, :, :, 0].astype(np.int64).T
    program = Program("e8")
    source, right, rows = (
        program.load(program.feed(a.reshape(5, 37, 1, 1))),
        program.load(program.weight(b)),
        program.load(program.weight(params)),
    )
    out = program.local((5, 21, 1, 1), DType.I8)
    program.do("MATMUL", out=out, in_=source, filter=right, params=rows, zx=100, zy=3, **FULL)
    program.store(out)
    assert np.array_equal(program.run()[0], requantised(sums[:, :, None, None], params, 3))


def test_sums_may_stay_as_they_are() -> None:
    """An i32 result is the sum and the bias, nothing requantised."""
    rng = np.random.default_rng(6)
    a, b = rng.integers(-128, 128, (3, 40)).astype(np.int8), rng.integers(-127, 128, (1, 11, 40, 1)).astype(np.int8)
    params = random_params(rng, 11, 40)
    program = Program("e8")
    source, right, rows = (
        program.load(program.feed(a.reshape(3, 40, 1, 1))),
        program.load(program.weight(b)),
        program.load(program.weight(params)),
    )
    out = program.local((3, 11, 1, 1), DType.I32)
    program.do("MATMUL", out=out, in_=source, filter=right, params=rows, zx=-5, zy=3, **FULL)
    program.store(out)
    sums = (a.astype(np.int64) + 5) @ b[0, :, :, 0].astype(np.int64).T + params[0, :, 0, 0]
    assert np.array_equal(program.run()[0][:, :, 0, 0], sums)


def test_float_matmul_goes_on_from_its_accumulator() -> None:
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(3, 16, 1, 1)).astype(np.float32), rng.normal(size=(1, 9, 16, 1)).astype(np.float32)
    program = Program("e8")
    source, right = program.load(program.feed(a)), program.load(program.weight(b))
    whole, sliced, acc = (program.local((3, 9, 1, 1), DType.F32) for _ in range(3))
    clamp: dict[str, Any] = {"low": -np.inf, "high": np.inf}
    program.do("MATMUL", out=whole, in_=source, filter=right, **clamp)
    for first, flags in ((0, Flag.ACC_OUT), (8, Flag.ACC_IN)):
        part, taps = channels(source, first, first + 8, program), depths(right, first, first + 8)
        program.do("MATMUL", flags=flags, out=sliced, in_=part, filter=taps, acc=acc, **clamp)
    program.store(whole)
    program.store(sliced)
    one, other = program.run()
    total = np.zeros((3, 9), np.float32)
    for k in range(16):
        total += a[:, k, 0] * b[0, :, k, 0]
    assert one.tobytes() == other.tobytes() == total.tobytes()


@pytest.mark.parametrize("op", ["MATMUL", "BMATMUL", "REDUCE"])
def test_a_nan_left_in_accumulators_is_canonical(op: str) -> None:
    """It is stored; a processor's own NaN, of inf - inf or 0·inf, may have another sign."""
    program = Program("e8")
    x, ones = np.array([[np.inf, -np.inf]], np.float32), np.ones((1, 1, 2, 1), np.float32)
    acc = program.local((1, 1, 1, 1), DType.F32)
    operands: dict[str, Any] = {"acc": acc}
    match op:
        case "REDUCE":
            operands |= {"in_": program.load(program.feed(x.reshape(1, 1, 1, 2))), "function": "sum", "over_w": 1}
        case "MATMUL":
            operands |= {"in_": program.load(program.feed(x.reshape(1, 2, 1, 1)))}
            operands |= {"filter": program.load(program.weight(ones))}
        case _:
            operands |= {"a": program.load(program.feed(x.reshape(1, 1, 2, 1)))}
            operands |= {"b": program.load(program.weight(ones.reshape(1, 2, 1, 1)))}
    program.do(op, flags=Flag.ACC_OUT, **operands)
    program.store(acc)
    assert program.run()[0].view(np.uint32).item() == 0x7FC00000


def test_rows_that_no_window_reaches_are_left_out() -> None:
    """A result of two rows from an input of five: padding below isn't touched."""
    x, w = np.arange(25, dtype=np.float32).reshape(1, 1, 5, 5), np.ones((1, 1, 1, 9), np.float32)
    program = Program("e8")
    source, filter_ = program.load(program.feed(x)), program.load(program.weight(w))
    out = program.local((1, 1, 2, 5), DType.F32)
    window: dict[str, Any] = WINDOW | {"kh": 3, "kw": 3, "pt": 1, "pl": 1, "pb": 1, "pr": 1}
    program.do("CONV", out=out, in_=source, filter=filter_, **window, low=-np.inf, high=np.inf)
    program.store(out)
    expected = convolved(x.astype(np.int64), np.ones((1, 1, 3, 3), np.int64), window, False)[:, :, :2]
    assert np.array_equal(program.run()[0], expected)


@pytest.mark.parametrize(("low", "high"), [(1.0, 0.0), (float("nan"), 1.0), (0.0, float("nan"))])
def test_a_float_clamp_without_order(low: float, high: float) -> None:
    program = Program("e8")
    a = program.load(program.feed(np.zeros((1, 8, 1, 1), np.float32)))
    right = program.load(program.weight(np.zeros((1, 8, 8, 1), np.float32)))
    program.do("MATMUL", out=program.local((1, 8, 1, 1), DType.F32), in_=a, filter=right, low=low, high=high)
    with pytest.raises(IllegalRecord, match=r"^TIU record 1: MATMUL low: "):
        program.run()


ILLEGAL: dict[str, tuple[dict[str, Any], str]] = {
    "window leaves the input": ({"kh": 7}, "pb"),
    "taps": ({"kw": 2, "pr": 1}, "filter"),
    "too few rows": ({"out": (1, 4, 5, 4)}, "pb"),
    "padding only": ({"pt": 1}, "pt"),
    "no stride": ({"sw": 0}, "kw"),
    "clamp out of range": ({"high": 128}, "low"),
    "clamp of NaN": ({"low": float("nan")}, "low"),
    "zero point": ({"zx": 200}, "zx"),
    "output type": ({"kind": DType.F32}, "out"),
    "no params": ({"params": None}, "params"),
}


@pytest.mark.parametrize("name", ILLEGAL)
def test_illegal_records_name_the_field(name: str) -> None:
    changes, field = ILLEGAL[name]
    program = Program("e8")
    x, w = np.zeros((1, 3, 4, 4), np.int8), np.zeros((1, 4, 3, 1), np.int8)
    operands: dict[str, Any] = {
        "in_": program.load(program.feed(x)),
        "filter": program.load(program.weight(w)),
        "params": program.load(program.weight(np.zeros((1, 4, 1, 3), np.int32))),
    }
    made = program.local(changes.get("out", (1, 4, 4, 4)), changes.get("kind", DType.I8))
    given_: dict[str, Any] = {**WINDOW, **FULL, **operands, "zx": 0, "zy": 0, **changes, "out": made}
    given_.pop("kind", None)
    program.do("CONV", **given_)
    with pytest.raises(IllegalRecord, match=f"^TIU record 1: CONV {field}: "):
        program.run()
