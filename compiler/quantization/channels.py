"""What each channel of a tensor holds over the calibration data: its least and greatest value, and its mean square."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from xdsl.ir import SSAValue

from compiler.dialects.structure import WeightOp
from compiler.dialects.top.base import is_present
from compiler.dialects.top.contraction import ConvOp, MatMulOp
from compiler.dialects.top.movement import PermuteOp, View
from compiler.ir.network import Array, Network, name_of, shape
from compiler.ir.storage import is_float
from compiler.npz import read_npz, write_npz

Key = tuple[str, int]
"""A tensor by name, and the axis of its channels, counted from the front."""

LARGEST = float(np.finfo(np.float32).max)


@dataclass
class Channels:
    """
    Statistics along one axis of a tensor, batch after batch.

    `low`, `high`: the least and the greatest value of each channel, (channels). `total` is the sum of the squares of
    `count` values a channel.
    """

    low: Array
    high: Array
    total: Array
    count: int = 0

    @classmethod
    def empty(cls, extent: int) -> Channels:
        """Of so many channels, before any value."""
        return cls(np.full(extent, np.inf), np.full(extent, -np.inf), np.zeros(extent))

    @property
    def square(self) -> Array:
        """The mean square of each channel."""
        return self.total / max(self.count, 1)

    def add(self, x: Array, axis: int) -> tuple[float, float]:
        """Look at `x`, f32, the channels along `axis`; returns its least and greatest value, NaN where there is one."""
        rows = x.reshape(prod(x.shape[:axis]), x.shape[axis], -1)
        low, high = rows.min((0, 2)), rows.max((0, 2))
        self.low, self.high = np.minimum(self.low, low), np.maximum(self.high, high)
        # Within a batch sums are f32, as the tensor is; batches add in double precision.
        self.total += np.einsum("acb,acb->c", rows, rows).astype(np.float64)
        self.count += rows.shape[0] * rows.shape[2]
        return float(low.min()), float(high.max())


def axes(network: Network) -> dict[str, tuple[int, ...]]:
    """
    The axes that are looked at of each float tensor, by name; a tensor without any isn't there.

    Axis 1 of what has channels before its extents; the last of matrices, and of what a MatMul makes or reads. Of views
    and permutations only those that a contraction reads.
    """
    wanted = dict[str, tuple[int, ...]]()
    for op in network.ops:
        for value in () if isinstance(op, WeightOp) else op.results:
            if is_present(value) and is_float(value) and (found := _axes(value)):
                wanted[name_of(value)] = found
    return wanted


def _axes(value: SSAValue) -> tuple[int, ...]:
    dims, readers = shape(value), {type(use.operation) for use in value.uses}
    if isinstance(value.owner, View | PermuteOp) and not readers & {ConvOp, MatMulOp}:
        return ()
    last = {len(dims) - 1} if len(dims) <= 3 or MatMulOp in {*readers, type(value.owner)} else set[int]()
    found = {1, *last} if len(dims) >= 3 else last
    return tuple(axis for axis in sorted(found) if axis > 0 and dims[axis] > 1)


def save(path: Path, channels: Mapping[Key, Channels]) -> None:
    """Under `<name>@<axis>` each tensor's float32 (3, channels): least, greatest, mean square."""
    rows = {f"{name}@{axis}": np.stack([c.low, c.high, c.square]) for (name, axis), c in channels.items()}
    write_npz(path, {key: np.clip(array, -LARGEST, LARGEST).astype(np.float32) for key, array in rows.items()})


def load(path: Path) -> dict[Key, Channels]:
    """The statistics of a file that `save` wrote. Raises DamagedArrays."""
    found = dict[Key, Channels]()
    for key, (low, high, square) in read_npz(path).items():
        name, _, axis = key.rpartition("@")
        found[name, int(axis)] = Channels(low, high, square, 1)
    return found
