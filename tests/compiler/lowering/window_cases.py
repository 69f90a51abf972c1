"""Small networks of windows that make more than they read, and of windows that move."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from xdsl.dialects.builtin import FloatAttr, StringAttr, f64
from xdsl.ir import SSAValue

from compiler.dialects.fields import TRUE, integer, ints
from compiler.dialects.top import ops as top
from compiler.ir.network import Array
from tests.compiler.lowering.networks import Builder

WindowCase = Callable[[Builder, np.random.Generator], SSAValue]
Pair = tuple[int, int]
WEIGHT_STEP = 2.0**-8


def by_input(rng: np.random.Generator, group: int, inputs: int, outputs: int, *kernel: int) -> Array:
    """Filters (ic, oc / group, kh, kw) that int8 holds exactly, by output channel."""
    made = rng.integers(-127, 128, (group, outputs, inputs * int(np.prod(kernel))))
    made[:, :, 0] = 127
    turned = made.reshape(group, outputs, inputs, *kernel).transpose(0, 2, 1, *range(3, 3 + len(kernel)))
    return turned.reshape(group * inputs, outputs, *kernel) * WEIGHT_STEP


def deconv(
    inputs: int,
    outputs: int,
    kernel: Pair = (4, 3),
    strides: Pair = (2, 2),
    pads: tuple[int, ...] = (1, 1, 1, 0),
    group: int = 1,
    more: Pair = (0, 0),
    dilations: Pair = (1, 1),
) -> WindowCase:
    def make(b: Builder, rng: np.random.Generator) -> SSAValue:
        filters = b.weight(by_input(rng, group, inputs, outputs, *kernel))
        return b.op(
            top.DeconvOp, b.input("x", 2, group * inputs, 5, 4), filters, b.weight(rng.normal(0, 3, group * outputs)),
            kernel_shape=ints(*kernel), strides=ints(*strides), pads=ints(*pads), group=integer(group), do_relu=TRUE,
            output_padding=ints(*more), dilations=ints(*dilations),
        )  # fmt: skip

    return make


def interp(
    mode: str, sizes: tuple[int, ...], coordinates: str = "half_pixel", dims: tuple[int, ...] = (1, 3, 4, 5)
) -> WindowCase:
    def make(b: Builder, rng: np.random.Generator) -> SSAValue:
        scales = top.reals(*(m / n for m, n in zip(sizes, dims, strict=True)))
        return b.op(
            top.InterpOp, b.input("x", *dims), sizes=ints(*sizes), scales=scales, mode=StringAttr(mode),
            coord_mode=StringAttr(coordinates), nearest_mode=StringAttr("floor"),
        )  # fmt: skip

    return make


def cropped(b: Builder, rng: np.random.Generator) -> SSAValue:
    """Beyond the upper edge there is 1.5."""
    return b.op(
        top.InterpOp, b.input("x", 1, 2, 4, 5), sizes=ints(1, 2, 6, 5), scales=top.reals(1, 1, 1.5, 1),
        mode=StringAttr("linear"), coord_mode=StringAttr("tf_crop_and_resize"),
        roi=top.reals(0, 0, -0.5, 0, 1, 1, 0.75, 1), extrapolation_value=FloatAttr(1.5, f64),
    )  # fmt: skip


def max_pool(kernel: Pair, dilations: Pair, pads: tuple[int, ...]) -> WindowCase:
    def make(b: Builder, rng: np.random.Generator) -> SSAValue:
        window = {"kernel_shape": ints(*kernel), "dilations": ints(*dilations), "pads": ints(*pads)}
        return b.op(top.MaxPoolOp, b.input("x", 1, 3, 11, 12), **window, strides=ints(2, 1))

    return make


def avg_pool(b: Builder, rng: np.random.Generator) -> SSAValue:
    window = {"kernel_shape": ints(3, 2), "dilations": ints(2, 3), "pads": ints(2, 1, 1, 1), "strides": ints(1, 2)}
    return b.op(top.AvgPoolOp, b.input("u", 1, 3, 8, 7), **window)


def moving_conv(b: Builder, rng: np.random.Generator) -> SSAValue:
    """The filter is fed."""
    window = {"kernel_shape": ints(3, 2), "pads": ints(1, 0, 1, 2), "group": integer(2)}
    return b.op(top.ConvOp, b.input("x", 2, 4, 7, 6), b.input("u", 6, 2, 3, 2), b.weight(rng.normal(0, 3, 6)), **window)


def moving_deconv(b: Builder, rng: np.random.Generator) -> SSAValue:
    """The filter is fed, and shorter than its stride."""
    window = {"kernel_shape": ints(2, 3), "strides": ints(3, 2), "pads": ints(0, 1, 1, 0), "group": integer(2)}
    return b.op(top.DeconvOp, b.input("x", 1, 4, 3, 4), b.input("u", 4, 3, 2, 3), b.none(), **window)


WINDOWS: Mapping[str, WindowCase] = {
    "deconv": deconv(3, 4), "deconv of stride 1": deconv(2, 3, (3, 3), (1, 1)),
    "deconv by group": deconv(2, 3, group=2), "deconv of each channel": deconv(1, 1, group=4),
    "deconv with gaps": deconv(2, 3, (1, 2), (3, 3), (0, 0, 0, 0)),
    "deconv longer": deconv(2, 3, (3, 3), (2, 3), (0, 0, 0, 1), more=(1, 2)),
    "deconv dilated": deconv(2, 2, (3, 2), (2, 2), (0, 2, 1, 0), dilations=(2, 3)),
    "nearest": interp("nearest", (1, 3, 8, 10), "asymmetric"), "nearest odd": interp("nearest", (1, 3, 7, 3)),
    "linear": interp("linear", (1, 3, 8, 10)), "linear corners": interp("linear", (1, 3, 7, 5), "align_corners"),
    "linear of all": interp("linear", (2, 6, 8, 10)), "cubic": interp("cubic", (1, 3, 8, 5)), "cropped": cropped,
    "linear along a line": interp("linear", (2, 3, 9), dims=(2, 3, 5)),
    "max pool by axes": max_pool((5, 4), (1, 1), (2, 1, 2, 3)),
    "max pool dilated": max_pool((2, 3), (3, 2), (1, 0, 0, 2)), "avg pool dilated": avg_pool,
    "moving conv": moving_conv, "moving deconv": moving_deconv,
}  # fmt: skip
"""By name."""

FLOAT_IN_INT8 = {"linear of all", "cropped", "moving conv", "moving deconv"}
