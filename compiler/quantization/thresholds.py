"""
Where to cut a tensor's range: what each calibration method takes from a histogram, an 8-bit type in view.

A method says from where to where values are kept. Around zero the type has steps of max(-low, high) / 127, or of
high / 255 where nothing negative is kept; from an end to the other it has steps of (high - low) / 255.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.quantization.histogram import Histogram
from simulator.arithmetic.compiled import compiled

Array = NDArray[Any]
Range = tuple[float, float]
"""The least and the greatest value that is kept."""

SHARE = 0.9999
"""Of the non-zero values that `percentile` keeps: TPU-MLIR's percentile9999."""
LEVELS = 128
"""Magnitudes that `kl` tells apart, as in TensorRT's calibration (Migacz, GTC 2017)."""
FEW = 8
"""Values a bin, on average, below which `kl` doesn't trust a histogram."""
KL_STEP = 4
"""Bins between the thresholds that `kl` tries."""
GAUSS, LAPLACE = (3.92403537, 4.21633168), (9.89675980, 11.16268504)
"""
Of ACIQ (Banner et al., 2019), in standard deviations and in mean magnitudes: where
`2·∫(x - a)²p + a²/(3·4^M)` is least, for M = 8 bits of both signs, and for M = 9, as u8 has them on one side.
"""
TURNS = 8
"""Times that `mse` moves one end with the other kept, at most; two or three do nearly always."""


class UnknownMethod(ValueError):
    """A calibration method that there isn't; the message lists those there are."""


def range_of(method: str, histogram: Histogram, asymmetric: bool = False) -> Range:
    """
    What the method keeps of a tensor, for types around zero or from end to end; at most what it has, (0, 0) of zeros.

    Raises UnknownMethod.
    """
    if method not in METHODS:
        raise UnknownMethod(f"no calibration method {method!r}; there are {', '.join([*METHODS, AUTO])}")
    return kept(METHODS[method], histogram, asymmetric)


def kept(rule: Callable[[Histogram, bool], Range], histogram: Histogram, asymmetric: bool) -> Range:
    """What a rule keeps of what a tensor has."""
    if histogram.magnitude == 0:
        return (0.0, 0.0)
    low, high = rule(histogram, asymmetric)
    # Values that all lie beyond what is kept leave its end alone.
    return min(max(low, histogram.low), high), max(min(high, histogram.high), low)


def ranges_by_method(histogram: Histogram, asymmetric: bool = False) -> dict[str, Range]:
    """What each method keeps."""
    return {method: range_of(method, histogram, asymmetric) for method in METHODS}


def largest(histogram: Histogram, asymmetric: bool) -> Range:
    """All: nothing saturates."""
    return histogram.low, histogram.high


def percentile(histogram: Histogram, asymmetric: bool) -> Range:
    """Up to the least bin edge that `SHARE` of the non-zero values lie below, on both sides."""
    upto = np.cumsum(histogram.magnitudes)
    return _around_zero(float(histogram.edges[np.searchsorted(upto, SHARE * upto[-1])]))


def least_squares(histogram: Histogram, asymmetric: bool, dear: float = 1.0) -> Range:
    """
    The bin edges with the least squared error: saturation beyond them, rounding between.

    Rounding costs step²/12 a value, saturation is `dear` times its square; a value counts as the middle of its bin.
    """
    below = _Arm(histogram.counts[: histogram.bins][::-1], histogram, dear)
    above = _Arm(histogram.counts[histogram.bins :], histogram, dear)
    edges = histogram.edges
    signed = below.lost + above.lost + (edges / 127) ** 2 / 12 * (below.kept + above.kept)
    best = int(np.argmin(signed))
    if asymmetric:
        return _end_to_end((below, above), best, histogram)
    unsigned = below.all_lost + above.lost + (edges / 255) ** 2 / 12 * above.kept
    alone = int(np.argmin(unsigned))
    if unsigned[alone] < signed[best]:
        return 0.0, float(edges[alone])
    return _around_zero(float(edges[best]))


class _Arm:
    """Of the values of one sign, for a cut at each bin edge: the squared error of those beyond, the number within."""

    def __init__(self, counts: Array, histogram: Histogram, dear: float) -> None:
        edges, middles = histogram.edges, histogram.edges - histogram.width / 2
        above = [np.cumsum((counts * middles**power)[::-1])[::-1] for power in range(3)]
        # Values beyond edge i are those of bins i + 1 and on.
        n, first, second = (np.append(part[1:], 0.0) for part in above)
        self.lost = dear * (second - 2 * edges * first + edges**2 * n)
        self.kept = counts.sum() - n
        self.all_lost = dear * float(above[2][0])


def _end_to_end(arms: tuple[_Arm, _Arm], first: int, histogram: Histogram) -> Range:
    """One end moved with the other kept, by turns, from both at the edge `first` on; an end may be zero."""
    edges = np.append(0.0, histogram.edges)
    lost = [np.append(arm.all_lost, arm.lost) for arm in arms]
    kept = [np.append(0.0, arm.kept) for arm in arms]
    seen = (max(-histogram.low, 0.0), max(histogram.high, 0.0))
    ends = [min(first + 1, int(np.searchsorted(edges, end))) for end in seen]
    for turn in range(TURNS):
        side, other = turn % 2, 1 - turn % 2
        count = kept[side] + kept[other][ends[other]]
        best = int(np.argmin(lost[side] + ((edges + edges[ends[other]]) / 255) ** 2 / 12 * count))
        if best == ends[side] and turn:
            break
        ends[side] = best
    return 0.0 - float(edges[ends[0]]), float(edges[ends[1]])


def gauss(histogram: Histogram, asymmetric: bool) -> Range:
    """ACIQ's closed form of values spread as Gauss has it around zero."""
    counts, middles = histogram.counts, histogram.middles
    deviation = np.sqrt((counts * middles**2).sum() / counts.sum())
    return _around_zero(float(GAUSS[histogram.low >= 0] * deviation))


def laplace(histogram: Histogram, asymmetric: bool) -> Range:
    """ACIQ's closed form of values spread as Laplace has it around zero."""
    counts, middles = histogram.counts, histogram.middles
    return _around_zero(float(LAPLACE[histogram.low >= 0] * (counts * np.abs(middles)).sum() / counts.sum()))


def _around_zero(threshold: float) -> Range:
    return -threshold, threshold


def relative_entropy(histogram: Histogram, asymmetric: bool) -> Range:
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
        return largest(histogram, asymmetric)
    return _around_zero(float(edges[_least_divergence(counts[:last], LEVELS, KL_STEP) - 1]))


METHODS: Mapping[str, Callable[[Histogram, bool], Range]] = {
    "max": largest, "kl": relative_entropy, "percentile": percentile, "mse": least_squares, "aciq_gauss": gauss,
    "aciq_laplace": laplace, "mse_x8": partial(least_squares, dear=8.0), "mse_x64": partial(least_squares, dear=64.0),
}  # fmt: skip
"""The calibration methods that look at one tensor, by name."""

CANDIDATES = ("mse", "mse_x8", "mse_x64", "max")
"""
What `auto` chooses between. What saturates does so together, in the values that tell most, where rounding is noise that
averages out: so the same error may be several times as dear there (`mse_x8`, `mse_x64`). None cuts more than `mse`:
samples without the rare large values, a detector's of empty scenes, would always speak for it.
"""

AUTO = "auto"
"""The method that chooses between these, tensor by tensor."""


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
