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
        The best of what is tried: as it is, with another bias, with weights rounded in view of each other.

        With `follow` the weights first move towards what makes `wanted` of the columns as they are, by ridge
        regression; else they stay as close to the model's as the columns make it matter. None: all as it is.
        """
        own = self.made.params[:, 0].astype(np.float64)
        sums = self._sums(self._nearest)
        tried = [(self._nearest, own, self._error(sums, own)), (self._nearest, *self._fitted(sums))]
        aim, ridge = self._aim(follow)
        if ridge or self._rounding_matters(sums):
            placed = self._placed(aim, max(ridge, DAMPING))
            tried.append((placed, *self._fitted(self._sums(placed))))
        best = min(range(len(tried)), key=lambda i: tried[i][2])
        return self._stored(*tried[best][:2]) if best else None

    @cached_property
    def _grid(self) -> F64:
        """The model's weights (oc, k) in steps."""
        return self.made.real / self.made.units[:, None]

    @cached_property
    def _own(self) -> F32:
        """(oc, places) of the model's weights, in units, without a bias."""
        return self._sums(self._grid)

    @cached_property
    def _nearest(self) -> F64:
        return self.made.weights.reshape(self._grid.shape).astype(np.float64)

    @cached_property
    def _weight(self) -> F64:
        """
        (places) what a place counts, 1 on average: less where the channels are far from their means.

        What follows normalises such places, or saturates at them: their error must not be bought with all others'.
        """
        wide = self.wanted - self.wanted.mean(axis=1, keepdims=True)
        spread = np.square(wide).mean(axis=1, keepdims=True)
        energy = np.square(wide) / np.where(spread > 0, spread, 1.0)
        weight = 1 / (1 + energy.mean(axis=0, dtype=np.float64))
        return weight / weight.mean()

    @cached_property
    def _regression(self) -> Regression:
        """Of the places to fit to, all in units."""
        weight = self._weight[~self.held]
        made = self.wanted / self.made.units[:, None].astype(np.float32) - self._own
        parts = [self.columns[:, :, ~self.held], self._by_group(made[:, ~self.held])]
        root = np.sqrt(weight).astype(np.float32)
        return Regression(
            *((part - np.average(part, 2, weight)[..., None].astype(np.float32)) * root for part in parts)
        )

    def _aim(self, follow: bool) -> tuple[F64, float]:
        """Real weights to round, in steps, and the ridge that they are found with; 0 where they are the model's."""
        offers, ridges = [self._grid], (0.0, *RIDGES) if follow else (0.0,)
        offers += [self._grid + self._regression.change(ridge).reshape(self._grid.shape) for ridge in ridges[1:]]
        made = [self._own, *(self._sums(aim) for aim in offers[1:])]
        best = int(np.argmin([self._fitted(sums)[1] for sums in made]))
        return offers[best], ridges[best]

    def _rounding_matters(self, nearest: F32) -> bool:
        off = (self._own - nearest)[:, ~self.held].var(axis=1, dtype=np.float64)
        whole = self._regression.missing.var(axis=2, dtype=np.float64).reshape(-1)
        squares = self.made.units**2
        return float(off @ squares) > WORTH * float(whole @ squares)

    def _placed(self, aim: F64, ridge: float) -> F64:
        """`aim` on the grid, rounded in view of each other as far as `DEEPEST` weights."""
        wanted, made = self._by_group(aim), list[F64]()
        for start in range(0, wanted.shape[2], DEEPEST):
            part = slice(start, start + DEEPEST)
            gram = self._gram(part)
            level = np.trace(gram, axis1=1, axis2=2) / gram.shape[1]
            raised = gram + (np.where(level > 0, level, 1.0) * ridge)[:, None, None] * np.eye(gram.shape[1])
            made.append(on_grid(wanted[:, :, part], raised))
        return np.concatenate(made, axis=2).reshape(aim.shape)

    def _gram(self, part: slice) -> F64:
        whole = self._regression
        return (
            whole.gram if self.columns.shape[1] <= DEEPEST else Regression(whole.columns[:, part], whole.missing).gram
        )

    def _by_group(self, rows: Float) -> Float:
        groups = len(self.columns)
        return cast("Float", rows.reshape(groups, len(rows) // groups, -1))

    def _sums(self, weights: F64) -> F32:
        """(oc, places) of weights in steps, in units, without a bias."""
        return np.matmul(self._by_group(weights.astype(np.float32)), self.columns).reshape(len(weights), -1)

    def _fitted(self, sums: F32) -> tuple[F64, float]:
        """The biases (oc) that sums (oc, places) want, all in units, the mean of what is missing; and the error."""
        fitted = ~self.held
        off = self.wanted[:, fitted] / self.made.units[:, None] - sums[:, fitted]
        bias = off @ self._weight[fitted] / self._weight[fitted].sum()
        return bias, self._error(sums, bias)

    def _error(self, sums: F32, bias: F64) -> float:
        """Mean square of the error of what is stored of sums and biases, both in units, at the held places."""
        made = (sums[:, self.held] + bias[:, None]) * self.made.units[:, None]
        off = np.clip(made, *self.limits) - np.clip(self.wanted[:, self.held], *self.limits)
        return float((np.square(off) @ self._weight[self.held]).mean())

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
