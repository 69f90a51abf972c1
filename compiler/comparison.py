"""Two runs of one network side by side: tensors matched by name, completely, and how far apart they are."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.results import Results
from simulator.arithmetic.compiled import compiled

Array = NDArray[Any]

CEILING_DB = 200.0
"""Signal to noise of equal tensors, and its bound either way: JSON has no infinity."""

FARTHEST = 3.4028234663852886e38
"""The greatest error that is told, for the same reason."""


class Incomplete(Exception):
    """Runs that can't be compared tensor by tensor; the message names the tensors."""


class UnknownTolerance(ValueError):
    """A bound is set on something that isn't measured; the message lists what is."""


@dataclass(frozen=True)
class Row:
    """
    One tensor of run `later` against its namesake of run `earlier`, as real numbers in f32.

    `cosine` a·b ÷ |a||b|; `euclid` 1 - |a-b| ÷ |(a+b)/2| as TPU-MLIR; `sqnr_db` 10·log₁₀(Σ earlier² ÷ Σ difference²);
    `max_error` the greatest |a-b|; `mismatched_bytes` of the stored forms, or of the f32 values where types differ.
    """

    later: str
    earlier: str
    tensor: str
    elements: int
    cosine: float
    euclid: float
    sqnr_db: float
    max_error: float
    mismatched_bytes: int


COLUMNS = tuple(field.name for field in fields(Row))

AT_LEAST = ("cosine", "euclid", "sqnr_db")
AT_MOST = ("max_error", "mismatched_bytes")
OF_ACCURACY = ("accuracy_drop",)
"""Tolerances in the same mapping that the metric, not the comparison, has to keep."""


def compare(
    later: Results,
    earlier: Results,
    names: tuple[str, str],
    *,
    both_ways: bool = False,
    stored: bool = False,
    composed: bool = False,
) -> list[Row]:
    """
    A row for each tensor of `later`, in its order; `names` are what the runs are called.

    A tensor that lowering introduced may lack a partner, and with `composed` one on the way to a tensor of `earlier`,
    after which it is called. One whose extents depend on the data has no row where these differ, unless what is
    `stored` has to be the same. Raises Incomplete where another tensor lacks a partner, with `both_ways` one of
    `earlier` too that isn't folded into others, where sizes or, with `stored`, types differ, or where nothing is left
    to compare.
    """
    internal = {name for name, meaning in later.meanings.items() if meaning.internal}
    if composed:
        internal |= {name for name in later.arrays if on_the_way(name, earlier.arrays)}
    _complete(later, earlier, names, internal)
    if both_ways:
        folded = {name for meaning in later.meanings.values() for name in meaning.folds}
        _complete(earlier, later, (names[1], names[0]), folded)
    if stored:
        _same_types(later, earlier, names)
    common = [name for name in later.arrays if name in earlier.arrays]
    rows = [_row(name, later, earlier, names) for name in common if stored or not _apart(name, later, earlier)]
    if not rows:
        raise Incomplete(f"no tensor of {names[0]} has a partner in {names[1]}: 0 compared")
    return rows


def failures(rows: Iterable[Row], tolerance: Mapping[str, float]) -> list[str]:
    """
    What each row that misses a bound of `tolerance` misses, in words.

    Bounds go by column: the least cosine, euclid and sqnr_db, the greatest max_error and mismatched_bytes. Raises
    UnknownTolerance for another name.
    """
    if unknown := tolerance.keys() - {*AT_LEAST, *AT_MOST, *OF_ACCURACY}:
        raise UnknownTolerance(f"no tolerance {', '.join(sorted(unknown))}; there are {', '.join(AT_LEAST + AT_MOST)}")
    bounds = {name: bound for name, bound in tolerance.items() if name not in OF_ACCURACY}
    return [missed for row in rows for name, bound in bounds.items() if (missed := _missed(row, name, bound))]


def on_the_way(name: str, partners: Container[str]) -> bool:
    """Whether a tensor is called `<partner>_<role>`: one of those that the partner is made of, in several ops."""
    return any(name[:i] in partners for i, letter in enumerate(name) if letter == "_")


def _missed(row: Row, name: str, bound: float) -> str:
    value: float = getattr(row, name)
    if (value >= bound) if name in AT_LEAST else (value <= bound):
        return ""
    wanted = "at least" if name in AT_LEAST else "at most"
    return f"{row.later} {row.tensor!r}: {name} {value:.6g}, wanted {wanted} {bound:g}"


