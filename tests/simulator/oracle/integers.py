"""The functions of ARITH on i32: Python's integers, of whose result the low 32 bits count."""

from __future__ import annotations

from collections.abc import Callable, Mapping


def quotient(a: int, b: int) -> int:
    """Cut towards zero; 0 for a divisor of 0."""
    if b == 0:
        return 0
    size = abs(a) // abs(b)
    return size if (a < 0) == (b < 0) else -size


def fmod(a: int, b: int) -> int:
    """`a - b·(a div b)`."""
    return a - b * quotient(a, b)


def mod(a: int, b: int) -> int:
    """The remainder that has the sign of b; a for b = 0."""
    return a % b if b else a


def power(a: int, b: int) -> int:
    """`a^b`, or the quotient `1 div a^|b|`, which is 0 for a = 0."""
    if b >= 0:
        return pow(a, b, 1 << 32)
    return a ** (b % 2) if abs(a) == 1 else 0


def left(a: int, b: int) -> int:
    """0 for a distance outside 0…31."""
    return a << b if 0 <= b <= 31 else 0


def right(a: int, b: int) -> int:
    """Arithmetic; 0 or -1 for a distance outside 0…31."""
    return a >> b if 0 <= b <= 31 else -1 if a < 0 else 0


BINARY: Mapping[str, Callable[[int, int], int]] = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "div": quotient,
    "max": max, "min": min, "lt": lambda a, b: int(a < b), "le": lambda a, b: int(a <= b),
    "eq": lambda a, b: int(a == b), "bitand": lambda a, b: a & b, "bitor": lambda a, b: a | b,
    "bitxor": lambda a, b: a ^ b, "shl": left, "shr": right, "mod": mod, "fmod": fmod, "pow": power,
}  # fmt: skip
UNARY: Mapping[str, Callable[[int], int]] = {"abs": abs, "copy": lambda a: a}
