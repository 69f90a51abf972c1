"""Every tensor of a network seen while it runs: slices snapshot as the debug map says, and stitched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np

from simulator.debug_map import SliceBox, TensorSlice
from simulator.isa.table import Engine
from simulator.memory import NUMPY, Array, Memory
from simulator.model_file import Tensor


class BadDump(ValueError):
    """The debug map doesn't give a tensor whole and one way; the message names it."""


class Stitcher:
    """Collects the slices of a run; an observer of the machine."""

    def __init__(self, tensors: Sequence[Tensor], memories: Sequence[Memory]) -> None:
        """Nothing is seen yet. Call `snapshot` with record 0 of both engines for what is there before the run."""
        self._memories = memories
        self._all = tensors
        self._tensors = tensors = [tensor for tensor in tensors if not tensor.held]
        self._arrays = {tensor.name: np.empty(frame_of(tensor), NUMPY[tensor.dtype]) for tensor in tensors}
        self._covered = {tensor.name: np.zeros(frame_of(tensor), np.bool_) for tensor in tensors}
        self._due: dict[tuple[int, Engine, int], list[tuple[Tensor, TensorSlice]]] = {}
        for tensor in tensors:
            for part in tensor.slices:
                self._due.setdefault((part.core, part.engine, part.record), []).append((tensor, part))

    def snapshot(self, core: int, engine: Engine, record: int) -> None:
        """Take the slices that are complete right after a record. Raises BadDump where slices contradict."""
        for tensor, part in self._due.pop((core, engine, record), ()):
            self._take(tensor, part)

    def tensors(self, held: Mapping[str, Array] | None = None) -> dict[str, Array]:
        """
        Every tensor in its stored form and own shape, in the map's order; `held` are the host's by name.

        Raises BadDump.
        """
        if self._due:
            (_, engine, record), slices = next(iter(self._due.items()))
            raise BadDump(f"tensor {slices[0][0].name!r}: {engine.name} record {record} never ran")
        by_name = {tensor.name: tensor for tensor in self._all}
        return {tensor.name: self._made(tensor, by_name, held or {}) for tensor in self._all}

    def _made(self, tensor: Tensor, by_name: Mapping[str, Tensor], held: Mapping[str, Array]) -> Array:
        home = home_of(tensor, by_name)
        if not home.held:
            return self._whole(home).reshape(tensor.shape)
        if home.name not in held:
            raise BadDump(f"tensor {home.name!r}: no host op has made it")
        return held[home.name].reshape(tensor.shape) if tensor is not home else held[home.name]

    def _take(self, tensor: Tensor, part: TensorSlice) -> None:
        where = f"tensor {tensor.name!r}, {part.engine.name} record {part.record}"
        box = tuple(slice(start, stop) for start, stop in part.box)
        whole, covered = self._arrays[tensor.name], self._covered[tensor.name]
        if part.operand.dims != _extents(part.box) or any(s.stop > n for s, n in zip(box, whole.shape, strict=True)):
            raise BadDump(f"{where}: operand {part.operand.dims} is no box {part.box} of {whole.shape}")
        if part.operand.dtype != tensor.dtype:
            raise BadDump(f"{where}: type {part.operand.dtype.name} isn't {tensor.dtype.name}")
        bits = f"u{whole.dtype.itemsize}"
        seen = self._memories[part.core].place(part.operand).gather().view(bits)
        known = whole.view(bits)[box]
        if differing := int(np.count_nonzero((seen != known) & covered[box])):
            raise BadDump(f"{where}: {differing} elements differ from those that another slice of the tensor has")
        known[...] = seen
        covered[box] = True

    def _whole(self, tensor: Tensor) -> Array:
        if missing := int(np.count_nonzero(~self._covered[tensor.name])):
            total = prod(tensor.shape)
            raise BadDump(f"tensor {tensor.name!r}: {missing} of {total} elements are in no slice of the debug map")
        return self._arrays[tensor.name]


def home_of(tensor: Tensor, by_name: Mapping[str, Tensor]) -> Tensor:
    """The tensor whose slices hold this one's bytes."""
    seen = {tensor.name}
    home = tensor
    while home.folded_into:
        if home.folded_into not in by_name or home.folded_into in seen:
            raise BadDump(f"tensor {tensor.name!r} is folded into {home.folded_into!r}, which the debug map lacks")
        home = by_name[home.folded_into]
        seen.add(home.name)
    if (home.dtype, prod(home.shape)) != (tensor.dtype, prod(tensor.shape)):
        raise BadDump(f"tensor {tensor.name!r} is folded into {home.name!r}, which has other elements")
    return home


def frame_of(tensor: Tensor) -> tuple[int, int, int, int]:
    """The four axes that slices speak of: those before the last three are one."""
    *before, c, h, w = (*tensor.shape, *(1,) * (4 - len(tensor.shape)))
    return prod(before), c, h, w


def _extents(box: SliceBox) -> tuple[int, ...]:
    return tuple(stop - start for start, stop in box)
