"""Trigonometric and hyperbolic functions and their inverses, made of the chip's functions."""

from __future__ import annotations

import math

from xdsl.irdl import irdl_op_definition

from compiler.dialects import formula as f
from compiler.dialects.formula import Apply, Term, absolute, equal, exp, less, select, sqrt, tanh
from compiler.dialects.top.elementwise import Unary

LARGE = 1e9
"""Beyond it, `x² + 1` is `x²` in f32, and `x²` might overflow."""


def sine(x: Term) -> Term:
    return Apply("sin", (x,))


def cosine(x: Term) -> Term:
    return Apply("cos", (x,))


def arctangent(x: Term) -> Term:
    return Apply("atan", (x,))


def log1p(x: Term) -> Term:
    """`ln(1 + x)` for `x` > -1, near 0 as well: `x · ln u / (u - 1)` with `u = 1 + x` rounded (Kahan)."""
    grown = 1.0 + x
    rest = grown - 1.0
    return select(equal(rest, 0.0), x, select(equal(rest, x), f.log(grown), x * (f.log(grown) / rest)))


def signed(size: Term, like: Term) -> Term:
    """`size`, which isn't negative, with the sign of `like`."""
    return select(less(like, 0.0), -size, size)


@irdl_op_definition
class TanOp(Unary):
    """`tan x`, `x` in radians."""

    name = "top.Tan"

    def formula(self, x: Term) -> Term:
        return sine(x) / cosine(x)


@irdl_op_definition
class ArcsinOp(Unary):
    """The angle whose sine is `x`: the arc tangent of `x / √(1 - x²)`; NaN beyond ±1."""

    name = "top.Arcsin"

    def formula(self, x: Term) -> Term:
        return arctangent(x / sqrt((1.0 - x) * (1.0 + x)))


@irdl_op_definition
class ArccosOp(Unary):
    """The angle whose cosine is `x`: twice the arc tangent of `√((1 - x) / (1 + x))`; NaN beyond ±1."""

    name = "top.Arccos"

    def formula(self, x: Term) -> Term:
        return select(equal(x, -1.0), math.pi, arctangent(sqrt((1.0 - x) / (1.0 + x))) * 2.0)


@irdl_op_definition
class ArctanOp(Unary):
    """The angle whose tangent is `x`."""

    name = "top.Arctan"

    def formula(self, x: Term) -> Term:
        return arctangent(x)


@irdl_op_definition
class SinhOp(Unary):
    """`(eˣ - e⁻ˣ) / 2`; below 1 in magnitude `2t / (1 - t²)`, `t = tanh(x / 2)`."""

    name = "top.Sinh"

    def formula(self, x: Term) -> Term:
        size, t = absolute(x), tanh(x * 0.5)
        root = exp(size * 0.5)
        far = (root * 0.5) * root - 0.5 / (root * root)
        return select(less(size, 1.0), (t + t) / (1.0 - t * t), signed(far, x))


@irdl_op_definition
class CoshOp(Unary):
    """`(eˣ + e⁻ˣ) / 2`"""

    name = "top.Cosh"

    def formula(self, x: Term) -> Term:
        root = exp(absolute(x) * 0.5)
        return (root * 0.5) * root + 0.5 / (root * root)


@irdl_op_definition
class ArcsinhOp(Unary):
    """`ln(|x| + √(x² + 1))` with the sign of `x`."""

    name = "top.Arcsinh"

    def formula(self, x: Term) -> Term:
        size = absolute(x)
        square = size * size
        near = log1p(size + square / (1.0 + sqrt(1.0 + square)))
        return signed(select(less(LARGE, size), f.log(size) + math.log(2.0), near), x)


@irdl_op_definition
class ArccoshOp(Unary):
    """`ln(x + √(x² - 1))`; NaN below 1."""

    name = "top.Arccosh"

    def formula(self, x: Term) -> Term:
        rest = x - 1.0
        near = log1p(rest + sqrt(rest * (x + 1.0)))
        return select(less(LARGE, x), f.log(x) + math.log(2.0), near)


@irdl_op_definition
class ArctanhOp(Unary):
    """`ln((1 + x) / (1 - x)) / 2`; NaN beyond ±1."""

    name = "top.Arctanh"

    def formula(self, x: Term) -> Term:
        size = absolute(x)
        return signed(log1p((size + size) / (1.0 - size)) * 0.5, x)
