"""
What quantising does to each tensor of a real run, by itself and together with all that came before.

*Accumulated* noise is the difference between the lowered network's tensor and the float one's. *Local* noise is what is
left of it when every operand is the float network's, in the type that the op reads: rounding and saturating the
operands, the weights and the result of this op alone (ONNX Runtime's `qdq_err`, beside its `xmodel_err`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import SSAValue

from compiler.comparison import CEILING_DB
from compiler.dialects.quant import UniformType
from compiler.interpreter.results import meaning
from compiler.interpreter.run import converted, run
from compiler.ir.network import Array, Network, name_of, shape
from compiler.ir.storage import is_quantised, uniform
from compiler.quantization.loss import Loss
from compiler.results import Results
from simulator.arithmetic.compiled import compiled

LEVELS = 256


class Runner(Protocol):
    """What runs the network in float: feeds by input name to every tensor by name, in order."""

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Every tensor the network computes."""
        ...


@dataclass
class Noise:
    """
    One tensor over all samples of a run.

    `signal` is Σ float², `total` and `local` are Σ error², accumulated and local; `error` is the greatest accumulated
    one. `codes` counts the 256 stored bytes of a quantised tensor, as raw bytes; `saturated` its elements that lie at
    an end of the type while the float value lies beyond it by more than half a step. `lows` and `highs` are the least
    and greatest float value of each channel (see `channel_axis`; one where there is none).
    """

    elements: int = 0
    signal: float = 0.0
    total: float = 0.0
    local: float = 0.0
    error: float = 0.0
    saturated: int = 0
    codes: NDArray[np.int64] | None = None
    lows: NDArray[np.float64] = field(default_factory=lambda: np.array(math.inf))
    highs: NDArray[np.float64] = field(default_factory=lambda: np.array(-math.inf))

    @property
    def total_db(self) -> float:
        """Accumulated signal to noise."""
        return decibels(self.signal, self.total)

    @property
    def local_db(self) -> float:
        """Local signal to noise."""
        return decibels(self.signal, self.local)

    @property
    def total_ratio(self) -> float:
        """Accumulated noise to signal, as powers; infinite for noise without signal."""
        return _ratio(self.total, self.signal)

    @property
    def local_ratio(self) -> float:
        """Local noise to signal, as powers; infinite for noise without signal."""
        return _ratio(self.local, self.signal)


def decibels(signal: float, noise: float) -> float:
    """`10·log₁₀(signal ÷ noise)` of powers, within ±CEILING_DB, the upper one for no noise at all."""
    if not noise:
        return CEILING_DB
    return min(max(10 * math.log10(signal / noise), -CEILING_DB), CEILING_DB) if signal else -CEILING_DB


def measured(
    network: Network,
    reference: Runner,
    batches: Iterable[Mapping[str, Array]],
    loss: Loss | None = None,
    inner: Collection[str] = (),
) -> dict[str, Noise]:
    """
    The noise of every tensor that the float network has too, by name, in the order of the lowered network.

    Each batch is run three times: in float, as it is, and with every such tensor replaced by the float one once its own
    error is taken; but for the `inner` ones, whose errors count where they are read. The results' noise is added to
    `loss`.
    """
    found: dict[str, Noise] = {}
    returned = network.main.body.block.last_op
    results = {name_of(value): value for value in returned.operands} if returned else {}
    for feeds in batches:
        exact = {**feeds, **reference.run(feeds)}
        made = run(network, feeds, lambda value, array, e=exact: _accumulated(value, array, e, found))
        run(network, feeds, lambda value, array, e=exact: _local(value, array, e, found, inner))
        if loss is not None and all(part.name in made for part in loss.parts):
            wanted = {part.name: exact[part.name] for part in loss.parts}
            loss.add(wanted, {n: real(results[n], made[n]).reshape(array.shape) for n, array in wanted.items()})
    return found


def exact_in_place(value: SSAValue, exact: Mapping[str, Array]) -> Array | None:
    """The float tensor in the type of its partner `value`; None where there is none of that size."""
    array = exact.get(name_of(value))
    if array is None or array.size != math.prod(shape(value)) or array.dtype == np.object_:
        return None
    return converted(value, array.reshape(shape(value)))


def real(value: SSAValue, array: Array) -> Array:
    """The stored elements of `value` as real numbers."""
    name = name_of(value)
    return Results({name: array}, {name: meaning(value)}).real(name)


