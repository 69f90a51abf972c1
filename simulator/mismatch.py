"""How tensors of two runs differ, by their bits; and the first that does, seen as the chip makes it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.arithmetic.casts import dequantise, widen
from simulator.debug_map import TensorSlice
from simulator.dump import frame_of
from simulator.execute.site import FLOATS
from simulator.isa.table import Engine
from simulator.memory import NUMPY, Array, Memory
from simulator.model_file import Model, Tensor

CEILING_DB = 200.0
"""Signal to noise of equal tensors."""


class BadReference(ValueError):
    """Results that aren't this model's; the message names the tensor, or those there are."""


@dataclass(frozen=True)
class Mismatch:
    """
    A tensor that isn't as it should be, in `differing` of `compared` elements.

    The first is at `index` of the tensor: it should have been `wanted` and is `got`, both as stored; `reals` are the
    numbers that the two stand for. `sqnr_db` is over what was compared.
    """

    tensor: str
    differing: int
    compared: int
    index: tuple[int, ...]
    wanted: object
    got: object
    reals: tuple[float, float] | None
    sqnr_db: float

    def __str__(self) -> str:
        numbers = f" ({self.reals[0]:.6g} and {self.reals[1]:.6g})" if self.reals else ""
        at = ",".join(map(str, self.index))
        return (
            f"tensor {self.tensor!r} differs in {self.differing:,} of {self.compared:,} elements, first at [{at}]: "
            f"expected {self.wanted}, got {self.got}{numbers}; SQNR {self.sqnr_db:.2f} dB"
        )


@dataclass(frozen=True)
class FirstMismatch:
    """
    What goes wrong first in a run: `record` of `engine` of `core`, 1-based, of `layer`, finishes a slice that differs.

    Of a tensor that the host makes, and of an input, `record` is 0 and `layer` the tensor's own name.
    """

    mismatch: Mismatch
    layer: str
    core: int
    engine: Engine
    record: int

    def __str__(self) -> str:
        core = f"core {self.core}, " if self.core else ""
        made = f"{core}{self.engine.name} record {self.record}" if self.record else "no record"
        return f"layer {self.layer!r}, {made}: {self.mismatch}"


class Found(Exception):
    """Stops a run at its first mismatch."""

    def __init__(self, first: FirstMismatch) -> None:
        super().__init__(str(first))
        self.first = first


class Search:
    """Holds what the records of a run finish against results, slice by slice; an observer of the machine."""

    def __init__(self, model: Model, memories: Sequence[Memory], reference: Mapping[str, Array]) -> None:
        """
        `reference` has arrays by tensor name, as stored; bfloat16 may be given as 16-bit integers.

        Raises BadReference.
        """
        self._model, self._memories = model, memories
        by_name = {tensor.name: tensor for tensor in model.tensors}
        self._reference = fitting(by_name, reference)
        self._due: dict[tuple[int, Engine, int], list[tuple[Tensor, TensorSlice]]] = {}
        for tensor in (by_name[name] for name in self._reference):
            for part in tensor.slices:
                self._due.setdefault((part.core, part.engine, part.record), []).append((tensor, part))

    def observe(self, core: int, engine: Engine, record: int) -> None:
        """Look at the slices that are complete right after a record, 0 for before the run. Raises Found."""
        for tensor, part in self._due.get((core, engine, record), ()):
            box = tuple(slice(start, stop) for start, stop in part.box)
            wanted = self._reference[tensor.name].reshape(frame_of(tensor))[box]
            got = self._memories[core].place(part.operand).gather()
            if not same(got, wanted):
                found = sliced(tensor, part, got, self._reference[tensor.name])
                layer = self._layer(core, engine, record) if record else tensor.name
                raise Found(FirstMismatch(found, layer, core, engine, record))

    def look(self, held: Mapping[str, Array]) -> None:
        """Look at what the host has, by name, in the network's order. Raises Found."""
        for tensor in self._model.tensors:
            if tensor.held and tensor.name in self._reference and tensor.name in held:
                made = held[tensor.name]
                found = mismatch(tensor, made, self._reference[tensor.name], np.ones(made.shape, np.bool_))
                if found is not None:
                    raise Found(FirstMismatch(found, tensor.name, 0, Engine.TIU, 0))

    def _layer(self, core: int, engine: Engine, record: int) -> str:
        tag = int(self._model.cores[core].of(engine)["tag"][record - 1])
        return self._model.layers[tag] if tag < len(self._model.layers) else ""


