"""Results to hold a run against, such as the TPU network's: slice by slice, as records finish them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.debug_map import TensorSlice
from simulator.debugger.order import Moment
from simulator.debugger.tensors import Seen, Tensors, real
from simulator.dump import frame_of
from simulator.memory import NUMPY, Array
from simulator.model_file import Tensor

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


class Reference:
    """Every tensor of a run that there is a result for, by bits."""

    def __init__(self, tensors: Tensors, arrays: Mapping[str, Array]) -> None:
        """`arrays` by tensor name, as stored; bfloat16 may be given as 16-bit integers. Raises BadReference."""
        self._tensors = tensors
        common = [name for name in tensors.names if name in arrays]
        if not common:
            shown = ", ".join(list(arrays)[:5]) or "nothing"
            raise BadReference(f"no tensor of the model is in these results; they hold {shown}")
        self.arrays = {name: _fitting(tensors[name], arrays[name]) for name in common}
        self._due: dict[Moment | None, list[tuple[Tensor, TensorSlice | None]]] = {}
        for name in common:
            self._enter(tensors[name])

    @property
    def moments(self) -> set[Moment]:
        """What finishes something that there is a result for."""
        return {moment for moment in self._due if moment is not None}

    def check(self, moment: Moment | None) -> Mismatch | None:
        """What a moment that has just run finished wrongly, if anything; None stands for what is there before."""
        for tensor, part in self._due.get(moment, ()):
            if found := self._whole(tensor) if part is None else self._slice(tensor, part):
                return found
        return None

    def compare(self, seen: Mapping[str, Seen]) -> list[Mismatch]:
        """Each of these tensors that differs in what is known of it."""
        found = (mismatch(each.tensor, each.stored, self.arrays[name], each.known) for name, each in seen.items())
        return [each for each in found if each is not None]

    def _enter(self, tensor: Tensor) -> None:
        if tensor.folded_into:
            return
        if tensor.held:
            for moment in self._tensors.moments(tensor.name):
                self._due.setdefault(moment, []).append((tensor, None))
        for part in tensor.slices:
            self._due.setdefault(self._tensors.maker(part), []).append((tensor, part))

    def _slice(self, tensor: Tensor, part: TensorSlice) -> Mismatch | None:
        box = tuple(slice(start, stop) for start, stop in part.box)
        wanted = self.arrays[tensor.name].reshape(frame_of(tensor))[box]
        got = self._tensors.at(part)
        if same(got, wanted):
            return None
        whole, known = np.zeros(frame_of(tensor), wanted.dtype), np.zeros(frame_of(tensor), np.bool_)
        whole[box], known[box] = got, True
        shape = tensor.shape
        return mismatch(tensor, whole.reshape(shape), self.arrays[tensor.name], known.reshape(shape))

    def _whole(self, tensor: Tensor) -> Mismatch | None:
        seen = self._tensors.seen(tensor.name)
        return mismatch(tensor, seen.stored, self.arrays[tensor.name], seen.known)


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


def _fitting(tensor: Tensor, array: Array) -> Array:
    """Results as the tensor stores them. Raises BadReference."""
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
