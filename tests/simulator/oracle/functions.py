"""The functions of ARITH on f32 as docs/numerics.md has them: scalars, one rounding a step, in the order written."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from tests.simulator.oracle.numbers import F, maximum, minimum

EXP = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
LOG = (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
       2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)  # fmt: skip
TANH = (-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1)
ERF = (7.853861353153693e-5, -8.010193625184903e-4, 5.188327685732524e-3, -2.685381193529856e-2,
       1.128358514861418e-1, -3.761262582423300e-1, 1.128379165726710e0)  # fmt: skip
LOG_ERFC = (1.6857356e-4, -2.7785151e-3, 2.1183311e-2, -1.0178229e-1, -6.3962268e-1, -1.1262260, -5.4792047e-4)
SIN = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
COS = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
ATAN = (8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1)

NAN, INF = F(math.nan), F(math.inf)


def horner(coefficients: tuple[float, ...], z: F) -> F:
    """`((c₀·z + c₁)·z + …)·z + cₙ`."""
    made = F(coefficients[0])
    for c in coefficients[1:]:
        made = F(F(made * z) + F(c))
    return made


def exp(x: F) -> F:
    """e^x by n·ln 2 and a polynomial of the rest; the power of two is put on in two halves."""
    if np.isnan(x):
        return NAN
    x = minimum(maximum(x, F(-104)), F(89))
    n = int(np.rint(F(x * F(math.log2(math.e)))))
    r = F(F(x - F(F(n) * F(0.693359375))) - F(F(n) * F(-2.12194440e-4)))
    y = F(F(F(horner(EXP, r) * F(r * r)) + r) + F(1))
    return F(F(y * F(2.0 ** (n // 2))) * F(2.0 ** (n - n // 2)))


def log(x: F) -> F:
    """The natural logarithm by the exponent and a polynomial of the mantissa."""
    if np.isnan(x) or x < 0:
        return NAN
    if x == 0 or x == INF:
        return F(-INF) if x == 0 else INF
    mantissa, exponent = math.frexp(float(x))
    m, e = F(mantissa), F(exponent)
    if m < F(math.sqrt(0.5)):
        e, f = F(e - F(1)), F(F(m + m) - F(1))
    else:
        f = F(m - F(1))
    z = F(f * f)
    y = F(F(F(F(horner(LOG, f) * f) * z) + F(e * F(-2.12194440e-4))) - F(F(0.5) * z))
    return F(F(f + y) + F(e * F(0.693359375)))


def tanh(x: F) -> F:
    """A polynomial near 0, else by exp."""
    size = F(abs(x))
    if size < F(0.625):
        z = F(x * x)
        made = F(F(F(horner(TANH, z) * z) * x) + x)
    else:
        made = F(F(1) - F(F(2) / F(exp(minimum(F(size + size), F(19))) + F(1))))
    return F(np.copysign(made, x))


def erf(x: F) -> F:
    """A polynomial near 0, else by exp of one."""
    size = F(abs(x))
    if size < F(1):
        return F(horner(ERF, F(x * x)) * x)
    return F(np.copysign(F(F(1) - exp(horner(LOG_ERFC, minimum(size, F(3.95))))), x))


def _turn(x: F, quarters: int) -> F:
    """The sine of x and so many quarter turns."""
    if np.isnan(x) or np.isinf(x):
        return NAN
    n = np.rint(F(x * F(2 / math.pi)))
    r = F(F(F(x - F(n * F(1.5703125))) - F(n * F(4.837512969970703125e-4))) - F(n * F(7.54978995489188216e-8)))
    r = minimum(maximum(r, F(-0.8)), F(0.8))
    z, quadrant = F(r * r), (int(n) + quarters) % 4
    if quadrant % 2:
        made = F(F(F(F(horner(COS, z) * z) * z) - F(F(0.5) * z)) + F(1))
    else:
        made = F(F(F(horner(SIN, z) * z) * r) + r)
    return F(-made) if quadrant >= 2 else made


def atan(x: F) -> F:
    """A polynomial of x, or of what is left of it after an eighth or a quarter of a turn."""
    size = F(abs(x))
    if size > F(math.tan(3 * math.pi / 8)):
        y, r = F(math.pi / 2), F(F(-1) / size)
    elif size > F(math.tan(math.pi / 8)):
        y, r = F(math.pi / 4), F(F(size - F(1)) / F(size + F(1)))
    else:
        y, r = F(0), size
    z = F(r * r)
    return F(np.copysign(F(y + F(F(F(horner(ATAN, z) * z) * r) + r)), x))


def power(x: F, y: F) -> F:
    """`exp(y·log|x|)` and its many exceptions, the last of which comes first here."""
    if y == 0 or x == 1:
        return F(1)
    if np.isnan(x) or np.isnan(y) or (x < 0 and not np.isinf(x) and np.floor(y) != y):
        return NAN
    size = F(abs(x))
    made = F(1) if size == 1 else exp(F(y * log(size)))
    odd = F(y - F(F(2) * np.floor(F(F(0.5) * y)))) == 1
    return F(-made) if np.signbit(x) and odd else made


def fmod(x: F, y: F) -> F:
    """The exact remainder of the quotient cut towards zero, with the sign of x."""
    if np.isnan(x) or np.isnan(y) or np.isinf(x) or y == 0:
        return NAN
    # Python's is exact on its floats, and the remainder of two f32 is an f32.
    return F(math.fmod(float(x), float(y)))


def mod(x: F, y: F) -> F:
    """The same, moved to the sign of y."""
    rest = fmod(x, y)
    if rest == 0:
        return F(np.copysign(F(0), y))
    return F(rest + y) if (rest < 0) != (y < 0) and not np.isnan(rest) else rest


BINARY: Mapping[str, Callable[[F, F], F]] = {
    "add": lambda a, b: F(a + b), "sub": lambda a, b: F(a - b), "mul": lambda a, b: F(a * b),
    "div": lambda a, b: F(a / b), "max": maximum, "min": minimum, "lt": lambda a, b: F(a < b),
    "le": lambda a, b: F(a <= b), "eq": lambda a, b: F(a == b), "mod": mod, "fmod": fmod, "pow": power,
}  # fmt: skip
UNARY: Mapping[str, Callable[[F], F]] = {
    "abs": lambda a: F(abs(a)), "sqrt": lambda a: F(np.sqrt(a)), "exp": exp, "log": log, "tanh": tanh, "erf": erf,
    "sin": lambda a: _turn(a, 0), "cos": lambda a: _turn(a, 1), "floor": lambda a: F(np.floor(a)),
    "ceil": lambda a: F(np.ceil(a)), "round": lambda a: F(np.rint(a)), "atan": atan, "copy": lambda a: a,
}  # fmt: skip
