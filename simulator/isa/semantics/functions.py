"""The functions of ARITH, on f32 and on i32, each with a sample that a test runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Function:
    """What a function makes of f32 and of i32, empty where it has none; samples: operands, an arrow, the result."""

    real: str = ""
    real_sample: str = ""
    whole: str = ""
    whole_sample: str = ""


_WRAPS = "modulo 2^32"

FUNCTIONS: Mapping[str, Function] = {
    "add": Function("f32(a + b)", "16777216 1 → 16777216", _WRAPS, "2147483647 1 → -2147483648"),
    "sub": Function("f32(a - b)", "1 0.9 → 0.100000024", _WRAPS, "3 5 → -2"),
    "mul": Function("f32(a · b)", "0.1 3 → 0.3", _WRAPS, "65536 65536 → 0"),
    "div": Function("f32(a ÷ b)", "1 3 → 0.33333334", "cut towards zero; 0 for b = 0", "-7 2 → -3"),
    "max": Function("IEEE maximum: NaN wins, -0 < +0", "-0 0 → 0", "the greater", "-1 1 → 1"),
    "min": Function("IEEE minimum: NaN wins, -0 < +0", "0 -0 → -0", "the less", "-1 1 → -1"),
    "abs": Function("the sign cleared", "-0 → 0", "modulo 2^32", "-2147483648 → -2147483648"),
    "sqrt": Function("correctly rounded; NaN below 0, -0 of -0", "2 → 1.4142135"),
    "exp": Function("steps of §6", "1 → 2.7182817"),
    "log": Function("natural; steps of §6", "10 → 2.3025851"),
    "tanh": Function("steps of §6", "0.5 → 0.46211717"),
    "erf": Function("steps of §6", "0.5 → 0.5204998"),
    "sin": Function("steps of §6", "1 → 0.84147096"),
    "cos": Function("steps of §6", "1 → 0.5403023"),
    "floor": Function("down to a whole number", "-0.5 → -1"),
    "ceil": Function("up to a whole number; -0 from (-1, 0)", "-0.5 → -0"),
    "round": Function("to the nearest whole number, ties to even", "2.5 → 2"),
    "lt": Function("a < b ? 1 : 0; 0 with a NaN", "nan 1 → 0", "a < b ? 1 : 0", "-1 1 → 1"),
    "le": Function("a ≤ b ? 1 : 0; 0 with a NaN", "1 1 → 1", "a ≤ b ? 1 : 0", "2 1 → 0"),
    "eq": Function("a = b ? 1 : 0; 0 with a NaN", "-0 0 → 1", "a = b ? 1 : 0", "3 3 → 1"),
    "bitand": Function(whole="bit by bit", whole_sample="12 10 → 8"),
    "bitor": Function(whole="bit by bit", whole_sample="12 10 → 14"),
    "bitxor": Function(whole="bit by bit", whole_sample="12 10 → 6"),
    "shl": Function(whole="a · 2^b modulo 2^32; 0 for a b outside 0…31", whole_sample="3 31 → -2147483648"),
    "shr": Function(whole="⌊a ÷ 2^b⌋; as by 31 for a b outside 0…31", whole_sample="-5 1 → -3"),
    "mod": Function(
        "exact; fmod, plus b if it isn't 0 and differs from b in sign; a zero has the sign of b", "-7 3 → 2",
        "of the sign of b; a for b = 0", "-7 3 → 2",
    ),
    "fmod": Function(
        "exact remainder of the quotient cut towards zero, of the sign of a; NaN for a = ±∞ or b = 0", "-7 3 → -1",
        "a - b·(a div b); a for b = 0", "-7 3 → -1",
    ),
    "pow": Function(
        "steps of §6", "2 0.5 → 1.4142135",
        "modulo 2^32; for b < 0 the true 1 ÷ a^|b| cut towards zero, 0 for a = 0", "-1 -3 → -1",
    ),
    "atan": Function("steps of §6", "1 → 0.7853982"),
    "copy": Function("a", "nan → nan", "a", "-5 → -5"),
}  # fmt: skip
"""By name."""
