"""
The elementwise functions of the chip on f32, each one a stated sequence of f32 steps (`docs/numerics.md`).

`+ - * / √` are IEEE 754 correctly rounded. exp, log, tanh, erf, sin, cos, atan are polynomials: every product and sum
below is rounded to f32, in the order written; no libm and no numpy transcendental takes part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.arithmetic.casts import maximum, minimum

Float32 = NDArray[Any]
Function = Callable[..., Float32]

F = np.float32


def horner(x: Float32, coefficients: tuple[float, ...]) -> Float32:
    """`(…(c₀·x + c₁)·x + …)·x + cₙ`, each product and each sum rounded."""
    made: Any = F(coefficients[0])
    for c in coefficients[1:]:
        made = made * x + F(c)
    return made


BLOCK = 1 << 15
"""Elements that a polynomial's steps go over at a time."""

EXP = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
EXP_LOW, EXP_HIGH = -104.0, 89.0
LOG2_E, LN2_HIGH, LN2_LOW = 1.44269504088896341, 0.693359375, -2.12194440e-4
LOG = (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
       2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)  # fmt: skip
SQRT_HALF = 0.707106781186547524
TANH = (-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1)
TANH_NEAR, TANH_FAR = 0.625, 9.5
ERF = (7.853861353153693e-5, -8.010193625184903e-4, 5.188327685732524e-3, -2.685381193529856e-2,
       1.128358514861418e-1, -3.761262582423300e-1, 1.128379165726710e0)  # fmt: skip
LOG_ERFC = (1.6857356e-4, -2.7785151e-3, 2.1183311e-2, -1.0178229e-1, -6.3962268e-1, -1.1262260, -5.4792047e-4)
ERF_NEAR, ERF_FAR = 1.0, 3.95
SIN = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
COS = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
TWO_OVER_PI = 0.636619772367581343
HALF_PI = (1.5703125, 4.837512969970703125e-4, 7.54978995489188216e-8)
REST = 0.8
ATAN = (8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1)
ATAN_NEAR, ATAN_FAR = 0.4142135623730950, 2.414213562373095
HALF_TURN, QUARTER_TURN = 1.5707963267948966, 0.7853981633974483


def exp(x: Float32) -> Float32:
    """e^x: n = rne(x·log₂e), r = x - n·ln 2 in two steps, (r²·P(r) + r) + 1, times 2^n."""
    inside = np.minimum(np.maximum(x, F(EXP_LOW)), F(EXP_HIGH))
    n = np.rint(inside * F(LOG2_E))
    r = (inside - n * F(LN2_HIGH)) - n * F(LN2_LOW)
    return _scale((horner(r, EXP) * (r * r) + r) + F(1), n)


def log(x: Float32) -> Float32:
    """Natural logarithm: x = m·2^e, m in [√½, √2), f = m - 1; e·ln 2 joins in two parts. Negative → NaN, ±0 → -inf."""
    fraction, exponent = _split(x)
    small = fraction < F(SQRT_HALF)
    e = exponent - small.astype(np.float32)
    f = np.where(small, (fraction + fraction) - F(1), fraction - F(1))
    z = f * f
    y = ((horner(f, LOG) * f) * z + e * F(LN2_LOW)) - F(0.5) * z
    y = (f + y) + e * F(LN2_HIGH)
    y = np.where(x == F(np.inf), F(np.inf), y)
    y = np.where(x == F(0), F(-np.inf), y)
    return np.where(x >= F(0), y, F(np.nan))


def tanh(x: Float32) -> Float32:
    """Below 0.625 in magnitude x³·P(x²) + x, above 1 - 2 ÷ (e^(2|x|) + 1) with the sign of x."""
    size = np.abs(x)
    z = x * x
    near = (horner(z, TANH) * z) * x + x
    far = F(1) - F(2) / (exp(np.minimum(size + size, F(2 * TANH_FAR))) + F(1))
    return np.copysign(np.where(size < F(TANH_NEAR), near, far), x)


def erf(x: Float32) -> Float32:
    """Below 1 in magnitude x·P(x²), above 1 - e^Q(|x|) with the sign of x, |x| cut at 3.95."""
    size = np.abs(x)
    near = horner(x * x, ERF) * x
    far = F(1) - exp(horner(np.minimum(size, F(ERF_FAR)), LOG_ERFC))
    return np.where(size < F(ERF_NEAR), near, np.copysign(far, x))


def atan(x: Float32) -> Float32:
    """
    The arc tangent: y + (((P(z)·z)·r) + r) with the sign of x, z = r·r.

    Above tan 3π/8 in magnitude y = π/2, r = -1 ÷ |x|; above tan π/8 y = π/4, r = (|x| - 1) ÷ (|x| + 1); else 0, |x|.
    """
    size = np.abs(x)
    far, middle = size > F(ATAN_FAR), size > F(ATAN_NEAR)
    r = np.where(far, F(-1) / size, np.where(middle, (size - F(1)) / (size + F(1)), size))
    y = np.where(far, F(HALF_TURN), np.where(middle, F(QUARTER_TURN), F(0)))
    z = r * r
    return np.copysign(y + ((horner(z, ATAN) * z) * r + r), x)


