"""Ridge regression of what a contraction fails to make on what its weights meet."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


class Regression:
    """
    `columns` (groups, k, places) and `missing` (groups, rows, places), each less its mean over the places.

    A ridge counts in mean squares of the inputs, each group's own.
    """

    def __init__(self, columns: F32, missing: F32) -> None:
        self.columns, self.missing = columns, missing

    @cached_property
    def gram(self) -> F64:
        """(groups, k, k) of the inputs."""
        return np.matmul(self.columns, self.columns.swapaxes(1, 2)).astype(np.float64)

    @cached_property
    def level(self) -> F64:
        """(groups) mean of the inputs' squares, summed over the places; 1 where all are zero."""
        squares = np.square(self.columns).sum(axis=(1, 2), dtype=np.float64) / self.columns.shape[1]
        return np.where(squares > 0, squares, 1.0)

    def change(self, ridge: float) -> F64:
        """(groups, rows, k): the weights that make most of what is missing, found among the fewer of k and places."""
        if self.columns.shape[1] <= self.columns.shape[2]:
            return _solved(self.raised(ridge), self._moment).astype(np.float64)
        inner = _raised(self._inner, self.level * ridge)
        return np.matmul(_solved(inner, self.missing), self.columns.swapaxes(1, 2)).astype(np.float64)

    def raised(self, ridge: float) -> F64:
        """The Gram matrices with the ridge."""
        return _raised(self.gram, self.level * ridge)

    @cached_property
    def _moment(self) -> F32:
        return np.matmul(self.missing, self.columns.swapaxes(1, 2))

    @cached_property
    def _inner(self) -> F64:
        return np.matmul(self.columns.swapaxes(1, 2), self.columns).astype(np.float64)


def _raised(matrices: F64, by: F64) -> F64:
    return matrices + by[:, None, None] * np.eye(matrices.shape[1])


def _solved(matrices: F64, rows: F32) -> F32:
    """(groups, rows, k) of symmetric matrices: in f32, which a ridge is well-conditioned enough for."""
    return np.linalg.solve(matrices.astype(np.float32), rows.swapaxes(1, 2)).swapaxes(1, 2)
