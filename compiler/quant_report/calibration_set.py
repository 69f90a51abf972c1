"""What the calibration samples are like: whose values set the ranges, and whether more samples would widen them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

OUTLIER = 3.5
"""Robust deviations (NORMAL times the median absolute one) from which on a sample is an outlier (Iglewicz, Hoaglin)."""

NORMAL = 1.4826
"""Standard deviations of a normal distribution in median absolute deviations."""

LEAST = 0.02
"""The least deviation of loudness in octaves that counts as one: samples all alike have no outliers."""


@dataclass(frozen=True)
class Sample:
    """
    One batch of the calibration samples.

    `loudness` is the mean over tensors of log₂ (its magnitude ÷ the median sample's), `records` the share of the
    tensors of which it has the greatest magnitude, `wider` by how much, on average, it widens these beyond the others.
    """

    number: int
    loudness: float
    records: float
    wider: float
    outlier: bool


@dataclass(frozen=True)
class CalibrationSet:
    """
    The samples in order, and `growth`: with the first 1, 2, … of them, the ranges as a share of those of all (mean).

    `late` is by how much the second half of the samples widened the first half's ranges, on average.
    """

    samples: tuple[Sample, ...]
    growth: tuple[float, ...]
    late: float

    @property
    def outliers(self) -> Sequence[Sample]:
        """The outliers, the loudest first."""
        return sorted((sample for sample in self.samples if sample.outlier), key=lambda sample: -sample.loudness)


def calibration_set(lows: NDArray[np.float32], highs: NDArray[np.float32]) -> CalibrationSet | None:
    """From the least and the greatest value (tensors, batches) of each batch; None where nothing was measured."""
    low, high = lows.astype(np.float64), highs.astype(np.float64)
    magnitude = np.maximum(np.abs(low), np.abs(high))
    moving = (magnitude > 0).all(1)
    if not moving.any():
        return None
    low, high, magnitude = low[moving], high[moving], magnitude[moving]
    loudness = np.log2(magnitude / np.median(magnitude, 1, keepdims=True)).mean(0)
    middle = np.median(loudness)
    spread = max(LEAST, NORMAL * float(np.median(np.abs(loudness - middle))))
    order = np.sort(magnitude, 1)
    ahead = order[:, -1] / order[:, -2] - 1 if magnitude.shape[1] > 1 else np.zeros(len(magnitude))
    owner = magnitude.argmax(1)
    samples = [
        Sample(
            number,
            float(loud),
            float((owner == number).mean()),
            float(ahead[owner == number].mean()) if (owner == number).any() else 0.0,
            bool(abs(loud - middle) > OUTLIER * spread),
        )
        for number, loud in enumerate(loudness.tolist())
    ]
    upto = np.maximum.accumulate(np.maximum(high, 0), 1) - np.minimum.accumulate(np.minimum(low, 0), 1)
    growth = (upto / upto[:, -1:]).mean(0)
    half = (len(growth) - 1) // 2
    late = float((upto[:, -1] / upto[:, half] - 1).mean())
    return CalibrationSet(tuple(samples), tuple(growth.tolist()), late)


def beyond(seen: Mapping[str, tuple[float, float]], met: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """By tensor, how far the range `met` reaches beyond the one `seen`, as a share of this; only those that do."""
    found: dict[str, float] = {}
    for name, (low, high) in met.items():
        if name in seen and (span := max(seen[name][1], 0) - min(seen[name][0], 0)) > 0:
            over = max(seen[name][0] - low, high - seen[name][1], 0.0) / span
            if over > 0:
                found[name] = over
    return found
