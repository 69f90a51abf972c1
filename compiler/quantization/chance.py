"""Whether a few samples tell that something is better."""

from __future__ import annotations

from compiler.ir.network import Array


def is_gain(gains: Array, sure: float, least: float) -> bool:
    """
    Whether the mean of samples' gains is above `least` and above so many standard errors of itself.

    One sample has no such error: its gain counts as it is.
    """
    error = float(gains.std(ddof=1)) / len(gains) ** 0.5 if len(gains) > 1 else 0.0
    return float(gains.mean()) > max(least, sure * error)
