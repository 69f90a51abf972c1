"""What a metric is: a function of a model's outputs and labels, and how it comes by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Score = Callable[[Array, Array], float]
"""Outputs (samples, …) and labels (samples, …) to a number; more is better."""

Each = Callable[[Array, Array], Array]
"""Outputs and labels to one number a sample, float64 (samples,); more is better, 1 or more where nothing is wrong."""


def unchanged(outputs: Array) -> Array:
    """All of it."""
    return outputs


@dataclass(frozen=True)
class Metric:
    """
    A measure of a model's first output: `metric(outputs, labels)` is a number, more is better.

    `score` works on what `keep` leaves of outputs (samples, …), which is all that is stored of a run over many samples.
    `each` measures sample by sample, where a sample alone can be right or wrong. `classes` says that the outputs are
    scores of classes, one of which is right.
    """

    score: Score
    keep: Callable[[Array], Array] = unchanged
    each: Each | None = None
    classes: bool = False

    def __call__(self, outputs: Array, labels: Array) -> float:
        """The measure of outputs as the model gives them."""
        return self.score(self.keep(outputs), labels)


def mean_of(each: Each) -> Score:
    """The metric that is the mean of its samples'."""
    return lambda outputs, labels: float(np.mean(each(outputs, labels)))
