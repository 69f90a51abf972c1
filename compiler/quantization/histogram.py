"""Histograms of both signs that grow with the data: one pass over it, whatever range turns up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.npz import read_npz, write_npz
from simulator.arithmetic.compiled import compiled

Array = NDArray[Any]

EXPONENTS, RANGES = "<exponents>", "<ranges>"
"""Arrays of the file that belong to no tensor: exponents (tensors), least and greatest value (tensors, 2)."""
LEAST = -64
"""Smallest exponent: the bins' scale has to be a finite f32, and no 8-bit type has steps so small."""
BLOCK = 1024
"""Values that are looked at together."""


class Histogram:
    """
    Counts of x in `2·bins` equal bins over [-2^exponent, 2^exponent); zeros, which any scale holds, are left out.

    When a larger magnitude comes, neighbouring bins are merged until the range holds it: counts stay exact, and the
    largest magnitude lies in the outer half of the bins, unless it is below 2^LEAST. `low`, `high` are the least and
    the greatest x.
    """

    def __init__(self, bins: int) -> None:
        if bins < 256 or bins % 2:
            raise ValueError(f"{bins} bins: thresholds of 8-bit types need an even number, 256 or more")
        self.counts = np.zeros(2 * bins, np.int64)
        self.exponent: int | None = None
        self.low, self.high = math.inf, -math.inf

    @property
    def bins(self) -> int:
        """Bins of each sign."""
        return len(self.counts) // 2

    @property
    def magnitude(self) -> float:
        """The largest |x|; 0 before any."""
        return max(-self.low, self.high, 0.0)

    @property
    def width(self) -> float:
        """Of a bin."""
        return math.ldexp(1.0, self.exponent or 0) / self.bins

    @property
    def edges(self) -> Array:
        """The ends of the bins away from zero, of one sign, as magnitudes: (bins) float64."""
        return np.arange(1, self.bins + 1) * self.width

    @property
    def middles(self) -> Array:
        """The bins' middles, (2·bins) float64."""
        return (np.arange(2 * self.bins) - self.bins + 0.5) * self.width

    @property
    def magnitudes(self) -> Array:
        """Counts of |x| over [0, 2^exponent), (bins) int64."""
        return self.counts[self.bins :] + self.counts[: self.bins][::-1]

    def add(self, x: Array, span: tuple[float, float] | None = None) -> None:
        """
        Count the elements of `x`, f32, whose least and greatest `span` tells where it is known.

        Raises ValueError if one of them isn't finite; nothing is counted then.
        """
        if not x.size:
            return
        low, high = span or (float(x.min()), float(x.max()))
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ValueError("not every value is finite")
        self.low, self.high = min(self.low, low), max(self.high, high)
        if self.magnitude > 0:
            self._grow(max(math.frexp(self.magnitude)[1], LEAST))
            scale = math.ldexp(float(self.bins), -(self.exponent or 0))
            _count(np.ascontiguousarray(x, np.float32).reshape(-1), scale, self.counts)

    def _grow(self, exponent: int) -> None:
        while self.exponent is not None and self.exponent < exponent:
            quarter = self.bins // 2
            merged = self.counts[0::2] + self.counts[1::2]
            self.counts[:] = 0
            self.counts[quarter : quarter + self.bins] = merged
            self.exponent += 1
        self.exponent = exponent if self.exponent is None else self.exponent


def save(path: Path, histograms: Mapping[str, Histogram]) -> None:
    """An array of counts for each tensor by name, EXPONENTS and RANGES in the same order."""
    exponents = np.array([h.exponent or 0 for h in histograms.values()], np.int16)
    ranges = np.array([(h.low, h.high) for h in histograms.values()], np.float32).reshape(-1, 2)
    counts = {name: _narrowed(h.counts) for name, h in histograms.items()}
    write_npz(path, {EXPONENTS: exponents, RANGES: ranges} | counts)


def load(path: Path) -> dict[str, Histogram]:
    """The histograms of a file that `save` wrote. Raises DamagedArrays."""
    held, found = read_npz(path), dict[str, Histogram]()
    exponents, ranges = held.pop(EXPONENTS), held.pop(RANGES)
    for (name, counts), exponent, (low, high) in zip(held.items(), exponents, ranges, strict=True):
        found[name] = made = Histogram(len(counts) // 2)
        made.counts[:] = counts
        made.exponent, made.low, made.high = int(exponent), float(low), float(high)
    return found


def _narrowed(counts: Array) -> Array:
    return counts.astype(np.uint32 if counts.max(initial=0) < 1 << 32 else np.uint64)


@compiled
def _count(x: Array, scale: float, counts: Array) -> None:  # pragma: no cover
    # A power of two scales exactly, but for what is too small to leave the innermost bins. Four tables take turns: one
    # bin counted twice in a row would wait for itself. Zeros, of which there may be very many, have a place in front of
    # the bins: to branch around them would cost more than to count them.
    factor, first_bin = np.float32(scale), np.int32(counts.size // 2 + 1)
    table = np.zeros(counts.size + 1, np.int32)
    second, third, fourth = np.zeros_like(table), np.zeros_like(table), np.zeros_like(table)
    index = np.empty(BLOCK, np.int32)
    whole = x.size - x.size % BLOCK
    for first in range(0, whole, BLOCK):
        block = x[first : first + BLOCK]
        for i in range(BLOCK):
            value = block[i]
            step = np.floor(value * factor)
            index[i] = np.int32(step) + first_bin if value != 0 else np.int32(0)
        for i in range(0, BLOCK, 4):
            table[np.uint32(index[i])] += 1
            second[np.uint32(index[i + 1])] += 1
            third[np.uint32(index[i + 2])] += 1
            fourth[np.uint32(index[i + 3])] += 1
    for i in range(whole, x.size):
        step = np.floor(x[i] * factor)
        table[np.uint32(np.int32(step) + first_bin if x[i] != 0 else np.int32(0))] += 1
    for i in range(counts.size):
        counts[i] += table[i + 1] + second[i + 1] + third[i + 1] + fourth[i + 1]
