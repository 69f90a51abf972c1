"""
One step of an elementwise formula on operands of any plain types: what ARITH and SELECT compute before they store.

A step all of whose tensors are integers is computed in i32, two's complement, and wraps; any other in f32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.arithmetic.casts import widen
from simulator.arithmetic.functions import FUNCTIONS

Array = NDArray[Any]
Function = Callable[..., Array]

BITS = 32


def _quotient(a: Array, b: Array) -> Array:
    """Cut towards zero; 0 where `b` is 0."""
    size = np.abs(a) // np.where(b == 0, 1, np.abs(b))
    return np.where(b == 0, 0, np.where((a < 0) == (b < 0), size, -size))


def _remainder(a: Array, b: Array) -> Array:
    """`a - b·(a ÷ b)`, of the sign of `a`; `a` where `b` is 0."""
    return a - b * _quotient(a, b)


def _modulo(a: Array, b: Array) -> Array:
    """The remainder of the quotient rounded down, of the sign of `b`; `a` where `b` is 0."""
    rest = _remainder(a, b)
    return np.where((rest != 0) & ((rest < 0) != (b < 0)), rest + b, rest)


def _left(a: Array, b: Array) -> Array:
    """0 for a distance that isn't 0 … 31."""
    return np.where((b >= 0) & (b < BITS), a << np.clip(b, 0, BITS - 1), 0)


def _right(a: Array, b: Array) -> Array:
    """Arithmetic; a distance that isn't 0 … 31 leaves the sign alone: 0 or -1."""
    return a >> np.where((b >= 0) & (b < BITS), b, BITS - 1)


def _power(a: Array, b: Array) -> Array:
    """By squaring, modulo 2^32; a negative exponent makes the quotient 1 ÷ a^|b| cut towards zero, 0 for a = 0."""
    base, left = np.broadcast_arrays(a, np.abs(b))
    made = np.ones_like(base)
    while left.any():
        made = _wrapped(np.where(left & 1, made * base, made))
        base, left = _wrapped(base * base), left >> 1
    reciprocal = np.where(np.abs(a) == 1, np.where((a < 0) & ((b & 1) == 1), -1, 1), 0)
    return np.where(b < 0, reciprocal, made)


def _wrapped(x: Array) -> Array:
    """The low 32 bits, signed, in i64."""
    return x.astype(np.int32).astype(np.int64)


INTEGER: Mapping[str, Function] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": _quotient, "max": np.maximum, "min": np.minimum,
    "abs": np.abs, "lt": np.less, "le": np.less_equal, "eq": np.equal, "bitand": np.bitwise_and,
    "bitor": np.bitwise_or, "bitxor": np.bitwise_xor, "shl": _left, "shr": _right, "mod": _modulo,
    "fmod": _remainder, "pow": _power, "copy": np.positive,
}  # fmt: skip
"""Every function of ARITH on i32, on i64 arrays that hold such numbers; the low 32 bits of what it makes count."""


def apply(name: str, *operands: Array | float) -> Array:
    """
    A function of ARITH on tensors as they are stored, and on numbers; i32 or f32, not yet stored.

    Raises KeyError for a function that there isn't of that type.
    """
    if is_whole(*operands):
        with np.errstate(all="ignore"):
            made = INTEGER[name](*(np.asarray(operand).astype(np.int64) for operand in operands))
        return np.asarray(made).astype(np.int32)
    return FUNCTIONS[name](*map(_real, operands))


def select(condition: Array, a: Array | float, b: Array | float) -> Array:
    """`a` where the condition isn't 0, else `b`: i32 if all tensors of the two are integers, or all three; else f32."""
    values = [value for value in (a, b) if isinstance(value, np.ndarray)] or [condition]
    if is_whole(*values):
        first, second = (np.asarray(value).astype(np.int32) for value in (a, b))
    else:
        first, second = _real(a), _real(b)
    with np.errstate(invalid="ignore"):
        return np.where(condition != 0, first, second)


def is_whole(*operands: Array | float) -> bool:
    """Whether there are tensors among the operands, and all of them are of integers."""
    kinds = [operand.dtype.kind for operand in operands if isinstance(operand, np.ndarray)]
    return bool(kinds) and all(kind in "iu" for kind in kinds)


def _real(operand: Array | float) -> Array:
    return widen(operand) if isinstance(operand, np.ndarray) else np.asarray(operand, np.float32)


STEPWISE: Mapping[str, Function] = {
    **{name: partial(apply, name) for name in (*FUNCTIONS, *INTEGER)},
    "select": select,
}
"""Every step of a formula by name, as the chip carries it out."""
