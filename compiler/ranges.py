"""What a run's tensors amount to: how many bytes, which numbers, and whether all of them are finite."""

from __future__ import annotations

from typing import Any

import numpy as np

from compiler.results import Array, Meaning, Results
from compiler.shown import ROWS

PLAIN = Meaning("")


def census(results: Results) -> dict[str, Any]:
    """
    Stored `bytes`, NaN and infinite elements, the `least` and `greatest` finite number, and the rows of some tensors.

    Those with numbers that aren't finite come first, then those that reach furthest. Numbers are real ones; texts have
    no row.
    """
    numbers = ((name, array) for name, array in results.arrays.items() if array.dtype != np.object_)
    rows = [_row(name, array, results.meanings.get(name, PLAIN)) for name, array in numbers]
    rows.sort(key=lambda row: (row["nan"] + row["inf"] == 0, -max(-row["least"], row["greatest"])))
    return {
        "bytes": sum(array.nbytes for array in results.arrays.values()),
        "nan": sum(row["nan"] for row in rows),
        "inf": sum(row["inf"] for row in rows),
        "least": min((row["least"] for row in rows), default=0.0),
        "greatest": max((row["greatest"] for row in rows), default=0.0),
        "table": rows[:ROWS],
    }


def _row(name: str, array: Array, meaning: Meaning) -> dict[str, Any]:
    # Half and bfloat16 are compared far slower than the f32 numbers they are exactly.
    values = array.astype(np.float32) if array.dtype.itemsize == 2 else array
    if meaning.axis >= 0:
        values, meaning = meaning.real(array), PLAIN
    zero, scale = meaning.zero_point, meaning.scale
    assert isinstance(zero, int)
    assert isinstance(scale, float)
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    nan = inf = 0
    if not np.isfinite(low + high):
        nan, inf = int(np.isnan(values).sum()), int(np.isinf(values).sum())
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    return {
        "tensor": name,
        "shape": "×".join(map(str, array.shape)),
        "type": str(array.dtype),
        "least": (low - zero) * scale,
        "greatest": (high - zero) * scale,
        "nan": nan,
        "inf": inf,
    }
