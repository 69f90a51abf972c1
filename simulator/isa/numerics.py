"""The part of `docs/numerics.md` that is made of the code: the coefficients and constants of ARITH's functions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np

from simulator.arithmetic import functions
from simulator.isa.document import table

POLYNOMIALS = ("EXP", "LOG", "TANH", "ERF", "LOG_ERFC", "SIN", "COS", "ATAN")
"""By their names in `simulator.arithmetic.functions`; c₀, of the highest power, is first."""

CONSTANTS: Mapping[str, float] = {
    "log₂e": functions.LOG2_E,
    "0.693359375": functions.LN2_HIGH,
    "-2.12194440e-4": functions.LN2_LOW,
    "√½": functions.SQRT_HALF,
    "2/π": functions.TWO_OVER_PI,
    "1.5703125": functions.HALF_PI[0],
    "4.837512969970703125e-4": functions.HALF_PI[1],
    "7.54978995489188216e-8": functions.HALF_PI[2],
    "tan π/8": functions.ATAN_NEAR,
    "tan 3π/8": functions.ATAN_FAR,
    "π/2": functions.HALF_TURN,
    "π/4": functions.QUARTER_TURN,
}
"""What the steps call them, and what they are before they are rounded to f32."""

_BLOCK = re.compile(r"(<!-- made: coefficients -->\n).*?(<!-- end -->\n)", re.DOTALL)


def filled(text: str) -> str:
    """The page with its made part as the code has it."""
    return _BLOCK.sub(lambda found: found[1] + _tables() + found[2], text)


def _tables() -> str:
    rows = (row for name in POLYNOMIALS for row in _polynomial(name))
    constants = ((name, repr(value), _bits(value)) for name, value in CONSTANTS.items())
    return "\n".join(
        (
            "",
            table(("polynomial", "coefficient", "value", "f32 bits"), rows),
            table(("constant", "value", "f32 bits"), constants),
            "",
        )
    )


def _polynomial(name: str) -> Iterator[tuple[str, str, str, str]]:
    coefficients: tuple[float, ...] = getattr(functions, name)
    for i, value in enumerate(coefficients):
        yield (name if i == 0 else ""), f"c{i}", repr(value), _bits(value)


def _bits(value: float) -> str:
    return f"`{np.float32(value).view(np.uint32):08X}`"
