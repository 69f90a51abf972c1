"""How far results lie from the float ones: the noise of each part of the results, as a share of its signal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import log10

import numpy as np

from compiler.dialects.top.movement import ConcatOp
from compiler.ir.network import Array, Network, name_of, shape
from compiler.ir.storage import is_float

LEAST = 1e-30
"""No part's signal or noise counts as less."""


@dataclass(frozen=True)
class Part:
    """Of the result `name` what lies between two places of an axis: of joined tensors each is a part of its own."""

    name: str
    axis: int
    first: int
    end: int

    def of(self, results: Mapping[str, Array]) -> Array:
        """The part, float64."""
        array = results[self.name]
        return array[(slice(None),) * self.axis + (slice(self.first, self.end),)].astype(np.float64)


def parts_of(network: Network) -> list[Part]:
    """The parts of a network's results of floats; what a Concat joined may have quite different magnitudes."""
    return list(dict.fromkeys(_parts(network)))


def _parts(network: Network) -> Iterator[Part]:
    block = network.main.body.block
    for value in block.last_op.operands if block.last_op else ():
        if not is_float(value):
            continue
        dims = shape(value)
        if not isinstance(op := value.owner, ConcatOp):
            yield Part(name_of(value), 0, 0, dims[0] if dims else 1)
            continue
        axis, first = op.axis.value.data % len(dims), 0
        for operand in op.inputs:
            end = first + shape(operand)[axis]
            yield Part(name_of(value), axis, first, end)
            first = end


@dataclass
class Loss:
    """Signal and noise of each part, summed over samples."""

    parts: list[Part]
    signal: Array = field(init=False)
    noise: Array = field(init=False)

    def __post_init__(self) -> None:
        self.signal, self.noise = np.zeros(len(self.parts)), np.zeros(len(self.parts))

    def add(self, wanted: Mapping[str, Array], made: Mapping[str, Array]) -> None:
        """Count a batch: float results, and what was made instead."""
        for i, part in enumerate(self.parts):
            true = part.of(wanted)
            self.signal[i] += float((true**2).sum())
            self.noise[i] += float(((true - part.of(made)) ** 2).sum())

    @property
    def share(self) -> float:
        """Noise as a share of the signal, the mean over parts."""
        ratios = np.maximum(self.noise, LEAST) / np.maximum(self.signal, LEAST)
        return float(ratios.mean()) if len(self.parts) else 0.0

    @property
    def sqnr_db(self) -> float:
        """The same in decibels, signal over noise."""
        return -10 * log10(max(self.share, LEAST))
