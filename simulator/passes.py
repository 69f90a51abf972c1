"""
How often the element units go over a vector for each function, with the reason (docs/isa.md, Time).

Numbers that a test freezes: what a record costs follows from them (`simulator.timing`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Passes:
    """Passes of the element units over a vector, and the reason for that number."""

    count: int
    why: str


def _polynomials(*degrees: int, beside: int = 0, why: str) -> Passes:
    """2·degree − 1 products and sums for each polynomial that `simulator.arithmetic.functions` evaluates."""
    return Passes(sum(2 * degree - 1 for degree in degrees) + beside, why)


PASSES: Mapping[str, Passes] = {
    **{f: Passes(1, "one step of the element unit") for f in ("add", "sub", "mul", "max", "min", "abs")},
    **{f: Passes(1, "one step: a rounding") for f in ("floor", "ceil", "round")},
    "div": Passes(5, "correctly rounded: an estimate, two Newton steps, the remainder, the correction"),
    "sqrt": Passes(5, "correctly rounded, by the same steps as div"),
    "exp": _polynomials(7, why="degree 7 in r; reduction and 2^n are shifts of the exponent"),
    "log": _polynomials(11, why="degree 11 in the mantissa; the exponent is split off for free"),
    "tanh": _polynomials(5, 7, beside=7, why="x·p(x²) and, for large x, exp, two sums and a division"),
    "erf": _polynomials(7, 6, 7, beside=1, why="x·p(x²) and, for large x, one minus exp of a polynomial"),
    "sin": _polynomials(4, 4, beside=6, why="sine and cosine parts in r², after three products and sums of reduction"),
    "cos": _polynomials(4, 4, beside=6, why="as sin, a quarter turn on"),
    "atan": _polynomials(5, beside=7, why="x·p(x²), after a sum, a difference and a division of reduction"),
    "pow": _polynomials(11, 7, beside=5, why="exp of b·log a, and the sign; of integers ten products and squares"),
    **{f: Passes(1, "one step: a comparison") for f in ("lt", "le", "eq")},
    **{f: Passes(1, "one step on the bits") for f in ("bitand", "bitor", "bitxor", "shl", "shr", "copy")},
    **{f: Passes(28, "the division's steps for 24 bits of the quotient at a time") for f in ("mod", "fmod")},
    "SELECT": Passes(2, "one pass reads cond, one the two values, through the same ports"),
    "COPY": Passes(1, "one word in, one word out"),
    "LUT": Passes(2, "one pass reads the indices, one the table, through the same port"),
    "LUT which": Passes(3, "one pass more, which reads the numbers of the tables"),
    "RESCALE_ADD": Passes(2, "two products and the shift, the sum in between is free"),
    "RESCALE_MUL": Passes(2, "one product, then requantise"),
    "CAST": Passes(1, "one rounding, float to float"),
    "CAST dequantise": Passes(2, "minus the zero point, times the scale"),
    "CAST quantise": Passes(5, "divides by the scale"),
    "POOL": Passes(1, "a pass for each tap of the window"),
    "POOL avg float": Passes(5, "beside the taps: a division"),
    "POOL avg integer": Passes(2, "beside the taps: requantise"),
    "DWCONV": Passes(1, "a pass for each tap of the kernel; bias and requantise are in its pipeline"),
    "RESAMPLE pick": Passes(1, "one word in, one word out, from another row or turned by columns"),
    "RESAMPLE sum": Passes(2, "a product and a sum for each tap"),
    "RESAMPLE requantise": Passes(2, "requantises each result"),
    "REDUCE": Passes(1, "a pass over what is read"),
    "REDUCE mean float": Passes(5, "a division of each result"),
    "REDUCE mean integer": Passes(2, "requantises each result"),
}
"""Passes of the element units over each vector, by ARITH function, or by op and variant."""
