"""Elementwise records from bytes to bytes: broadcasting, scalars, tables of each lane, casts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.execute.site import IllegalRecord
from simulator.isa.table import DType, Flag
from tests.simulator.programs import Frame, Program, repeated

FRAMES = st.tuples(st.integers(1, 2), st.integers(1, 20), st.integers(1, 6), st.integers(1, 6))
FULL: dict[str, Any] = {"low": -128, "high": 127}


@settings(max_examples=40)
@given(FRAMES, st.lists(st.booleans(), min_size=3, max_size=3), st.sampled_from([np.float32, np.float16]))
def test_broadcasting_by_strides_of_0(dims: Frame, kept: list[bool], kind: Any) -> None:
    """The second operand has one index on some axes; one channel is in every lane."""
    rng = np.random.default_rng(1)
    _, c, h, w = dims
    a = rng.normal(size=dims).astype(kind)
    b = rng.normal(size=(1, c if kept[0] else 1, h if kept[1] else 1, w if kept[2] else 1)).astype(kind)
    program = Program("e8")
    left, weight = program.load(program.feed(a)), program.weight(b)
    right = program.load(weight) if kept[0] and c > 1 else program.everywhere(weight)
    out = program.local(dims, left.dtype)
    program.do("ARITH", "sub", out=out, a=left, b=repeated(right, dims))
    program.store(out)
    assert np.array_equal(program.run()[0], (a.astype(np.float32) - b.astype(np.float32)).astype(kind))


def test_scalars_and_mixed_types() -> None:
    x = np.linspace(-4, 4, 2 * 19 * 3, dtype=np.float32).reshape(2, 19, 3, 1)
    program = Program("e8")
    source = program.load(program.feed(x))
    results = {"scalar - x": 1.5 - x, "x · scalar": x * np.float32(0.3), "-x": 0 - x}
    halves, wide, back = (program.local(x.shape, kind) for kind in (DType.BF16, DType.F32, DType.F32))
    program.do("ARITH", "sub", Flag.SCALAR_A, out=halves, b=source, scalar=1.5)
    program.do("ARITH", "mul", Flag.SCALAR_B, out=wide, a=source, scalar=0.3)
    program.do("ARITH", "sub", Flag.SCALAR_A, out=back, b=halves, scalar=1.5)
    program.do("ARITH", "abs", out=source, a=source)
    for made in (halves, wide, back, source):
        program.store(made)
    one, two, three, four = program.run()
    rounded = results["scalar - x"].astype(ml_dtypes.bfloat16)
    assert one.tobytes() == rounded.tobytes()
    assert np.array_equal(two, results["x · scalar"])
    assert np.array_equal(three, 1.5 - rounded.astype(np.float32))
    assert np.array_equal(four, np.abs(x))


def test_a_table_in_each_lane() -> None:
    """Each channel goes through the table of its own lane, whether lanes hold the same one or not."""
    rng = np.random.default_rng(2)
    x, table = (
        rng.integers(-128, 128, (2, 19, 4, 3)).astype(np.int8),
        rng.integers(0, 256, (1, 1, 1, 256)).astype(np.uint8),
    )
    own = rng.integers(0, 256, (1, 8, 1, 256)).astype(np.uint8)
    program = Program("e8")
    source, shared, each = (
        program.load(program.feed(x)),
        program.everywhere(program.weight(table)),
        program.load(program.weight(own)),
    )
    late = replace(source, lane=3, dims=(2, 5, 4, 3))
    for held, entry in ((shared, source), (each, source), (each, late)):
        out = replace(program.local(x.shape, DType.U8), lane=entry.lane, dims=entry.dims)
        program.do("LUT", out=out, in_=entry, table=replace(held, dims=(1, 1, 1, 256)))
        program.store(out)
    real = rng.normal(0, 1, (1, 1, 1, 256)).astype(np.float32)
    out = program.local(x.shape, DType.F32)
    program.do("LUT", out=out, in_=source, table=program.everywhere(program.weight(real)))
    program.store(out)
    one, two, three, four = program.run()
    assert np.array_equal(four, real[0, 0, 0][x.view(np.uint8)])
    assert np.array_equal(one, table[0, 0, 0][x.view(np.uint8)])
    expected = own[0, np.arange(19)[:, None, None] % 8, 0, x.view(np.uint8)]
    assert np.array_equal(two, expected)
    assert np.array_equal(three, expected[:, 3:8])


def test_tables_that_differ_in_the_sign_of_zeros_are_different() -> None:
    zeros = np.zeros((1, 8, 1, 256), np.float32)
    zeros[0, 3] = -0.0
    program = Program("e8")
    out, held = program.local((1, 8, 1, 1), DType.F32), program.load(program.weight(zeros))
    source = program.load(program.feed(np.zeros(out.dims, np.int8)))
    program.do("LUT", out=out, in_=source, table=replace(held, dims=(1, 1, 1, 256)))
    program.store(out)
    assert np.signbit(program.run()[0].reshape(-1)).tolist() == [channel == 3 for channel in range(8)]


@pytest.mark.parametrize("varying", [(1, 19, 1, 1), (1, 1, 1, 3), (2, 19, 4, 3)])
def test_a_table_of_several_for_each_element(varying: Frame) -> None:
    """The numbers of the tables vary by channel, by column, or by element."""
    rng = np.random.default_rng(4)
    x = rng.integers(-128, 128, (2, 19, 4, 3)).astype(np.int8)
    which = np.ascontiguousarray(np.broadcast_to(rng.integers(0, 5, varying).astype(np.uint8), x.shape))
    tables = rng.integers(0, 256, (1, 1, 5, 256)).astype(np.uint8)
    program = Program("e8")
    source, numbers = program.load(program.feed(x)), program.load(program.feed(which))
    out = program.local(x.shape, DType.U8)
    program.do("LUT", out=out, in_=source, table=program.everywhere(program.weight(tables)), which=numbers)
    program.store(out)
    (made,) = program.run()
    expected = [tables[0, 0, int(which[i]), int(x[i]) & 255] for i in np.ndindex(x.shape)]
    assert np.array_equal(made.reshape(-1), expected)


def test_a_number_without_a_table_is_refused() -> None:
    program = Program("e8")
    x, tables = np.zeros((1, 1, 1, 4), np.uint8), np.zeros((1, 1, 2, 256), np.uint8)
    which = program.load(program.feed(np.array([0, 1, 2, 0], np.uint8).reshape(x.shape)))
    out = program.local(x.shape, DType.U8)
    held = program.everywhere(program.weight(tables))
    program.do("LUT", out=out, in_=program.load(program.feed(x)), table=held, which=which)
    program.store(out)
    with pytest.raises(IllegalRecord, match="2 is the number of none of 2 tables"):
        program.run()


@settings(max_examples=30)
@given(FRAMES, st.integers(0, 1 << 30))
def test_int8_sum_and_product(dims: Frame, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.integers(-128, 128, dims).astype(np.int8), rng.integers(0, 256, dims).astype(np.uint8)
    limits = ((-9, 9), (0, 255), (-9, 9), (1 << 13, 1 << 14), (1 << 14, 1 << 15), (15, 20))
    za, zb, zy, ma, mb, shift = (int(rng.integers(low, high)) for low, high in limits)
    program = Program("e8")
    left, right = program.load(program.feed(a)), program.load(program.feed(b))
    sums, products = program.local(dims, DType.I8), program.local(dims, DType.I8)
    points: dict[str, Any] = {"za": za, "zb": zb, "zy": zy, **FULL}
    program.do("RESCALE_ADD", out=sums, a=left, b=right, shift=shift, ma=ma, mb=mb, **points)
    program.do("RESCALE_MUL", out=products, a=left, b=right, shift=shift + 8, multiplier=ma << 8, **points)
    program.store(sums)
    program.store(products)
    one, other = program.run()
    x, y = a.astype(np.int64) - za, b.astype(np.int64) - zb
    half = 1 << shift - 1
    assert np.array_equal(one, np.clip(((x * ma + y * mb + half) >> shift) + zy, -128, 127))
    assert np.array_equal(other, np.clip(((x * y * (ma << 8) + (half << 8)) >> shift + 8) + zy, -128, 127))


@settings(max_examples=30)
@given(FRAMES, st.sampled_from([np.int8, np.uint8, np.int32]), st.integers(0, 1 << 30))
def test_integers_are_computed_in_32_bits_and_wrap_where_they_are_stored(dims: Frame, kind: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a = rng.integers(np.iinfo(kind).min, np.iinfo(kind).max, dims, endpoint=True).astype(kind)
    b = rng.integers(-(2**31), 2**31, (1, 1, *dims[2:])).astype(np.int32)
    program = Program("e8")
    left, right = program.load(program.feed(a)), program.everywhere(program.weight(b))
    sums, less, shifted = (program.local(dims, k) for k in (left.dtype, DType.U8, DType.I32))
    program.do("ARITH", "add", out=sums, a=left, b=repeated(right, dims))
    program.do("ARITH", "lt", out=less, a=left, b=repeated(right, dims))
    program.do("ARITH", "shl", Flag.SCALAR_B, out=shifted, a=left, whole=5)
    for made in (sums, less, shifted):
        program.store(made)
    one, two, three = program.run()
    x = a.astype(np.int64)
    assert np.array_equal(one, (x + b).astype(kind))
    assert np.array_equal(two, x < b)
    assert np.array_equal(three, (x << 5).astype(np.int32))


def test_selecting_by_bytes_and_by_floats() -> None:
    rng = np.random.default_rng(3)
    x, flags = rng.normal(size=(2, 19, 3, 2)).astype(np.float32), rng.integers(0, 2, (2, 19, 3, 2)).astype(np.uint8)
    count = rng.integers(-(2**31), 2**31, x.shape).astype(np.int32)
    program = Program("e8")
    values, condition, whole = (program.load(program.feed(array)) for array in (x, flags, count))
    outs = [program.local(x.shape, kind) for kind in (DType.BF16, DType.I32, DType.F32, DType.I32)]
    program.do("SELECT", "", Flag.SCALAR_B, out=outs[0], cond=condition, a=values, scalar_b=-0.5)
    program.do("SELECT", "", Flag.SCALAR_A, out=outs[1], cond=values, b=whole, whole_a=2**31 - 1)
    program.do("SELECT", "", Flag.SCALAR_A | Flag.SCALAR_B, out=outs[2], cond=values, scalar_a=1.5, scalar_b=2.5)
    program.do("SELECT", "", out=outs[3], cond=condition, a=values, b=whole)
    for made in outs:
        program.store(made)
    one, two, three, four = program.run()
    assert one.tobytes() == np.where(flags, x, np.float32(-0.5)).astype(ml_dtypes.bfloat16).tobytes()
    assert np.array_equal(two, np.where(x != 0, 2**31 - 1, count))
    assert (three == 1.5).all()
    mixed = np.where(flags, x, count.astype(np.float32)).astype(np.float64)
    assert np.array_equal(four, np.clip(np.trunc(mixed), -(2**31), 2**31 - 1))


def test_a_selection_without_a_value_names_the_field() -> None:
    program = Program("e8")
    a = program.load(program.feed(np.zeros((1, 4, 2, 2), np.float32)))
    program.do("SELECT", "", Flag.SCALAR_A, out=a, cond=a)
    with pytest.raises(IllegalRecord, match=r"^TIU record 1: SELECT b: isn't there"):
        program.run()


def test_casts_there_and_back() -> None:
    x = np.array([-1e9, -3.2, -0.25, 0.25, 0.75, 1e9, np.nan, np.inf], np.float32).reshape(1, 8, 1, 1)
    program = Program("e8")
    source = program.load(program.feed(x))
    whole, real, half = (program.local(x.shape, kind) for kind in (DType.U8, DType.F32, DType.F16))
    program.do("CAST", out=whole, in_=source, scale=0.5, zero=10)
    program.do("CAST", out=real, in_=whole, scale=0.5, zero=10)
    program.do("CAST", out=half, in_=source)
    for made in (whole, real, half):
        program.store(made)
    one, two, three = program.run()
    assert one.ravel().tolist() == [0, 4, 10, 10, 12, 255, 10, 255]
    assert two.ravel().tolist() == [-5, -3, 0, 0, 1, 122.5, 0, 122.5]
    assert three.ravel().view(np.uint16).tolist() == [0xFC00, 0xC266, 0xB400, 0x3400, 0x3A00, 0x7C00, 0x7E00, 0x7C00]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"b": None}, "b"),
        ({"flags": Flag.SCALAR_A}, "a"),
        ({"function": "exp"}, "b"),
        ({"out": "overlap"}, "out"),
        ({"b": "lane"}, "lane"),
        ({"b": "short"}, "b"),
        ({"b": "odd"}, "b"),
        ({"b": "outside"}, "b"),
        ({"function": "bitand"}, "function"),
        ({"function": "sqrt", "out": "int", "a": "int", "b": None}, "function"),
    ],
)
def test_illegal_records_name_the_field(changes: dict[str, Any], field: str) -> None:
    program = Program("e8")
    a = program.load(program.feed(np.zeros((1, 4, 2, 2), np.float32)))
    wrong = {
        "overlap": replace(a, strides=(0, 0, 0, 4)),
        "lane": replace(a, lane=1),
        "short": replace(a, dims=(1, 4, 2, 1)),
        "odd": replace(a, addr=a.addr + 2),
        "outside": replace(a, addr=program.chip.lane_bytes - 8),
        "int": replace(a, dtype=DType.I32),
        None: None,
    }
    given_: dict[str, Any] = {"function": "add", "out": a, "a": a, "b": a}
    given_ |= {name: wrong.get(value, value) for name, value in changes.items()}
    program.do("ARITH", **given_)
    with pytest.raises(IllegalRecord, match=f"^TIU record 1: ARITH {field}: "):
        program.run()