def power(x: Float32, y: Float32) -> Float32:
    """
    x^y: exp(y·log|x|), 1 where |x| is 1, negated where x is negative (-0 too) and y odd.

    1 where y is 0; NaN where x is negative and finite and y is no whole number.
    """
    size, down = np.abs(x), np.floor(y)
    made = np.where(size == F(1), F(1), exp(y * log(size)))
    odd = (y - F(2) * np.floor(y * F(0.5))) == F(1)
    made = np.where(np.signbit(x) & odd, -made, made)
    made = np.where((x < F(0)) & (size < F(np.inf)) & (down != y), F(np.nan), made)
    made = np.where(np.isnan(x) | (np.isnan(y) & (x != F(1))), F(np.nan), made)
    return np.where(y == F(0), F(1), made)


def modulo(x: Float32, y: Float32) -> Float32:
    """The exact remainder of the quotient cut towards zero, plus y where it and y differ in sign; 0 has y's sign."""
    rest = np.fmod(x, y)
    moved = np.where((rest < F(0)) != (y < F(0)), rest + y, rest)
    return np.where(rest == F(0), np.copysign(F(0), y), moved)


def _flag(compare: Callable[..., Float32]) -> Function:
    """A comparison as 1.0 or 0.0; with NaN it is false."""

    def flag(x: Float32, y: Float32) -> Float32:
        return np.asarray(compare(x, y), np.float32)

    return flag


def sin(x: Float32) -> Float32:
    """The quarter turn that x lies in, then `_sine` or `_cosine` of the rest."""
    return _turn(x, 0)


def cos(x: Float32) -> Float32:
    """sin, a quarter turn on."""
    return _turn(x, 1)


def _turn(x: Float32, quarters: int) -> Float32:
    """sin(x + quarters·π/2): n = rne(x·2/π), r = x - n·π/2 in three steps, cut to ±0.8 (it bites for huge x only)."""
    n = np.rint(x * F(TWO_OVER_PI))
    r = ((x - n * F(HALF_PI[0])) - n * F(HALF_PI[1])) - n * F(HALF_PI[2])
    r = np.minimum(np.maximum(r, F(-REST)), F(REST))
    quadrant = (n - F(4) * np.floor(n * F(0.25))) + F(quarters)
    z = r * r
    sine = (horner(z, SIN) * z) * r + r
    cosine = ((horner(z, COS) * z) * z - F(0.5) * z) + F(1)
    made = np.where((quadrant == 1) | (quadrant == 3), cosine, sine)
    return np.where((quadrant == 2) | (quadrant == 3), -made, made)


def _scale(y: Float32, n: Float32) -> Float32:
    """y·2^n: first by the half of n rounded down, then by the rest, so that only the last product rounds."""
    half = np.floor(n * F(0.5))
    return (y * _power_of_two(half)) * _power_of_two(n - half)


def _power_of_two(n: Float32) -> Float32:
    """2^n for whole n in -126…127; 1 where n is NaN."""
    return ((np.nan_to_num(n).astype(np.int32) + np.int32(127)) << np.int32(23)).view(np.float32)


def _split(x: Float32) -> tuple[Float32, Float32]:
    """(m, e) with |x| = m·2^e, m in [½, 1); a subnormal is scaled up by 2^25 first."""
    tiny = np.abs(x) < F(2.0**-126)
    bits = np.where(tiny, x * F(2.0**25), x).view(np.int32) & np.int32(0x7FFFFFFF)
    e = (bits >> 23) - np.int32(126) - np.where(tiny, np.int32(25), np.int32(0))
    return ((bits & np.int32(0x007FFFFF)) | np.int32(0x3F000000)).view(np.float32), e.astype(np.float32)


def in_blocks(function: Function) -> Function:
    """The function of one operand, block after block, so that what its steps leave behind stays in the cache."""

    @wraps(function)
    def run(x: Float32) -> Float32:
        if x.size <= BLOCK:
            return function(x)
        flat, made = x.reshape(-1), np.empty(x.shape, np.float32)
        for start in range(0, x.size, BLOCK):
            made.reshape(-1)[start : start + BLOCK] = function(flat[start : start + BLOCK])
        return made

    return run


def quiet(function: Function) -> Function:
    """The function on f32 arrays, infinities and NaNs made without a warning."""

    @wraps(function)
    def run(*operands: Float32) -> Float32:
        with np.errstate(all="ignore"):
            return function(*(np.asarray(operand, np.float32) for operand in operands))

    return run


FUNCTIONS: Mapping[str, Function] = {
    name: quiet(function)
    for name, function in {
        "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "max": maximum, "min": minimum,
        "abs": np.abs, "sqrt": np.sqrt, "floor": np.floor, "ceil": np.ceil, "round": np.rint,
        "lt": _flag(np.less), "le": _flag(np.less_equal), "eq": _flag(np.equal), "copy": np.positive,
        "mod": modulo, "fmod": np.fmod, "pow": power,
        **{f.__name__: in_blocks(f) for f in (exp, log, tanh, erf, sin, cos, atan)},
    }.items()
}  # fmt: skip
"""Every function of ARITH on f32 by name, on arrays that broadcast."""
