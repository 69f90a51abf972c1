"""The elementwise functions that the ISA has, at their most exact: on float64, and on integers of 64 bits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Functions = Mapping[str, Callable[..., Array]]


def _erf(x: Array) -> Array:
    """Gauss's error function, element by element; numpy has none."""
    return np.array([math.erf(v) for v in np.ravel(x)], np.float64).reshape(np.shape(x))


def _flag(compare: Callable[..., Array]) -> Callable[..., Array]:
    """A comparison as 1 or 0; with NaN it is false."""

    def flag(a: Array, b: Array) -> Array:
        return np.where(compare(a, b), 1, 0)

    return flag


def _select(condition: Array, a: Array, b: Array) -> Array:
    return np.where(condition != 0, a, b)


def _quotient(a: Array, b: Array) -> Array:
    """Cut towards zero; 0 where `b` is 0."""
    size = np.abs(a) // np.where(b == 0, 1, np.abs(b))
    return np.where(b == 0, 0, np.sign(a) * np.sign(b) * size)


def _remainder(a: Array, b: Array) -> Array:
    """Of the sign of `a`; `a` where `b` is 0."""
    return a - b * _quotient(a, b)


def _modulo(a: Array, b: Array) -> Array:
    """Of the sign of `b`; `a` where `b` is 0."""
    return np.where(b == 0, a, np.mod(a, np.where(b == 0, 1, b)))


def _left(a: Array, b: Array) -> Array:
    return np.where((b >= 0) & (b < 64), np.left_shift(a, np.clip(b, 0, 63)), 0)


def _right(a: Array, b: Array) -> Array:
    return np.right_shift(a, np.where((b >= 0) & (b < 64), b, 63))


def _power(a: Array, b: Array) -> Array:
    """A negative exponent makes the quotient 1 ÷ a^|b| cut towards zero, 0 for a = 0."""
    reciprocal = np.where(np.abs(a) == 1, np.where(b % 2 == 0, 1, a), 0)
    return np.where(b < 0, reciprocal, np.power(a, np.maximum(b, 0)))


_COMMON: Functions = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "max": np.maximum, "min": np.minimum, "abs": np.abs,
    "lt": _flag(np.less), "le": _flag(np.less_equal), "eq": _flag(np.equal), "copy": np.positive, "select": _select,
}  # fmt: skip

FLOAT64: Functions = {
    **_COMMON,
    "div": np.divide, "sqrt": np.sqrt, "exp": np.exp, "log": np.log, "tanh": np.tanh, "erf": _erf, "sin": np.sin,
    "cos": np.cos, "floor": np.floor, "ceil": np.ceil, "round": np.rint, "mod": np.mod, "fmod": np.fmod,
    "pow": np.power, "atan": np.arctan,
}  # fmt: skip
"""In double precision; `simulator.arithmetic` has the chip's."""

INT64: Functions = {
    **_COMMON,
    "div": _quotient, "mod": _modulo, "fmod": _remainder, "pow": _power, "bitand": np.bitwise_and,
    "bitor": np.bitwise_or, "bitxor": np.bitwise_xor, "shl": _left, "shr": _right,
}  # fmt: skip
"""On integers, which wrap."""

NAMES = FLOAT64.keys() | INT64.keys()
"""What a formula may name."""
