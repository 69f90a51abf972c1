"""Results of a run: every tensor by name in stored form, and what the stored numbers mean."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from compiler.npz import read_npz, write_npz
from simulator.arithmetic.casts import Steps, along, steps

Array = NDArray[Any]


@dataclass(frozen=True)
class Meaning:
    """
    What a stored tensor means: `real = (stored - zero_point) · scale`, scale 1 for a float tensor.

    With an `axis`, scale and zero point have an entry for each of its indices. `internal` marks a tensor that lowering
    introduced, which has no partner in the stages before; `dynamic` one whose extents depend on the data. `folds` names
    tensors of the stages before that exist no more, since this one is made another way. `tabled` is what tables alone
    read: its range serves what they make, so that it may be far off where they are flat. The chip's results don't know
    readers; the numbers mean the same.
    """

    dtype: str
    scale: Steps = 1.0
    zero_point: Steps = 0
    internal: bool = False
    dynamic: bool = False
    folds: Sequence[str] = ()
    axis: int = -1
    tabled: bool = field(default=False, compare=False)

    def real(self, stored: Array) -> Array:
        """The tensor as float32."""
        wide = stored.astype(np.float32)
        if (self.scale, self.zero_point) == (1.0, 0):
            return wide
        zero, scale = (along(values, self.axis, wide.ndim, np.float32) for values in (self.zero_point, self.scale))
        return (wide - zero) * scale


class DamagedResults(Exception):
    """The meanings beside a run's arrays can't be read; the message names the file."""


@dataclass
class Results:
    """Stored arrays by tensor name in execution order, and their meanings (absent: plain float)."""

    arrays: dict[str, Array]
    meanings: dict[str, Meaning]

    def real(self, name: str) -> Array:
        """The tensor as float32."""
        meaning = self.meanings.get(name)
        return self.arrays[name].astype(np.float32) if meaning is None else meaning.real(self.arrays[name])

    def save(self, directory: Path, stem: str) -> None:
        """Write `<stem>.npz` (bfloat16 as its bits, texts by their characters) and `<stem>.json`."""
        write_npz(directory / f"{stem}.npz", {n: _bits(a) for n, a in self.arrays.items()})
        meanings = {name: asdict(meaning) for name, meaning in self.meanings.items()}
        (directory / f"{stem}.json").write_text(json.dumps(meanings, indent=1))

    @classmethod
    def load(cls, directory: Path, stem: str) -> Results:
        """Read what `save` wrote. Raises DamagedResults, DamagedArrays, FileNotFoundError."""
        described = directory / f"{stem}.json"
        try:
            meanings = {name: _meaning(**entry) for name, entry in json.loads(described.read_text()).items()}
        except (ValueError, AttributeError, TypeError) as error:
            raise DamagedResults(f"{described} doesn't say what the tensors mean: {error}; build it again") from None
        held = read_npz(directory / f"{stem}.npz", texts=True)
        return cls({name: _typed(array, meanings.get(name)) for name, array in held.items()}, meanings)


def _meaning(scale: Any = 1.0, zero_point: Any = 0, folds: Sequence[str] = (), **entry: Any) -> Meaning:
    return Meaning(scale=steps(scale), zero_point=steps(zero_point), folds=tuple(folds), **entry)


def _bits(array: Array) -> Array:
    if array.dtype == np.object_:
        return array.astype(np.str_)
    return array.view(np.uint16) if array.dtype == ml_dtypes.bfloat16 else array


def _typed(array: Array, meaning: Meaning | None) -> Array:
    if array.dtype.kind == "U":
        return array.astype(np.object_)
    return array.view(ml_dtypes.bfloat16) if meaning is not None and meaning.dtype == "bfloat16" else array
