"""The debug map: which core's record finishes which part of a tensor, and where that part lies right after it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from simulator.isa.record import OPERAND, Operand
from simulator.isa.table import DType, Engine, Region

Range = tuple[int, int]
"""Start and stop."""

SliceBox = tuple[Range, Range, Range, Range]
"""A part of a tensor's frame (n, c, h, w)."""

SLICE = np.dtype(
    [
        ("engine", "u1"), ("core", "u1"), ("pad", "u1", 2),
        ("record", "<u4"), ("box", "<u4", (4, 2)), ("operand", OPERAND),
    ]
)  # fmt: skip
"""One slice in the file."""


@dataclass(frozen=True, slots=True)
class TensorSlice:
    """The part `box` of a tensor lies at `operand` of `core` right after the 1-based `record` of `engine` has run."""

    engine: Engine
    record: int
    operand: Operand
    box: SliceBox
    core: int = 0


class Slices(Sequence[TensorSlice]):
    """The slices of a tensor in a file, decoded when they are looked at (a model can have many thousands)."""

    def __init__(self, rows: NDArray[Any]) -> None:
        """`rows`: an array of `SLICE`."""
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def volume(self) -> int:
        """Elements of all of them, those that several have as often."""
        box = self._rows["box"].astype(np.int64)
        return int((box[..., 1] - box[..., 0]).prod(-1).sum())

    @overload
    def __getitem__(self, index: int) -> TensorSlice: ...
    @overload
    def __getitem__(self, index: slice) -> Slices: ...
    def __getitem__(self, index: int | slice) -> TensorSlice | Slices:
        if isinstance(index, slice):
            return Slices(self._rows[index])
        return _decoded(self._rows[index])


def in_order(slices: Iterable[TensorSlice]) -> list[TensorSlice]:
    """As a file has the slices of a tensor: by core, engine and record."""
    return sorted(slices, key=lambda part: (part.core, part.engine, part.record))


def volume(slices: Sequence[TensorSlice]) -> int:
    """Elements of all slices, those that several have as often."""
    if isinstance(slices, Slices):
        return slices.volume
    return sum(prod(stop - start for start, stop in part.box) for part in slices)


def slice_rows(tensors: Iterable[Sequence[TensorSlice]]) -> NDArray[Any]:
    """The slices of one tensor after another as an array of `SLICE`."""
    slices = [part for tensor in tensors for part in tensor]
    rows = np.zeros(len(slices), SLICE)
    for name in ("engine", "core", "record"):
        rows[name] = [getattr(part, name) for part in slices]
    rows["box"] = np.array([part.box for part in slices], np.uint32).reshape(-1, 4, 2)
    operands = rows["operand"]
    for name in ("addr", "lane", "dtype", "region"):
        operands[name] = [getattr(part.operand, name) for part in slices]
    operands["dims"] = np.array([part.operand.dims for part in slices], np.uint32).reshape(-1, 4)
    operands["strides"] = np.array([part.operand.strides for part in slices], np.int32).reshape(-1, 4)
    return rows


def _decoded(row: Any) -> TensorSlice:
    a, b, c, d = row["box"].tolist()
    box = ((a[0], a[1]), (b[0], b[1]), (c[0], c[1]), (d[0], d[1]))
    return TensorSlice(Engine(int(row["engine"])), int(row["record"]), _operand(row["operand"]), box, int(row["core"]))


def _operand(held: Any) -> Operand:
    n, c, h, w = held["dims"].tolist()
    sn, sc, sh, sw = held["strides"].tolist()
    dtype, region = DType(int(held["dtype"])), Region(int(held["region"]))
    return Operand(int(held["addr"]), dtype, (n, c, h, w), (sn, sc, sh, sw), region, int(held["lane"]))