def sliced(tensor: Tensor, part: TensorSlice, got: Array, wanted: Array) -> Mismatch:
    """How a slice differs from its place in a whole tensor; it does."""
    box = tuple(slice(start, stop) for start, stop in part.box)
    whole, known = np.zeros(frame_of(tensor), wanted.dtype), np.zeros(frame_of(tensor), np.bool_)
    whole[box], known[box] = got, True
    found = mismatch(tensor, whole.reshape(tensor.shape), wanted, known.reshape(tensor.shape))
    assert found is not None
    return found


def mismatch(tensor: Tensor, got: Array, wanted: Array, known: NDArray[np.bool_]) -> Mismatch | None:
    """How two tensors as stored differ where the first is known; None if they don't."""
    if got.shape != wanted.shape:
        raise BadReference(f"tensor {tensor.name!r} is {list(got.shape)}, in the results {list(wanted.shape)}")
    x, y, seen = wanted.reshape(-1), got.reshape(-1), known.reshape(-1)
    apart = (y != x if y.dtype == np.object_ else _bits(y) != _bits(x)) & seen
    count, compared = int(np.count_nonzero(apart)), int(np.count_nonzero(seen))
    if not count:
        return None
    at = int(np.argmax(apart))
    index = tuple(int(i) for i in np.unravel_index(at, got.shape))
    if y.dtype == np.object_:
        return Mismatch(tensor.name, count, compared, index, x[at], y[at], None, -CEILING_DB)
    a, b = (real(tensor, each).astype(np.float64).reshape(-1) for each in (wanted, got))
    return Mismatch(
        tensor.name, count, compared, index, x[at], y[at], (float(a[at]), float(b[at])), sqnr_db(b[seen], a[seen])
    )


def real(tensor: Tensor, stored: Array) -> Array:
    """Stored values of a tensor as float32; of one that isn't numbers by itself, as they are."""
    if tensor.held:
        return stored
    if tensor.dtype in FLOATS:
        return widen(stored)
    return dequantise(stored, tensor.scale, tensor.zero_point, tensor.axis)


def sqnr_db(got: Array, wanted: Array) -> float:
    """The ratio 10·log₁₀(Σ wanted² ÷ Σ (got - wanted)²), within ±`CEILING_DB`; the least where either isn't finite."""
    if not (np.isfinite(got).all() and np.isfinite(wanted).all()):
        return -CEILING_DB
    signal, noise = float(np.sum(wanted**2)), float(np.sum((got - wanted) ** 2))
    if not noise:
        return CEILING_DB
    return max(min(10 * math.log10(signal / noise), CEILING_DB), -CEILING_DB) if signal else -CEILING_DB


def same(got: Array, wanted: Array) -> bool:
    """Whether two arrays of one shape and type have the same bits."""
    return bool(np.array_equal(_bits(got), _bits(wanted)))


def _bits(array: Array) -> Array:
    return np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}") if array.dtype.kind != "b" else array


def fitting(tensors: Mapping[str, Tensor], arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The results of tensors that there are some of, in the tensors' order, as they store them. Raises BadReference."""
    common = [name for name in tensors if name in arrays]
    if not common:
        shown = ", ".join(list(arrays)[:5]) or "nothing"
        raise BadReference(f"no tensor of the model is in these results; they hold {shown}")
    return {name: _fitting(tensors[name], arrays[name]) for name in common}


def _fitting(tensor: Tensor, array: Array) -> Array:
    if tensor.held:
        return array
    kind = NUMPY[tensor.dtype]
    if array.dtype != kind and array.dtype.itemsize == kind.itemsize and array.dtype.kind in "uV":
        array = array.view(kind)
    if array.dtype != kind or array.size != np.prod(tensor.shape, dtype=np.int64):
        raise BadReference(
            f"tensor {tensor.name!r} is {kind} {list(tensor.shape)}, in the results {array.dtype} {list(array.shape)}: "
            "they are another model's, or of real numbers; give those of the TPU network"
        )
    return array.reshape(tensor.shape)
