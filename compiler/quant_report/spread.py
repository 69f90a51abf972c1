"""Which values a tensor took over the calibration samples, as the report draws and cuts them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.quantization.histogram import Histogram


@dataclass(frozen=True)
class Spread:
    """Counts (n) of values other than zero between `edges` (n + 1), rising, and the least and greatest value."""

    counts: NDArray[np.float64]
    edges: NDArray[np.float64]
    low: float
    high: float

    @classmethod
    def of(cls, histogram: Histogram) -> Spread | None:
        """A calibrated tensor's; None of one that had no element."""
        if histogram.low > histogram.high:
            return None
        reach = math.ldexp(1.0, histogram.exponent or 0)
        edges = np.linspace(-reach, reach, len(histogram.counts) + 1)
        return cls(histogram.counts.astype(np.float64), edges, histogram.low, histogram.high)

    def beyond(self, low: float, high: float) -> float:
        """The share of the values below `low` or above `high`; those of a bin are taken as spread evenly over it."""
        total = float(self.counts.sum())
        if not total or (low <= self.low and self.high <= high):
            return 0.0
        sums = np.concatenate([[0.0], np.cumsum(self.counts)])
        below, upto = np.interp([low, high], self.edges, sums)
        outside = (below if self.low < low else 0.0) + (total - upto if self.high > high else 0.0)
        return float(outside / total)

    def steps(self, low: float, high: float, parts: int) -> NDArray[np.float64]:
        """The counts over `parts` equal steps of [`low`, `high`]."""
        sums = np.concatenate([[0.0], np.cumsum(self.counts)])
        return np.diff(np.interp(np.linspace(low, high, parts + 1), self.edges, sums))
