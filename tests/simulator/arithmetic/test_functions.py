"""The elementwise functions: each step's rounding against numpy scalars, and the distance from the true function."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from simulator.arithmetic import functions as f
from simulator.arithmetic.functions import FUNCTIONS
from simulator.isa.table import ARITHMETIC, WHOLE_ONLY
from tests.simulator.arithmetic.oracle import canonical_bits
from tests.simulator.arithmetic.strategies import SPECIALS

Array = NDArray[Any]
F = np.float32
INF, NAN = F(np.inf), F(np.nan)


def spread_out(low: float, high: float, count: int, seed: int = 0) -> Array:
    """Numbers of both signs, even over the encodings from low to high."""
    rng = np.random.default_rng(seed)
    first, last = (int(np.array(v, F).view(np.int32)) for v in (low, high))
    return rng.integers(first, last + 1, count).astype(np.int32).view(F) * rng.choice(np.array([1, -1], F), count)


def polynomial(x: F, coefficients: tuple[float, ...]) -> F:
    total = F(coefficients[0])
    for c in coefficients[1:]:
        total = F(F(total * x) + F(c))
    return total


def exp(x: F) -> F:
    if np.isnan(x):
        return NAN
    x = min(max(x, F(-104)), F(89))
    n = F(round(float(F(x * F(1.4426950408889634)))))
    r = F(F(x - F(n * F(0.693359375))) - F(n * F(-2.12194440e-4)))
    y = F(F(F(polynomial(r, f.EXP) * F(r * r)) + r) + F(1))
    half = math.floor(n / 2)
    return F(F(y * F(2.0**half)) * F(2.0 ** (int(n) - half)))


def log(x: F) -> F:
    if np.isnan(x) or x < 0:
        return NAN
    if x in (0, INF):
        return -INF if x == 0 else INF
    mantissa, exponent = math.frexp(float(x))
    m, e = F(mantissa), F(exponent)
    if m < F(0.7071067811865475):
        m, e = F(m + m), F(e - F(1))
    r = F(m - F(1))
    z = F(r * r)
    y = F(F(F(polynomial(r, f.LOG) * r) * z) + F(e * F(-2.12194440e-4)))
    y = F(y - F(F(0.5) * z))
    return F(F(r + y) + F(e * F(0.693359375)))


def tanh(x: F) -> F:
    if np.isnan(x):
        return NAN
    size = F(abs(x))
    if size < F(0.625):
        z = F(x * x)
        made = F(F(F(polynomial(z, f.TANH) * z) * x) + x)
    else:
        made = F(F(1) - F(F(2) / F(exp(min(F(size + size), F(19))) + F(1))))
    return F(math.copysign(made, x))


def erf(x: F) -> F:
    if np.isnan(x):
        return NAN
    size = F(abs(x))
    if size < 1:
        return F(polynomial(F(x * x), f.ERF) * x)
    return F(math.copysign(F(F(1) - exp(polynomial(min(size, F(3.95)), f.LOG_ERFC))), x))


def turn(x: F, quarters: int) -> F:
    if not np.isfinite(x):
        return NAN
    n = F(round(float(F(x * F(0.6366197723675814)))))
    r = x
    for part in (1.5703125, 4.837512969970703125e-4, 7.54978995489188216e-8):
        r = F(r - F(n * F(part)))
    r = min(max(r, F(-0.8)), F(0.8))
    z = F(r * r)
    quadrant = (int(n) + quarters) % 4
    if quadrant % 2:
        made = F(F(F(F(polynomial(z, f.COS) * z) * z) - F(F(0.5) * z)) + F(1))
    else:
        made = F(F(F(polynomial(z, f.SIN) * z) * r) + r)
    return F(-made) if quadrant >= 2 else made


def atan(x: F) -> F:
    if np.isnan(x):
        return NAN
    size = F(abs(x))
    if size > F(2.414213562373095):
        r, y = F(F(-1) / size), F(math.pi / 2)
    elif size > F(0.4142135623730950):
        r, y = F(F(size - F(1)) / F(size + F(1))), F(math.pi / 4)
    else:
        r, y = size, F(0)
    z = F(r * r)
    return F(math.copysign(F(y + F(F(F(polynomial(z, f.ATAN) * z) * r) + r)), x))


def power(x: F, y: F) -> F:
    if y == 0 or x == 1:
        return F(1)
    if np.isnan(x) or np.isnan(y):
        return NAN
    whole = np.isinf(y) or float(y).is_integer()
    if -INF < x < 0 and not whole:
        return NAN
    size = F(abs(x))
    made = F(1) if size == 1 else exp(F(y * log(size)))
    odd = whole and np.isfinite(y) and int(y) % 2 == 1
    return F(-made) if np.signbit(x) and odd else made


SCALAR: dict[str, Callable[[F], F]] = {
    "exp": exp, "log": log, "tanh": tanh, "erf": erf, "sin": lambda x: turn(x, 0), "cos": lambda x: turn(x, 1),
    "atan": atan,
}  # fmt: skip

TRUE: dict[str, tuple[Callable[[float], float], float, float]] = {
    "exp": (math.exp, 88.7, 1.0),
    "log": (lambda x: math.log(abs(x)), 3.4e38, 0.9),
    "tanh": (math.tanh, 20, 1.4),
    "erf": (math.erf, 20, 2.6),
    "sin": (math.sin, 8192, 2.5),
    "cos": (math.cos, 8192, 3.5),
    "atan": (math.atan, 3.4e38, 2.8),
}
"""The function, the largest argument, and the error in units of the last place that `docs/numerics.md` states."""


def test_every_function_of_the_instruction_set_is_here() -> None:
    assert set(FUNCTIONS) == set(ARITHMETIC) - WHOLE_ONLY


@pytest.mark.parametrize("name", list(SCALAR))
def test_bits_are_those_of_the_stated_steps(name: str) -> None:
    x = np.concatenate([spread_out(1e-45, 3.4e38, 1500), spread_out(1e-3, 120, 1500, 1), SPECIALS])
    with np.errstate(all="ignore"):
        expected = np.array([SCALAR[name](F(v)) for v in x], F)
    assert np.array_equal(canonical_bits(FUNCTIONS[name](x)), canonical_bits(expected))


@pytest.mark.parametrize("name", list(TRUE))
def test_error_is_as_stated(name: str) -> None:
    function, largest, stated = TRUE[name]
    x = np.concatenate([spread_out(1e-38, largest, 60_000), spread_out(0.1, min(largest, 20), 60_000, 1)])
    if name == "log":
        x = np.abs(x)
    made = FUNCTIONS[name](x).astype(np.float64)
    true = np.array([function(float(v)) for v in x])
    unit = np.maximum(np.spacing(np.abs(true.astype(F))).astype(np.float64), 2.0**-149)
    assert np.max(np.abs(made - true) / unit) <= stated


@pytest.mark.parametrize(
    ("name", "x", "made"),
    [
        ("exp", [NAN, INF, -INF, 0, 89, -104], [NAN, INF, 0, 1, INF, 0]),
        ("log", [NAN, INF, -INF, 0, -0.0, -1, 1], [NAN, INF, NAN, -INF, -INF, NAN, 0]),
        ("tanh", [NAN, INF, -INF, -0.0], [NAN, 1, -1, -0.0]),
        ("erf", [NAN, INF, -INF, -0.0], [NAN, 1, -1, -0.0]),
        ("sin", [NAN, INF, 0], [NAN, NAN, 0]),
        ("cos", [NAN, INF, 0], [NAN, NAN, 1]),
        ("atan", [NAN, INF, -INF, -0.0, 1], [NAN, math.pi / 2, -math.pi / 2, -0.0, math.pi / 4]),
        ("copy", [INF, -0.0, 1.5], [INF, -0.0, 1.5]),
        ("sqrt", [4, -1, -0.0], [2, NAN, -0.0]),
        ("round", [0.5, 1.5, -2.5], [0, 2, -2]),
    ],
)
def test_special_arguments(name: str, x: list[float], made: list[float]) -> None:
    result = FUNCTIONS[name](np.array(x, F))
    assert canonical_bits(result).tolist() == canonical_bits(np.array(made, F)).tolist()


def test_powers_are_the_stated_steps_and_near_the_true_ones() -> None:
    rng = np.random.default_rng(5)
    x = np.concatenate([spread_out(1e-6, 1e6, 1500), np.repeat(SPECIALS, len(SPECIALS)), np.arange(-9, 10, dtype=F)])
    y = np.concatenate([rng.normal(0, 3, 1500).astype(F).round(1), np.tile(SPECIALS, len(SPECIALS)), np.full(19, 3, F)])
    found = FUNCTIONS["pow"](x, y)
    with np.errstate(all="ignore"):
        expected = np.array([power(F(a), F(b)) for a, b in zip(x, y, strict=True)], F)
        true = np.power(x.astype(np.float64), y.astype(np.float64))
        rounded = true.astype(F)
        growth = np.nan_to_num(np.abs(y.astype(np.float64) * np.log(np.abs(x.astype(np.float64)))))
    assert np.array_equal(canonical_bits(found), canonical_bits(expected))
    special = (x == 0) | (y == 0) | ~np.isfinite(x) | ~np.isfinite(y)
    assert np.array_equal(canonical_bits(found)[special], canonical_bits(rounded)[special])
    tame = (np.abs(true) > 1e-37) & (np.abs(true) < 3e38)
    error = np.abs(found[tame] / true[tame] - 1)
    assert (error <= (2 + 2 * growth[tame]) * 2**-23).all()


def test_blocks_are_put_together_as_they_were_cut() -> None:
    x = spread_out(1e-3, 80, 2 * f.BLOCK + 7).reshape(-1, 1)[::-1]
    whole = FUNCTIONS["exp"](x)
    assert whole.shape == x.shape
    assert np.array_equal(whole[5 : f.BLOCK + 9], FUNCTIONS["exp"](x[5 : f.BLOCK + 9]))