def _complete(run: Results, other: Results, names: tuple[str, str], exempt: set[str]) -> None:
    alone = [name for name in run.arrays if name not in other.arrays and name not in exempt]
    if alone:
        shown = ", ".join(map(repr, alone[:5])) + (", …" if len(alone) > 5 else "")
        raise Incomplete(f"{len(alone)} tensor(s) of {names[0]} have no partner in {names[1]}: {shown}")


def _same_types(later: Results, earlier: Results, names: tuple[str, str]) -> None:
    for name in later.arrays.keys() & earlier.arrays.keys():
        made, wanted = later.arrays[name].dtype, earlier.arrays[name].dtype
        if made != wanted:
            raise Incomplete(f"tensor {name!r} is {made} in {names[0]}, {wanted} in {names[1]}")


def _apart(name: str, later: Results, earlier: Results) -> bool:
    """Whether a tensor's extents depend on the data, and came out differently."""
    meaning = later.meanings.get(name)
    return meaning is not None and meaning.dynamic and later.arrays[name].shape != earlier.arrays[name].shape


def _row(name: str, later: Results, earlier: Results, names: tuple[str, str]) -> Row:
    if later.arrays[name].dtype == np.object_:
        return _row_of_texts(name, later.arrays[name], earlier.arrays[name], names)
    a, b = later.real(name).reshape(-1), earlier.real(name).reshape(-1)
    if a.size != b.size:
        raise Incomplete(
            f"tensor {name!r} is {list(later.arrays[name].shape)} in {names[0]}, {list(earlier.arrays[name].shape)} "
            f"in {names[1]}"
        )
    mismatched = _mismatched(later.arrays[name], earlier.arrays[name], a, b)
    same = mismatched == 0 and later.meanings.get(name) == earlier.meanings.get(name)
    likeness = (1.0, 1.0, CEILING_DB, 0.0) if same else _distances(a, b)
    return Row(*names, name, a.size, *likeness, mismatched)


def _row_of_texts(name: str, later: Array, earlier: Array, names: tuple[str, str]) -> Row:
    """Texts are the same or as far apart as can be; those that differ count a byte each."""
    differing = int(np.count_nonzero(later != earlier)) if later.shape == earlier.shape else max(later.size, 1)
    likeness = (0.0, 0.0, -CEILING_DB, FARTHEST) if differing else (1.0, 1.0, CEILING_DB, 0.0)
    return Row(*names, name, later.size, *likeness, differing)


def _distances(a: Array, b: Array) -> tuple[float, float, float, float]:
    """Cosine, euclid, SQNR and greatest error; an infinity or NaN that only one has is as far away as can be."""
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        strange = ~(np.isfinite(a) & np.isfinite(b))
        if not np.array_equal(a[strange], b[strange], equal_nan=True):
            return 0.0, 0.0, -CEILING_DB, FARTHEST
        a, b = a[~strange], b[~strange]
    signal, other, common, noise, furthest = _sums(a, b)
    if noise == 0:
        return 1.0, 1.0, CEILING_DB, 0.0
    cosine = common / math.sqrt(signal * other) if signal and other else 0.0
    middle = (signal + other + 2 * common) / 4
    euclid = 1 - math.sqrt(noise / middle) if middle > 0 else 0.0
    decibels = 10 * math.log10(signal / noise) if signal else -CEILING_DB
    return _told(cosine), _told(euclid), _told(min(max(decibels, -CEILING_DB), CEILING_DB)), furthest


@compiled
def _sums(a: Array, b: Array) -> tuple[float, float, float, float, float]:  # pragma: no cover
    """Σb², Σa², Σab, Σ(a-b)² and max|a-b|, in double precision."""
    signal = other = common = noise = furthest = 0.0
    for i in range(a.size):
        x, y = np.float64(a[i]), np.float64(b[i])
        apart = abs(x - y)
        signal, other, common, noise = signal + y * y, other + x * x, common + x * y, noise + apart * apart
        furthest = max(furthest, apart)
    return signal, other, common, noise, furthest


def _told(value: float) -> float:
    """Nine digits, as many as f32 tensors bear out."""
    return float(f"{value:.9g}")


def _mismatched(stored_a: Array, stored_b: Array, a: Array, b: Array) -> int:
    if stored_a.dtype == stored_b.dtype:
        a, b = stored_a.reshape(-1), stored_b.reshape(-1)
    x, y = np.ascontiguousarray(a), np.ascontiguousarray(b)
    return int(np.count_nonzero(x.view(np.uint8) != y.view(np.uint8)))
