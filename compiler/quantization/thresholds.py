"""Where to cut a tensor's range: the threshold that each calibration method takes from a histogram."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.quantization.histogram import Histogram
from simulator.arithmetic.compiled import compiled

Array = NDArray[Any]

SHARE = 0.9999
"""Of the non-zero values that `percentile` keeps: TPU-MLIR's percentile9999."""
LEVELS = 128
"""Magnitudes that `kl` tells apart, as in TensorRT's calibration (Migacz, GTC 2017)."""
FEW = 8
"""Values a bin, on average, below which `kl` doesn't trust a histogram."""
KL_STEP = 4
"""Bins between the thresholds that `kl` tries."""


class UnknownMethod(ValueError):
    """A calibration method that there isn't; the message lists those there are."""


def threshold(method: str, histogram: Histogram) -> float:
    """The threshold by that method: positive, at most the largest magnitude; 0 for a tensor of zeros."""
    if method not in METHODS:
        raise UnknownMethod(f"no calibration method {method!r}; there are {', '.join(METHODS)}")
    if histogram.magnitude == 0:
        return 0.0
    return min(METHODS[method](histogram), histogram.magnitude)


def largest(histogram: Histogram) -> float:
    """The largest magnitude: nothing saturates."""
    return histogram.magnitude


def percentile(histogram: Histogram) -> float:
    """The least bin edge that `SHARE` of the non-zero values lie below."""
    upto = np.cumsum(histogram.magnitudes)
    return float(histogram.edges[np.searchsorted(upto, SHARE * upto[-1])])


def least_squares(histogram: Histogram) -> float:
    """
    The bin edge with the least squared error: saturation above it, rounding below.

    Rounding costs step²/12 a value, step = threshold / 255 where no value is negative (u8), / 127 otherwise. A value
    counts as the middle of its bin.
    """
    counts, edges = histogram.magnitudes, histogram.edges
    middles = edges - edges[0] / 2
    above = [np.cumsum((counts * middles**power)[::-1])[::-1] for power in range(3)]
    # Values beyond edge i are those of bins i + 1 and on.
    n, first, second = (np.append(part[1:], 0.0) for part in above)
    saturation = second - 2 * edges * first + edges**2 * n
    step = edges / (255 if histogram.low >= 0 else 127)
    return float(edges[np.argmin(saturation + step**2 / 12 * (counts.sum() - n))])


def relative_entropy(histogram: Histogram) -> float:
    """
    The bin edge at which 8-bit values tell most about the real ones: the least Kullback-Leibler divergence.

    The reference distribution is the histogram up to the edge, with what lies above in its last bin; its rival is the
    same cut into LEVELS equal parts, the counts of each spread evenly over its non-empty bins. Where values are few,
    neighbouring bins are merged first: a bin that is empty by chance would make any cut look good.
    """
    counts, edges = histogram.magnitudes, histogram.edges
    while counts.sum() < FEW * len(counts) and len(counts) >= 4 * LEVELS:
        counts, edges = counts[0::2] + counts[1::2], edges[1::2]
    last = int(np.flatnonzero(counts)[-1]) + 1
    if last <= LEVELS or counts.sum() < FEW * len(counts):
        return histogram.magnitude
    return float(edges[_least_divergence(counts[:last], LEVELS, KL_STEP) - 1])


METHODS: Mapping[str, Callable[[Histogram], float]] = {
    "max": largest, "kl": relative_entropy, "percentile": percentile, "mse": least_squares,
}  # fmt: skip
"""The calibration methods by name."""


@compiled
def _least_divergence(counts: Array, levels: int, step: int) -> int:  # pragma: no cover
    """The number of bins kept, from `levels` to all, whose quantised distribution diverges least."""
    total, best, kept = np.float64(counts.sum()), np.inf, counts.size
    beyond = total
    for i in range(levels):
        beyond -= counts[i]
    start = levels + (counts.size - levels) % step
    for i in range(levels, start):
        beyond -= counts[i]
    for bins in range(start, counts.size + 1, step):
        divergence = 0.0
        for level in range(levels):
            first, end = level * bins // levels, (level + 1) * bins // levels
            mass, filled = 0.0, 0
            for i in range(first, end):
                if counts[i] > 0:
                    mass += counts[i]
                    filled += 1
            for i in range(first, end):
                p = counts[i] + (beyond if i == bins - 1 else 0.0)
                if p > 0:
                    # Mass that the rival lacks counts as one part in a million, so that cutting it off is dear.
                    q = mass / filled if counts[i] > 0 else 1e-6 * total
                    divergence += p / total * np.log(p / total / (q / (total - beyond)))
        if divergence < best:
            best, kept = divergence, bins
        for i in range(bins, min(bins + step, counts.size)):
            beyond -= counts[i]
    return kept
