"""
What a giant is: an op at four times the size of an e8 lane, stretched along each of its axes in turn.

Sizes are those of the tensor an op reads, or makes where it reads less: `LANES` lanes hold `4 · LANE_BYTES` each, so no
op fits uncut.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import bf16, f16, f32, i32
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.quant import I8, UniformType
from compiler.dialects.tpu.base import TpuOp
from compiler.ir.network import Shape
from compiler.ir.storage import dtype_of
from pipeline.bench.sketch import Sketch
from simulator.chip import CHIPS

CHIP = "e8"
LANES, LANE_BYTES = CHIPS[CHIP].lanes, CHIPS[CHIP].lane_bytes
QUANTISED = UniformType.per_tensor(0.05)
ELEMENTS: Mapping[str, Attribute] = {"f32": f32, "bf16": bf16, "f16": f16, "int8": QUANTISED}
"""The element type of each mode."""

SMALL = 8
"""Extent of the axes that aren't stretched."""

FLOATS = ("f32", "bf16", "f16")
ALL = (*FLOATS, "int8")

Make = Callable[[Sketch, Attribute, Shape], SSAValue]
"""Writes the op into a sketch, reading a tensor of the element type and extents, and returns what the network does."""


@dataclass(frozen=True)
class Giant:
    """One op, what it is written by, along which axes it is stretched and in which modes it exists."""

    make: Make
    op: type[TpuOp]
    axes: str = "nchw"
    modes: tuple[str, ...] = ("f32", "int8")

    def cases(self, name: str) -> Iterator[tuple[str, str, Shape]]:
        """Label, mode and extents of each case."""
        for mode in self.modes:
            for axis in self.axes:
                yield f"{name}-{axis}", mode, stretched(mode, axis, self.axes)


def stretched(mode: str, axis: str, axes: str) -> Shape:
    """Extents of four e8 lanes' worth of elements, nearly all of them along one axis."""
    count = 4 * LANE_BYTES * LANES // dtype_of(ELEMENTS[mode]).itemsize
    return tuple(count // SMALL ** (len(axes) - 1) if axis == name else SMALL for name in axes)


def params(sketch: Sketch, element: Attribute, channels: int, terms: int) -> SSAValue:
    """Bias alone; for int8 bias, multiplier and shift that bring sums of so many terms back to a byte."""
    if element != QUANTISED:
        return sketch.drawn(f32, (1, channels, 1, 1))
    shift = 31 + round(np.log2(18 * np.sqrt(terms)))
    rows = sketch.random.integers([-9999, 1 << 30, shift], [9999, (1 << 31) - 1, shift + 1], (channels, 3))
    return sketch.constant(i32, rows.reshape(1, channels, 1, 3))


def weights(element: Attribute) -> Attribute:
    """Element type of a contraction's filter."""
    return I8 if element == QUANTISED else element
