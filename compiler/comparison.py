"""
Results compared, tensor by tensor: ONNX with Top, Top with TPU, TPU with chip.

Tensors are matched by name and completely: one without a partner is an error, unless lowering introduced it. Float
stages are held together by similarity, the chip and the interpreter by their bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from math import inf, log10, sqrt
from typing import Any

import numpy as np

from compiler.results import Array, Results

EXACT_DB = 200.0
"""The SQNR that stands for no difference at all (and its negative for no likeness), so that tables hold numbers."""


class Incomparable(Exception):
    """Results that can't be held against each other; the message names the tensors and the stages."""


@dataclass(frozen=True)
class Similarity:
    """
    How like a tensor is to its reference.

    `cosine` of the angle between them; `euclid`: 1 - |a - b| / |(a + b) / 2|, as TPU-MLIR has it; `sqnr_db`:
    10·log10(Σ ref² / Σ (ref - made)²), at most EXACT_DB; `max_error`: the greatest absolute difference.
    """

    cosine: float
    euclid: float
    sqnr_db: float
    max_error: float


@dataclass(frozen=True)
class Row:
    """
    One tensor of the Tpu network.

    Similarity is that of the TPU result with the Top result of its name, `top_cosine` that of the Top result with the
    ONNX result; None for a tensor that lowering introduced. `mismatched_bytes` are those that differ on the chip.
    """

    tensor: str
    elements: int
    mismatched_bytes: int
    cosine: float | None = None
    euclid: float | None = None
    sqnr_db: float | None = None
    max_error: float | None = None
    top_cosine: float | None = None


def similarity(reference: Array, made: Array) -> Similarity:
    """Both arrays in float64, flattened. Raises Incomparable where they differ in size."""
    if reference.size != made.size:
        raise Incomparable(f"{reference.shape} against {made.shape}")
    a, b = (array.astype(np.float64).ravel() for array in (reference, made))
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        equal = np.array_equal(a, b, equal_nan=True)
        return Similarity(1.0, 1.0, EXACT_DB, 0.0) if equal else Similarity(0.0, 0.0, -EXACT_DB, inf)
    difference = a - b
    signal, noise, other = float(a @ a), float(difference @ difference), float(b @ b)
    if noise == 0:
        return Similarity(1.0, 1.0, EXACT_DB, 0.0)
    mean = float(((a + b) / 2) @ ((a + b) / 2))
    return Similarity(
        cosine=float(a @ b) / sqrt(signal * other) if signal and other else 0.0,
        euclid=1 - sqrt(noise / mean) if mean else 0.0,
        sqnr_db=min(10 * log10(signal / noise), EXACT_DB) if signal else -EXACT_DB,
        max_error=float(np.abs(difference).max()),
    )


def mismatched_bytes(reference: Array, made: Array) -> int:
    """Bytes that differ. Raises Incomparable where type or extents do."""
    if reference.dtype != made.dtype or reference.shape != made.shape:
        raise Incomparable(f"{reference.dtype} {reference.shape} against {made.dtype} {made.shape}")
    a, b = (np.ascontiguousarray(array).reshape(-1).view(np.uint8) for array in (reference, made))
    return int(np.count_nonzero(a != b))


def compare(onnx: Results, top: Results, tpu: Results, chip: Results) -> list[Row]:
    """A row a tensor of the Tpu network, in its order. Raises Incomparable."""
    _complete(top.arrays, onnx.arrays, "Top", "ONNX")
    _complete(_own(tpu), top.arrays, "TPU", "Top")
    _complete(top.arrays, tpu.arrays, "Top", "TPU")
    _complete(tpu.arrays, chip.arrays, "TPU", "chip")
    _complete(chip.arrays, tpu.arrays, "chip", "TPU")
    own = set(_own(tpu))
    return [_row(name, onnx, top, tpu, chip, name in own) for name in tpu.arrays]


def summary(rows: Iterable[Row], outputs: Iterable[str], tolerance: Mapping[str, float]) -> dict[str, Any]:
    """
    The rows in a few numbers: the least cosine and SQNR with the tensors they belong to, the outputs' own, and whether
    every tensor reaches `tolerance` (`cosine`, `euclid`, `sqnr_db`: the least allowed; `max_error`: the greatest).

    `first_bad_tensor` is the first in order that doesn't, or that differs on the chip. Raises Incomparable for no rows.
    """
    listed = list(rows)
    compared = [row for row in listed if row.cosine is not None]
    if not compared:
        raise Incomparable("no tensor was compared")
    if unknown := sorted(set(tolerance) - {"cosine", "euclid", "sqnr_db", "max_error", "accuracy_drop"}):
        raise Incomparable(f"a tolerance names {', '.join(unknown)}, which no comparison has")
    worst = min(compared, key=lambda row: row.cosine or 0.0)
    ends = [row for row in compared if row.tensor in set(outputs)]
    bad = [row for row in listed if row.mismatched_bytes or not _reaches(row, tolerance)]
    return {
        "tensors": len(listed),
        "compared": len(compared),
        "mismatched_bytes": sum(row.mismatched_bytes for row in listed),
        "worst_tensor": worst.tensor,
        "worst_cosine": worst.cosine,
        "cosine": min((row.cosine or 0.0 for row in ends), default=worst.cosine),
        "sqnr_db": min(_db(row) for row in ends or compared),
        "passed": all(_reaches(row, tolerance) for row in compared),
        "first_bad_tensor": bad[0].tensor if bad else "",
    }


def table(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The rows as plain values."""
    return [asdict(row) for row in rows]


def _row(name: str, onnx: Results, top: Results, tpu: Results, chip: Results, own: bool) -> Row:
    try:
        differing = mismatched_bytes(tpu.arrays[name], chip.arrays[name])
        if not own:
            return Row(name, tpu.arrays[name].size, differing)
        measured = similarity(top.real(name), tpu.real(name))
        before = similarity(onnx.real(name), top.real(name)).cosine
    except Incomparable as error:
        raise Incomparable(f"{name!r}: {error}") from None
    return Row(name, tpu.arrays[name].size, differing, **asdict(measured), top_cosine=before)


def _own(results: Results) -> list[str]:
    """Names of the tensors that stages before have too."""
    return [name for name in results.arrays if not ((m := results.meanings.get(name)) and m.internal)]


def _complete(these: Iterable[str], those: Iterable[str], what: str, other: str) -> None:
    if missing := sorted(set(these) - set(those)):
        raise Incomparable(f"{len(missing)} {what} tensors have no {other} result: {', '.join(missing[:5])}")


def _reaches(row: Row, tolerance: Mapping[str, float]) -> bool:
    if row.cosine is None:
        return True
    least = all(
        (value if (value := getattr(row, key)) is not None else -inf) >= tolerance[key]
        for key in ("cosine", "euclid", "sqnr_db")
        if key in tolerance
    )
    return least and (row.max_error or 0.0) <= tolerance.get("max_error", inf)


def _db(row: Row) -> float:
    return row.sqnr_db if row.sqnr_db is not None else -EXACT_DB
