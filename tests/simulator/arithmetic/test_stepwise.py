"""Steps of formulas in i32 and f32 against Python's own integers, and what stores and selects them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulator.arithmetic.casts import BF16, store
from simulator.arithmetic.stepwise import INTEGER, STEPWISE, apply, select
from simulator.isa.table import ARITHMETIC, BINARY, REAL_ONLY, WHOLE_ONLY
from tests.simulator.arithmetic.oracle import canonical_bits
from tests.simulator.arithmetic.strategies import SPECIALS

Array = NDArray[Any]
F = np.float32
EDGES = [0, 1, -1, 2, -2, 3, 7, -7, 31, 32, 33, -31, 127, -128, 255, 65535, 2**31 - 1, -(2**31), 2**30, -(2**30)]
NUMBERS = st.one_of(st.sampled_from(EDGES), st.integers(-(2**31), 2**31 - 1))


def quotient(a: int, b: int) -> int:
    return 0 if b == 0 else int(math.copysign(1, a) * math.copysign(1, b)) * (abs(a) // abs(b))


def power(a: int, b: int) -> int:
    if b >= 0:
        return pow(a, b, 2**32)
    return 0 if abs(a) != 1 else a ** (-b % 2)


PAIRS: dict[str, Callable[[int, int], int]] = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "div": quotient,
    "max": max, "min": min, "lt": lambda a, b: int(a < b), "le": lambda a, b: int(a <= b),
    "eq": lambda a, b: int(a == b), "bitand": lambda a, b: a & b, "bitor": lambda a, b: a | b,
    "bitxor": lambda a, b: a ^ b, "shl": lambda a, b: a << b if 0 <= b < 32 else 0,
    "shr": lambda a, b: a >> (b if 0 <= b < 32 else 31), "mod": lambda a, b: a % b if b else a,
    "fmod": lambda a, b: a - b * quotient(a, b), "pow": power,
}  # fmt: skip
SINGLE: dict[str, Callable[[int], int]] = {"abs": abs, "copy": lambda a: a}
NAMES = sorted({*PAIRS, *SINGLE})


def wrapped(value: int, bits: int = 32) -> int:
    low = value & ((1 << bits) - 1)
    return low - (1 << bits) if low >> (bits - 1) else low


def test_every_function_has_a_type_that_it_is_of() -> None:
    assert set(INTEGER) == set(NAMES) == set(ARITHMETIC) - REAL_ONLY
    assert set(PAIRS) == BINARY
    assert set(STEPWISE) == {*ARITHMETIC, "select"}


@settings(max_examples=60)
@given(st.sampled_from(NAMES), st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=8))
def test_integers_are_pythons_modulo_2_to_the_32(name: str, pairs: list[tuple[int, int]]) -> None:
    a, b = (np.array(column, np.int32) for column in zip(*pairs, strict=True))
    made = apply(name, a, b) if name in BINARY else apply(name, a)
    expected = [wrapped(PAIRS[name](x, y) if name in PAIRS else SINGLE[name](x)) for x, y in pairs]
    assert made.dtype == np.int32
    assert made.tolist() == expected
    if name in BINARY:
        assert apply(name, a, float(pairs[0][1])).tolist()[0] == expected[0]


def test_small_integers_beside_each_other_are_widened_first() -> None:
    low, high = np.array([-128, 127], np.int8), np.array([255, 1], np.uint8)
    assert apply("add", low, high).tolist() == [127, 128]
    assert apply("lt", low, high).tolist() == [1, 0]


def test_one_float_makes_a_step_one_of_floats() -> None:
    made = apply("div", np.array([7, -7], np.int32), np.array([2, 2], F))
    assert (made.dtype, made.tolist()) == (np.dtype(F), [3.5, -3.5])
    assert apply("mul", np.array([1.5], BF16), 3.0).tolist() == [4.5]
    with pytest.raises(KeyError):
        apply("bitand", np.array([1.0], F), 1.0)
    with pytest.raises(KeyError):
        apply("exp", np.array([1], np.int32))


def comparison(name: str, a: F, b: F) -> float:
    return float({"lt": a < b, "le": a <= b, "eq": a == b}[name])


@pytest.mark.parametrize("name", ["lt", "le", "eq", "mod", "fmod"])
def test_comparisons_and_remainders_of_floats(name: str) -> None:
    values = np.concatenate([SPECIALS, np.array([5.5, -5.5, 2.0, -3.0, 1e30, -0.1], F)])
    a, b = (v.reshape(-1) for v in np.meshgrid(values, values))
    found = apply(name, a, b)
    expected = list[float]()
    for x, y in zip(a.tolist(), b.tolist(), strict=True):
        if name in ("lt", "le", "eq"):
            expected.append(comparison(name, F(x), F(y)))
        elif math.isnan(x) or math.isnan(y) or math.isinf(x) or y == 0:
            expected.append(math.nan)
        else:
            # math.fmod is exact, and so is the sum below up to its one rounding to f32.
            rest = math.fmod(x, y)
            if name == "mod":
                rest = math.copysign(0.0, y) if rest == 0 else rest + y if (rest < 0) != (y < 0) else rest
            expected.append(rest)
    with np.errstate(all="ignore"):
        assert canonical_bits(found).tolist() == canonical_bits(np.array(expected, F)).tolist()


def test_select_takes_values_as_they_are() -> None:
    condition = np.array([0.0, -0.0, np.nan, 2.0], F)
    big = np.array([2**31 - 1] * 4, np.int32)
    assert select(condition, big, -1.0).tolist() == [-1, -1, 2**31 - 1, 2**31 - 1]
    floats = np.array([np.nan, np.inf, 1.0, 2.0], F)
    assert select(np.array([1, 1, 0, 0], np.uint8), floats, 0.5).tolist()[1:] == [np.inf, 0.5, 0.5]
    assert select(np.array([1, 0], np.uint8), 1.0, 0.0).dtype == np.int32
    assert select(condition, 1.0, 0.0).dtype == np.float32


def test_storing() -> None:
    reals = np.array([np.nan, np.inf, -np.inf, 3e9, -3e9, 1.9, -1.9, 255.5, 2147483520.0], F)
    limit = 2**31
    assert store(reals, np.int32).tolist() == [0, limit - 1, -limit, limit - 1, -limit, 1, -1, 255, 2147483520]
    assert store(reals, np.uint8).tolist() == [0, 255, 0, 255, 0, 1, 0, 255, 255]
    assert store(reals, np.int8).tolist() == [0, 127, -128, 127, -128, 1, -1, 127, 127]
    whole = np.array([300, -1, -129, 2**31 - 1], np.int32)
    assert store(whole, np.uint8).tolist() == [44, 255, 127, 255]
    assert store(whole, np.int8).tolist() == [44, -1, 127, -1]
    assert store(whole, np.float16).view(np.uint16).tolist() == [0x5CB0, 0xBC00, 0xD808, 0x7C00]
    assert store(np.array([2**24 + 1], np.int32), np.float32).tolist() == [float(2**24)]


def test_no_function_of_integers_alone_takes_floats() -> None:
    assert WHOLE_ONLY.isdisjoint(REAL_ONLY)
