"""Resizing: which neighbours each index of a resized axis is made of, and how much of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import floor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import ArrayAttr, BoolAttr, FloatAttr, StringAttr, f64
from xdsl.irdl import attr_def, irdl_op_definition, operand_def, traits_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.fields import FALSE, Float, Ints, numbers
from compiler.dialects.top.base import AnyRank, OverIntegers, TopOp
from compiler.ir.network import Shape, shape, size

Reals = ArrayAttr[FloatAttr]
Doubles = NDArray[np.float64]
Kernel = Callable[[Doubles], Doubles]
"""Weight by distance, in steps of the input."""

MODES = ("nearest", "linear", "cubic")
NEAREST = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
COORDINATES = ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric",
               "tf_crop_and_resize")  # fmt: skip


def reals(*values: float) -> Reals:
    """`[1.0, 2.0]` as an attribute of doubles."""
    return ArrayAttr([FloatAttr(float(v), f64) for v in values])


@dataclass(frozen=True)
class Taps:
    """
    Result o of an axis is the sum of `weights[o, t] · input[starts[o] + t]`, in float64; all indices exist.

    `outside` are the results that lie outside of the input; their weights are 0.
    """

    starts: NDArray[np.int64]
    weights: Doubles
    outside: NDArray[np.bool_]

    @property
    def picks(self) -> bool:
        """Whether each result is one of the inputs."""
        return self.weights.shape[1] == 1 and bool((self.weights == 1).all())

    def matrix(self, extent: int) -> Doubles:
        """(results, `extent`) of all weights."""
        made = np.zeros((len(self.starts), extent))
        for t, column in enumerate(self.weights.T):
            made[np.arange(len(made)), self.starts + t] += column
        return made


@irdl_op_definition
class InterpOp(TopOp):
    """
    The input seen at other points: axis i has `sizes[i]` of them, in steps of `1 / scales[i]`; ONNX Resize.

    Axes whose size and scale stay are as they were. `mode`, `coord_mode` (ONNX's coordinate_transformation_mode),
    `nearest_mode`, `cubic_coeff_a`, `exclude_outside`, `antialias` and `roi` (starts of all axes, then ends, of
    tf_crop_and_resize) are ONNX's, as is `extrapolation_value`, which that mode has for points outside of the input.
    """

    name = "top.Interp"
    traits = traits_def(Pure(), OverIntegers())
    input = operand_def(AnyRank)
    sizes = attr_def(Ints)
    scales = attr_def(Reals)
    mode = attr_def(StringAttr)
    coord_mode = attr_def(StringAttr)
    nearest_mode = attr_def(StringAttr, default_value=StringAttr("round_prefer_floor"))
    cubic_coeff_a = attr_def(Float, default_value=FloatAttr(-0.75, f64))
    exclude_outside = attr_def(BoolAttr, default_value=FALSE)
    antialias = attr_def(BoolAttr, default_value=FALSE)
    roi = attr_def(Reals, default_value=reals())
    extrapolation_value = attr_def(Float, default_value=FloatAttr(0.0, f64))

    def factors(self) -> tuple[float, ...]:
        """Scale of each axis."""
        return tuple(value.value.data for value in self.scales)

    def region(self, axis: int) -> tuple[float, float]:
        """Start and end of what is seen of an axis, as shares of it."""
        given = [value.value.data for value in self.roi]
        return (given[axis], given[axis + len(given) // 2]) if given else (0.0, 1.0)

    def axes(self) -> list[int]:
        """The axes that aren't as they were."""
        dims, made, scales = shape(self.input), numbers(self.sizes), self.factors()
        cropped = self.coord_mode.data == "tf_crop_and_resize"
        return [
            i
            for i, n in enumerate(dims)
            if n != made[i] or abs(scales[i] - 1) > 1e-9 or (cropped and self.region(i) != (0.0, 1.0))
        ]

    def taps(self, axis: int) -> Taps:
        """What the results on an axis are made of."""
        extent, made = shape(self.input)[axis], numbers(self.sizes)[axis]
        at = self._points(axis, extent, made)
        cropped = self.coord_mode.data == "tf_crop_and_resize"
        outside = (at < 0) | (at > extent - 1) if cropped else np.zeros(made, bool)
        if self.mode.data == "nearest":
            return _nearest(at, self.nearest_mode.data, extent, outside)
        kernel, reach = _linear, 1
        if self.mode.data == "cubic":
            kernel, reach = _cubic(self.cubic_coeff_a.value.data), 2
        squeeze = min(self.factors()[axis], 1.0) if self.antialias else 1.0
        return _taps(at, kernel, reach, squeeze, bool(self.exclude_outside), extent, outside)

    def filling(self) -> NDArray[np.float32] | None:
        """What is to be added for the points outside of the input, in a shape that broadcasts; None for nothing."""
        outside = np.zeros((1,) * len(self.sizes), bool)
        for axis in self.axes():
            along = tuple(-1 if i == axis else 1 for i in range(len(self.sizes)))
            outside = outside | self.taps(axis).outside.reshape(along)
        value = self.extrapolation_value.value.data
        return np.where(outside, np.float32(value), np.float32(0)) if value and outside.any() else None

    def _points(self, axis: int, extent: int, made: int) -> Doubles:
        """Where on the input each result lies, as ONNX's reference computes it."""
        scale, o = self.factors()[axis], np.arange(made, dtype=np.float64)
        length = scale * extent
        match self.coord_mode.data:
            case "align_corners":
                return o * (extent - 1) / (length - 1) if length != 1 else 0 * o
            case "asymmetric":
                return o / scale
            case "tf_crop_and_resize":
                start, end = self.region(axis)
                if length == 1:
                    return 0 * o + (end - start) * (extent - 1) / 2 + start * (extent - 1)
                return o * (end - start) * (extent - 1) / (length - 1) + start * (extent - 1)
            case "pytorch_half_pixel" if length == 1:
                return 0 * o - 0.5
            case "half_pixel_symmetric":
                return extent / 2 * (1 - made / length) + (o + 0.5) / scale - 0.5
            case _:
                return (o + 0.5) / scale - 0.5

    def infer_shape(self) -> Shape:
        if len(self.sizes) != len(shape(self.input)) or len(self.scales) != len(self.sizes):
            raise VerifyException("a size and a scale for each axis")
        return numbers(self.sizes)

    def flops(self) -> int:
        return size(shape(self.output)) * 2 * sum(self.taps(axis).weights.shape[1] for axis in self.axes())

    def verify_(self) -> None:
        for name, known in (("mode", MODES), ("coord_mode", COORDINATES), ("nearest_mode", NEAREST)):
            value: Any = getattr(self, name)
            if value.data not in known:
                raise VerifyException(f"{name} is {', '.join(known)}, not {value.data!r}")
        if self.antialias and self.mode.data == "nearest":
            raise VerifyException("antialias is for linear and cubic")
        super().verify_()


def _nearest(at: Doubles, rounding: str, extent: int, outside: NDArray[np.bool_]) -> Taps:
    match rounding:
        case "floor":
            chosen = np.floor(at)
        case "ceil":
            chosen = np.ceil(at)
        case "round_prefer_floor":
            chosen = np.ceil(at - 0.5)
        case _:
            chosen = np.floor(at + 0.5)
    starts = np.clip(chosen, 0, extent - 1).astype(np.int64)
    return Taps(starts, np.where(outside, 0.0, 1.0)[:, None], outside)


def _linear(distance: Doubles) -> Doubles:
    return np.clip(1 - np.abs(distance), 0, 1)


def _cubic(a: float) -> Kernel:
    """Keys's kernel, with `a` the slope at distance 1."""

    def kernel(distance: Doubles) -> Doubles:
        x = np.abs(distance)
        near = ((a + 2) * x - (a + 3)) * x * x + 1
        far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
        return np.where(x <= 1, near, np.where(x < 2, far, 0.0))

    return kernel


def _taps(
    at: Doubles, kernel: Kernel, reach: int, squeeze: float, exclude: bool, extent: int, outside: NDArray[np.bool_]
) -> Taps:
    """
    The neighbours within `reach / squeeze` of each point; what lies beyond an end counts for the end itself.

    With `exclude` it doesn't count at all, and the other weights make up for it, as they do for a squeezed kernel.
    """
    first = np.floor(at).astype(np.int64) + floor(-reach / squeeze) + 1
    width = 2 - 2 * (floor(-reach / squeeze) + 1)
    indices = first[:, None] + np.arange(width)
    weights = kernel((indices - at[:, None]) * squeeze)
    if exclude:
        weights = np.where((indices < 0) | (indices >= extent), 0.0, weights)
    if exclude or squeeze < 1:
        total = weights.sum(axis=1, keepdims=True)
        weights = weights / np.where(total == 0, 1.0, total)
    weights[outside] = 0.0
    held = min(width, extent)
    starts = np.clip(first, 0, extent - held)
    made = np.zeros((len(at), held))
    for t in range(width):
        made[np.arange(len(at)), np.clip(indices[:, t], 0, extent - 1) - starts] += weights[:, t]
    return Taps(starts, made, outside)
