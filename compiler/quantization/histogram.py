"""Histograms of magnitudes that grow with the data: one pass over it, whatever range turns up."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.arithmetic.compiled import compiled

Array = NDArray[Any]


class Histogram:
    """
    Counts of |x| in `bins` equal bins over [0, 2^exponent); zeros, which any scale holds, are left out.

    When a larger magnitude comes, neighbouring bins are merged until the range holds it: counts stay exact, and the
    largest magnitude always lies in the upper half of the bins. `low`, `high` are the least and greatest x.
    """

    def __init__(self, bins: int) -> None:
        if bins < 256 or bins % 2:
            raise ValueError(f"{bins} bins: thresholds of 8-bit types need an even number, 256 or more")
        self.counts = np.zeros(bins, np.int64)
        self.exponent: int | None = None
        self.low, self.high = math.inf, -math.inf

    @property
    def magnitude(self) -> float:
        """The largest |x|; 0 before any."""
        return max(-self.low, self.high, 0.0)

    @property
    def edges(self) -> Array:
        """The bins' upper ends, float64."""
        width = math.ldexp(1.0, self.exponent or 0) / len(self.counts)
        return np.arange(1, len(self.counts) + 1) * width

    def add(self, x: Array) -> None:
        """Count the elements of `x`, f32. Raises ValueError if one of them isn't finite; nothing is counted then."""
        if not x.size:
            return
        low, high = float(x.min()), float(x.max())
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ValueError("not every value is finite")
        self.low, self.high = min(self.low, low), max(self.high, high)
        if self.magnitude > 0:
            self._grow(math.frexp(self.magnitude)[1])
            scale = math.ldexp(float(len(self.counts)), -(self.exponent or 0))
            _count(np.ascontiguousarray(x, np.float32).reshape(-1), scale, self.counts)

    def _grow(self, exponent: int) -> None:
        while self.exponent is not None and self.exponent < exponent:
            half = len(self.counts) // 2
            self.counts[:half] = self.counts[0::2] + self.counts[1::2]
            self.counts[half:] = 0
            self.exponent += 1
        self.exponent = exponent if self.exponent is None else self.exponent


@compiled
def _count(x: Array, scale: float, counts: Array) -> None:  # pragma: no cover
    # A power of two scales exactly, in double precision.
    for i in range(x.size):
        if x[i] != 0:
            counts[np.uintp(abs(np.float64(x[i])) * scale)] += 1
