"""Products of two activations from bytes to bytes, against sums written out one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.execute.site import IllegalRecord
from simulator.isa.record import Command, Operand
from simulator.isa.table import DType, Flag
from simulator.timing import work
from tests.simulator.programs import DTYPES, Array, Program

UNLIMITED: dict[str, Any] = {"low": -np.inf, "high": np.inf}
EXTENTS = st.tuples(st.integers(1, 3), st.integers(1, 19), st.integers(1, 20), st.integers(1, 11))


def summed(a: Array, b: Array) -> Array:
    """f32 sums from +0.0 in the order of k, each product and each sum rounded; (batch, m, n, 1)."""
    made = np.zeros((len(a), a.shape[1], b.shape[2]), np.float32)
    for k in range(a.shape[2]):
        made += a[:, :, k].astype(np.float32) * b[:, k, :, 0][:, None].astype(np.float32)
    return made[..., None]


def depth(operand: Operand, axis: int, first: int, last: int, program: Program) -> Operand:
    """Steps of k of a local operand: channels of `b` (axis 1), rows of `a` (axis 2)."""
    step = operand.strides[axis] * (first // program.chip.lanes if axis == 1 else first)
    dims = tuple(last - first if i == axis else n for i, n in enumerate(operand.dims))
    return replace(operand, addr=operand.addr + step, dims=dims)  # pyright: ignore[reportArgumentType]


@settings(max_examples=40)
@given(EXTENTS, st.integers(0, 1 << 30), st.sampled_from([np.int8, np.uint8]), st.sampled_from([np.int8, np.uint8]))
def test_both_zero_points_are_subtracted(extents: tuple[int, ...], seed: int, kind: Any, other: Any) -> None:
    (batch, m, k, n), rng = extents, np.random.default_rng(seed)
    limits = [np.iinfo(of) for of in (kind, other)]
    a = rng.integers(limits[0].min, limits[0].max + 1, (batch, m, k, 1)).astype(kind)
    b = rng.integers(limits[1].min, limits[1].max + 1, (batch, k, n, 1)).astype(other)
    za, zb = (int(rng.integers(of.min, of.max + 1)) for of in limits)
    sums = np.matmul(a[..., 0].astype(np.int64) - za, b[..., 0].astype(np.int64) - zb)[..., None]
    program = Program("e8")
    left, right = program.load(program.feed(a)), program.load(program.feed(b))
    out, raw = program.local(sums.shape, DType.I8), program.local(sums.shape, DType.I32)
    points: dict[str, Any] = {"za": za, "zb": zb}
    factor: dict[str, Any] = {"multiplier": (1 << 30) + 5, "shift": 40, "zy": -7, "low": -100, "high": 100}
    program.do("BMATMUL", out=out, a=left, b=right, **points, **factor)
    program.do("BMATMUL", out=raw, a=left, b=right, **points)
    program.store(out)
    program.store(raw)
    made, exact = program.run()
    assert np.array_equal(exact, sums)
    wanted = np.clip(((sums * ((1 << 30) + 5) + (1 << 39)) >> 40) - 7, -100, 100)
    assert np.array_equal(made, wanted)


@settings(max_examples=30)
@given(EXTENTS, st.integers(0, 1 << 30), st.sampled_from([DType.F32, DType.BF16, DType.F16]))
def test_float_sums_are_in_the_order_of_k(extents: tuple[int, ...], seed: int, kind: DType) -> None:
    (batch, m, k, n), rng = extents, np.random.default_rng(seed)
    numpy = next(dtype for dtype, name in DTYPES.items() if name == kind)
    a, b = (rng.normal(size=dims).astype(numpy) for dims in ((batch, m, k, 1), (batch, k, n, 1)))
    program = Program("e8")
    out = program.local((batch, m, n, 1), kind)
    left, right = program.load(program.feed(a)), program.load(program.feed(b))
    program.do("BMATMUL", out=out, a=left, b=right, low=-1.0, high=np.inf)
    program.store(out)
    assert program.run()[0].tobytes() == np.maximum(summed(a, b), np.float32(-1)).astype(numpy).tobytes()


@settings(max_examples=40)
@given(EXTENTS, st.integers(0, 1 << 30), st.sampled_from([DType.I8, DType.U8, DType.I32, DType.F32]), st.booleans())
def test_columns_have_parameters_of_their_own(extents: tuple[int, ...], seed: int, made: DType, turned: bool) -> None:
    """Bias, multiplier and shift of each column, written out one result after the other."""
    (batch, m, k, n), rng = extents, np.random.default_rng(seed)
    a, b = rng.integers(0, 256, (batch, m, k, 1)).astype(np.uint8), rng.integers(-128, 128, (batch, k, n, 1), np.int8)
    params = rng.integers([-3000, 1, 20], [3001, 1 << 24, 63], (n, 3), dtype=np.int64)
    wanted = np.zeros((batch, m, n, 1), {DType.I8: np.int8, DType.U8: np.uint8, DType.I32: np.int32}.get(made, "f4"))
    low, high = {DType.I8: (-100, 100), DType.U8: (3, 255)}.get(made, (-np.inf, np.inf))
    for at in np.ndindex(*wanted.shape):
        image, row, column, _ = at
        bias, multiplier, shift = map(int, params[column])
        total = bias + sum((int(a[image, row, i, 0]) - 7) * int(b[image, i, column, 0]) for i in range(k))
        if made == DType.F32:
            wanted[at] = np.float32(total) * np.float32(multiplier * 2.0**-shift)
        elif made == DType.I32:
            wanted[at] = total
        else:
            wanted[at] = min(max(((total * multiplier + (1 << shift - 1)) >> shift) - 2, low), high)
    program = Program("e8")
    left, right = program.load(program.feed(a)), program.load(program.feed(b.swapaxes(1, 2).copy() if turned else b))
    told = program.load(program.feed(params.astype(np.int32).reshape(1, n, 1, 3)))
    out = program.local(wanted.shape, made)
    limits: dict[str, Any] = {"low": low, "high": high, "turned": int(turned)}
    program.do("BMATMUL", out=out, a=left, b=right, params=told, za=7, zy=-2, **limits)
    program.store(out)
    assert program.run()[0].tobytes() == wanted.tobytes()


@settings(max_examples=20)
@given(EXTENTS, st.integers(0, 1 << 30), st.booleans())
def test_float_sums_start_at_the_bias_of_their_column(extents: tuple[int, ...], seed: int, turned: bool) -> None:
    (batch, m, k, n), rng = extents, np.random.default_rng(seed)
    a, b, bias = (rng.normal(size=dims).astype(np.float32) for dims in ((batch, m, k, 1), (batch, k, n, 1), (n,)))
    wanted = np.zeros((batch, m, n, 1), np.float32)
    for image, row, column, _ in np.ndindex(*wanted.shape):
        total = bias[column]
        for i in range(k):
            total = np.float32(total + np.float32(a[image, row, i, 0] * b[image, i, column, 0]))
        wanted[image, row, column] = total
    program = Program("e8")
    left, right = program.load(program.feed(a)), program.load(program.feed(b.swapaxes(1, 2).copy() if turned else b))
    told, out = program.load(program.feed(bias.reshape(1, n, 1, 1))), program.local(wanted.shape, DType.F32)
    program.do("BMATMUL", out=out, a=left, b=right, params=told, turned=int(turned), **UNLIMITED)
    program.store(out)
    assert program.run()[0].tobytes() == wanted.tobytes()


@pytest.mark.parametrize("real", [False, True])
def test_a_sum_in_slices_has_the_bits_of_the_whole(real: bool) -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 10, 24, 1)).astype(np.float32), rng.normal(size=(2, 24, 5, 1)).astype(np.float32)
    given_: dict[str, Any] = dict(UNLIMITED)
    if not real:
        a, b = (a * 40).astype(np.int8), (b * 40).astype(np.int8)
        given_ = {"za": 3, "zb": -4, "multiplier": 1 << 30, "shift": 38, "low": -128, "high": 127}
    program = Program("e8")
    left, right = program.load(program.feed(a)), program.load(program.feed(b))
    whole, sliced = (program.local((2, 10, 5, 1), left.dtype) for _ in range(2))
    acc = program.local((2, 10, 5, 1), DType.F32 if real else DType.I32)
    program.do("BMATMUL", out=whole, a=left, b=right, **given_)
    for first, flags in ((0, Flag.ACC_OUT), (8, Flag.ACC_IN | Flag.ACC_OUT), (16, Flag.ACC_IN)):
        parts = {"a": depth(left, 2, first, first + 8, program), "b": depth(right, 1, first, first + 8, program)}
        program.do("BMATMUL", flags=flags, out=sliced, acc=acc, **parts, **given_)
    program.store(whole)
    program.store(sliced)
    one, other = program.run()
    assert len(np.unique(one)) > 20
    assert one.tobytes() == other.tobytes()


def test_cycles() -> None:
    """Batches times ⌈m/L⌉ · ⌈n/P⌉ · ⌈k/I⌉; half as deep at 16 bits; f32 on the element units."""
    program = Program("x64")

    def cycles(kind: DType) -> int:
        a, b, out = (program.local(dims, kind) for dims in ((3, 65, 100, 1), (3, 100, 9, 1), (3, 65, 9, 1)))
        return work(Command("BMATMUL", {"out": out, "a": a, "b": b}, {}), program.chip)

    assert cycles(DType.I8) == 3 * 2 * 3 * 2
    assert cycles(DType.F16) == 3 * 2 * 3 * 4
    assert cycles(DType.F32) == 3 * 2 * 1 * 100


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"zb": 200}, "zb"),
        ({"b": (1, 4, 3, 1)}, "b"),
        ({"turned": 1}, "b"),
        ({"low": -200}, "low"),
        ({"shift": 63}, "shift"),
    ],
)
def test_illegal_records_name_the_field(changes: dict[str, Any], field: str) -> None:
    program = Program("e8")
    dims = {"a": (1, 9, 5, 1), "b": (1, 5, 3, 1), "out": (1, 9, 3, 1)}
    params: dict[str, Any] = {"low": -128, "high": 127, "zb": 0, "shift": 3, **changes}
    operands = {name: program.local(params.pop(name, extents), DType.I8) for name, extents in dims.items()}
    program.do("BMATMUL", **operands, **params)
    with pytest.raises(IllegalRecord, match=f"^TIU record 1: BMATMUL {field}: "):
        program.run()