def flat(values: Array) -> Array:
    """The elements in order, contiguous f32."""
    return np.ascontiguousarray(values, np.float32).reshape(-1)


def _accumulated(value: SSAValue, array: Array, exact: Mapping[str, Array], found: dict[str, Noise]) -> None:
    wanted = _partner(value, exact)
    if wanted is None:
        return
    noise = found.setdefault(name_of(value), Noise())
    made = real(value, array)
    signal, error, furthest = sums(flat(made), flat(wanted))
    noise.elements += wanted.size
    noise.signal += signal
    noise.total += error
    noise.error = max(noise.error, furthest)
    if is_quantised(value):
        noise.codes = _codes(array) + (0 if noise.codes is None else noise.codes)
        noise.saturated += _saturated(uniform(value), array, wanted - made)
    low, high = _by_channel(wanted, channel_axis(value))
    noise.lows, noise.highs = np.minimum(noise.lows, low), np.maximum(noise.highs, high)


def _local(
    value: SSAValue, array: Array, exact: Mapping[str, Array], found: dict[str, Noise], inner: Collection[str]
) -> Array | None:
    wanted = _partner(value, exact)
    if wanted is None:
        return None
    found[name_of(value)].local += sums(flat(real(value, array)), flat(wanted))[1]
    return None if name_of(value) in inner else exact_in_place(value, exact)


def _partner(value: SSAValue, exact: Mapping[str, Array]) -> Array | None:
    """The float tensor of the same name in the shape of `value`, if both are finite floats once read."""
    array = exact.get(name_of(value))
    if array is None or array.dtype.kind != "f" or array.size != math.prod(shape(value)) or not array.size:
        return None
    wanted = array.reshape(shape(value)).astype(np.float32, copy=False)
    return wanted if np.isfinite(wanted).all() else None


@compiled
def sums(made: Array, wanted: Array) -> tuple[float, float, float]:  # pragma: no cover
    """Σ wanted², Σ (made - wanted)² and max |made - wanted| of flat f32 arrays, in double precision."""
    signal = noise = furthest = 0.0
    for i in range(made.size):
        x, y = np.float64(made[i]), np.float64(wanted[i])
        apart = abs(x - y)
        signal, noise, furthest = signal + y * y, noise + apart * apart, max(furthest, apart)
    return signal, noise, furthest


def _codes(array: Array) -> NDArray[np.int64]:
    return np.bincount(np.ascontiguousarray(array).view(np.uint8).reshape(-1), minlength=LEVELS)


def _saturated(element: UniformType, array: Array, beyond: Array) -> int:
    """Elements at an end of the type whose float value lies `beyond` it by more than half a step."""
    half = steps(element, array.ndim) / 2
    above = (array == element.maximum.data) & (beyond > half)
    below = (array == element.minimum.data) & (beyond < -half)
    return int(np.count_nonzero(above) + np.count_nonzero(below))


def steps(element: UniformType, rank: int) -> NDArray[np.float64]:
    """The scale, or the scales along their axis, to be broadcast with a tensor of `rank` axes."""
    scales = np.array([scale.data for scale in element.scales])
    axis = element.axis.data
    return scales.reshape([-1 if i == axis else 1 for i in range(rank)]) if axis >= 0 else scales.reshape(())


def bounds(element: UniformType) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The least and the greatest real value of the type, one of each a scale."""
    scales = np.array([scale.data for scale in element.scales])
    zeros = np.array([zero.data for zero in element.zero_points])
    return (element.minimum.data - zeros) * scales, (element.maximum.data - zeros) * scales


def channel_axis(value: SSAValue) -> int:
    """The axis that channels lie along: that of the scales, else the second of planes, the last of rows; -1: none."""
    rank = len(shape(value))
    if is_quantised(value) and uniform(value).axis.data >= 0:
        return uniform(value).axis.data
    return -1 if rank < 2 else (1 if rank > 3 else rank - 1)


def _by_channel(values: Array, axis: int) -> tuple[Array, Array]:
    others = tuple(i for i in range(values.ndim) if i != axis) if axis >= 0 else None
    return values.min(others), values.max(others)


def _ratio(noise: float, signal: float) -> float:
    return noise / signal if signal else (math.inf if noise else 0.0)
