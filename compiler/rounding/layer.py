"""One contraction: what its weights meet, what it should make, and the weights and bias that come nearest."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from compiler.quantization.quantised_weights import MOST, Quantised
from compiler.rounding.plane import on_grid
from compiler.rounding.regression import Regression

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Float = TypeVar("Float", F32, F64)

RIDGES = (0.01, 0.1, 1.0, 10.0)
"""How much of the mean square of an input is added to each, for weights that few columns would tell."""

DAMPING = 0.01
"""The least that is added where weights are rounded."""

DEEPEST = 1024
"""Weights of a row that are rounded together."""

WORTH = 0.02
"""Share of a layer's error that is due to rounding, below which no order of rounding is tried."""

WHOLE = 1e-3
"""How far from integers the weights of a quantised model may be, in steps."""


@dataclass(frozen=True)
class Rounded:
    """Weights (oc, k) and biases (oc), as stored."""

    weights: NDArray[np.int8]
    bias: NDArray[np.int32]


@dataclass(frozen=True)
class Layer:
    """
    `columns` (groups, k, places), in one group for all channels or one for each, and `wanted` (oc, places) real.

    What is fitted is fitted to the places that aren't `held`, what is chosen is chosen by those that are. `limits` are
    the lowest and the highest number that the result can be, of each channel or of all.
    """

    made: Quantised
    columns: F32
    wanted: F32
    held: NDArray[np.bool_]
    limits: tuple[F64, F64]

    def rounded(self, follow: bool) -> Rounded | None:
        """
        The best of what is tried: as it is (None), with another bias, with weights rounded in view of each other.

        With `follow` the weights first move towards what makes `wanted` of the columns as they are, by ridge
        regression; else they stay as close to the model's as the columns make it matter.
        """
        own = self.made.params[:, 0].astype(np.float64)
        tried = [(self._nearest, own), (self._nearest, self._bias(self._nearest))]
        aim, ridge = self._aim(follow)
        if ridge or self._rounding_matters():
            placed = self._placed(aim, max(ridge, DAMPING))
            tried.append((placed, self._bias(placed)))
        errors = [self._error(*each) for each in tried]
        best = int(np.argmin(errors))
        return self._stored(*tried[best]) if best else None

    @cached_property
    def _grid(self) -> F64:
        """The model's weights (oc, k) in steps."""
        return self.made.real / self.made.units[:, None]

    @cached_property
    def _nearest(self) -> F64:
        return self.made.weights.reshape(self._grid.shape).astype(np.float64)

    @cached_property
    def _regression(self) -> Regression:
        """Of the places to fit to, all in units."""
        columns = self.columns[:, :, ~self.held]
        made = self.wanted / self.made.units[:, None].astype(np.float32) - self._sums(self._grid)
        missing = self._by_group(made[:, ~self.held])
        return Regression(columns - columns.mean(2, keepdims=True), missing - missing.mean(2, keepdims=True))

    def _aim(self, follow: bool) -> tuple[F64, float]:
        """Real weights to round, in steps, and the ridge that they are found with; 0 where they are the model's."""
        offers = {0.0: self._grid}
        if follow:
            offers |= {ridge: self._grid + self._regression.change(ridge).reshape(self._grid.shape) for ridge in RIDGES}
        errors = {ridge: self._error(aim, self._bias(aim)) for ridge, aim in offers.items()}
        best = min(errors, key=lambda ridge: errors[ridge])
        return offers[best], best

    def _rounding_matters(self) -> bool:
        off = self._sums(self._grid - self._nearest)[:, ~self.held].var(axis=1, dtype=np.float64)
        whole = self._regression.missing.var(axis=2, dtype=np.float64).reshape(-1)
        squares = self.made.units**2
        return float(off @ squares) > WORTH * float(whole @ squares)

    def _placed(self, aim: F64, ridge: float) -> F64:
        """`aim` on the grid, rounded in view of each other as far as `DEEPEST` weights."""
        wanted, made = self._by_group(aim), list[F64]()
        for start in range(0, wanted.shape[2], DEEPEST):
            part = slice(start, start + DEEPEST)
            gram = Regression(self._regression.columns[:, part], self._regression.missing).raised(ridge)
            made.append(on_grid(wanted[:, :, part], gram))
        return np.concatenate(made, axis=2).reshape(aim.shape)

    def _by_group(self, rows: Float) -> Float:
        groups = len(self.columns)
        return cast("Float", rows.reshape(groups, len(rows) // groups, -1))

    def _sums(self, weights: F64) -> F32:
        """(oc, places) of weights in steps, in units, without a bias."""
        return np.matmul(self._by_group(weights.astype(np.float32)), self.columns).reshape(len(weights), -1)

    def _bias(self, weights: F64) -> F64:
        """(oc) in units: the mean of what is missing."""
        wanted = self.wanted[:, ~self.held].mean(axis=1, dtype=np.float64) / self.made.units
        return wanted - self._sums(weights)[:, ~self.held].mean(axis=1, dtype=np.float64)

    def _error(self, weights: F64, bias: F64) -> float:
        """Mean square of the error of what is stored at the held places."""
        units = self.made.units[:, None]
        made = (self._sums(weights)[:, self.held] + bias[:, None]) * units
        off = np.clip(made, *self.limits) - np.clip(self.wanted[:, self.held], *self.limits)
        return float(np.square(off).mean())

    def _stored(self, weights: F64, bias: F64) -> Rounded:
        """Integers; channels whose sums would leave 32 bits stay as they were."""
        bias = np.rint(bias)
        fits = np.abs(bias) + np.abs(weights).sum(axis=1) * self.made.reach <= MOST
        weights = np.where(fits[:, None], weights, self._nearest)
        bias = np.where(fits, bias, self.made.params[:, 0])
        return Rounded(weights.astype(np.int8), bias.astype(np.int32))


def is_whole(made: Quantised) -> bool:
    """Whether the weights are multiples of their steps already: a quantised model's, which are kept."""
    steps = made.real / made.units[:, None]
    return bool((np.abs(steps - made.weights.reshape(steps.shape)) < WHOLE).all())
