"""
Weights on the grid of integers, the error of each made good by those that follow.

With H = L·Lᵀ the loss of a row is `(w - q)·H·(w - q)ᵀ = ‖(w - q)·L‖²`. From the last weight to the first, each is
rounded where the weights before it, still free, make the least of what is left: GPTQ (Frantar et al. 2022) in the form
of Babai's nearest plane, which needs no inverse of H.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.arithmetic.compiled import compiled

F64 = NDArray[np.float64]

BLOCK = 64
"""Weights of a row that are rounded before the rest hears of it."""

LARGEST = 127.0
"""The largest magnitude of a weight (numerics.md §7)."""


def on_grid(wanted: F64, gram: F64) -> F64:
    """
    Integers of at most `LARGEST` near `wanted` (groups, rows, k), by each group's positive definite `gram` (k, k).

    Those that weigh most are rounded first, while the most others are free. Raises LinAlgError.
    """
    order = np.argsort(np.diagonal(gram, axis1=1, axis2=2), axis=1, kind="stable")
    lower = np.linalg.cholesky(_taken(_taken(gram, order, 1), order, 2)).astype(np.float64)
    values = np.ascontiguousarray(_taken(wanted, order, 2))
    made, error = np.empty_like(values), np.zeros_like(values)
    for stop in range(values.shape[2], 0, -BLOCK):
        here = slice(max(stop - BLOCK, 0), stop)
        felt = np.matmul(error[:, :, stop:], lower[:, stop:, here])
        _round(values[:, :, here], lower[:, here, here], felt, LARGEST, made[:, :, here], error[:, :, here])
    result = np.empty_like(made)
    np.put_along_axis(result, np.broadcast_to(order[:, None], made.shape), made, 2)
    return result


def _taken(array: F64, order: NDArray[np.intp], axis: int) -> F64:
    """Each group's entries along an axis in its order."""
    return np.take_along_axis(array, order[:, :, None] if axis == 1 else order[:, None, :], axis)


@compiled
def _round(values: F64, lower: F64, felt: F64, largest: float, made: F64, error: F64) -> None:  # pragma: no cover
    groups, rows, k = values.shape
    for g in range(groups):
        for row in range(rows):
            for j in range(k - 1, -1, -1):
                nearest = np.rint(values[g, row, j] + felt[g, row, j] / lower[g, j, j])
                nearest = min(max(nearest, -largest), largest)
                made[g, row, j] = nearest
                off = values[g, row, j] - nearest
                error[g, row, j] = off
                for i in range(j):
                    felt[g, row, i] += off * lower[g, j, i]
