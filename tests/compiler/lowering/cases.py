"""One small network for each lowering rule, its numbers on the int8 grid so that only results are rounded."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from xdsl.dialects.builtin import FloatAttr, StringAttr, f64
from xdsl.ir import SSAValue

from compiler.dialects.fields import FALSE, TRUE, Float, Ints, integer, ints
from compiler.dialects.top import ops as top
from compiler.ir.network import Array, Shape
from tests.compiler.lowering import elementwise_cases, movement_cases, product_cases, window_cases
from tests.compiler.lowering.networks import Builder

STEP = 2.0**-5
"""One step of every signed input, so that it spans ±127·STEP."""
WEIGHT_STEP = 2.0**-8

Case = Callable[[Builder, np.random.Generator], SSAValue]


def real(value: float) -> Float:
    """A double attribute."""
    return FloatAttr(value, f64)


def weights(rng: np.random.Generator, *dims: int) -> Array:
    """Weights that int8 holds exactly: the first of each output channel is the largest there can be."""
    made = rng.integers(-127, 128, dims)
    made.reshape(dims[0], -1)[:, 0] = 127
    return made * WEIGHT_STEP


def window(kernel: tuple[int, int], strides: tuple[int, int] = (1, 1), pads: Shape = (0, 0, 0, 0)) -> dict[str, Ints]:
    """The attributes of a window."""
    return {"kernel_shape": ints(*kernel), "strides": ints(*strides), "pads": ints(*pads)}


def conv(ic: int, oc: int, group: int = 1, bias: bool = True, limit: float = -1.0, pads: Shape = (1, 0, 1, 2)) -> Case:
    def make(b: Builder, rng: np.random.Generator) -> SSAValue:
        x = b.input("x", 2, ic, 7, 6)
        offset = b.weight(rng.normal(0, 3, oc)) if bias else b.none()
        relu = {"do_relu": TRUE, "relu_limit": real(limit)} if limit else {"do_relu": FALSE}
        filters = b.weight(weights(rng, oc, ic // group, 3, 2))
        return b.op(top.ConvOp, x, filters, offset, **window((3, 2), (2, 1), pads), group=integer(group), **relu)

    return make


def matmul(*left: int, turned: bool = False) -> Case:
    def make(b: Builder, rng: np.random.Generator) -> SSAValue:
        columns = weights(rng, 5, left[-1])
        right = b.weight(columns if turned else columns.T)
        return b.op(
            top.MatMulOp,
            b.input("x", *left),
            right,
            b.weight(rng.normal(0, 2, 5)),
            right_transpose=TRUE if turned else FALSE,
        )

    return make


def avg_pool(pads: Shape, count: bool) -> Case:
    def make(b: Builder, rng: np.random.Generator) -> SSAValue:
        counted = TRUE if count else FALSE
        return b.op(top.AvgPoolOp, b.input("u", 1, 3, 8, 7), **window((3, 2), (2, 2), pads), count_include_pad=counted)

    return make


def global_avg(b: Builder, rng: np.random.Generator) -> SSAValue:
    return b.op(top.AvgPoolOp, b.input("x", 1, 5, 6, 7), kernel_shape=ints(), do_relu=TRUE)


def max_pool(b: Builder, rng: np.random.Generator) -> SSAValue:
    return b.op(top.MaxPoolOp, b.input("x", 1, 3, 8, 8), **window((3, 3), (2, 2), (1, 1, 1, 1)))


def unary(kind: type[top.TopOp], **attributes: Float) -> Case:
    def make(b: Builder, rng: np.random.Generator) -> SSAValue:
        return b.op(kind, b.input("x", 2, 3, 5), **attributes)

    return make


def nary(kind: type[top.TopOp], *second: int) -> Case:
    def make(b: Builder, rng: np.random.Generator) -> SSAValue:
        return b.op(kind, [b.input("x", 2, 3, 4, 5), b.input("u", *second)])

    return make


def with_weight(kind: type[top.TopOp], *second: int) -> Case:
    def make(b: Builder, rng: np.random.Generator) -> SSAValue:
        held = b.weight(weights(rng, *second) if second else np.array(0.75))
        return b.op(kind, [b.input("x", 2, 3, 4), held])

    return make


def concat(b: Builder, rng: np.random.Generator) -> SSAValue:
    """One operand is made for the Concat alone, one is read elsewhere too and keeps its own scale."""
    x, u = b.input("x", 1, 3, 4, 4), b.input("u", 1, 2, 4, 4)
    mine = b.op(top.MulConstOp, x, const_val=real(0.5))
    both = b.op(top.MulConstOp, u, const_val=real(0.25))
    b.op(top.ReluOp, both)
    return b.op(top.ConcatOp, [mine, both])


def reshape(b: Builder, rng: np.random.Generator) -> SSAValue:
    return b.op(top.ReshapeOp, b.input("x", 2, 3, 4), shape=ints(0, -1))


def permute(b: Builder, rng: np.random.Generator) -> SSAValue:
    return b.op(top.PermuteOp, b.input("x", 2, 3, 4), order=ints(2, 0, 1))


def cut(b: Builder, rng: np.random.Generator) -> SSAValue:
    return b.op(
        top.SliceOp, b.input("x", 2, 6, 7), offset=ints(1, 2), steps=ints(2, 1), ends=ints(6, 5), axes=ints(1, 2)
    )


def pad(*paddings: int, value: float = 0.0) -> Case:
    def make(b: Builder, rng: np.random.Generator) -> SSAValue:
        return b.op(top.PadOp, b.input("x", 1, 2, 3, 4), paddings=ints(*paddings), val=real(value))

    return make


def concat_weight(b: Builder, rng: np.random.Generator) -> SSAValue:
    return b.op(top.ConcatOp, [b.input("x", 2, 3), b.weight(rng.integers(-127, 128, (2, 1)) * STEP)])


def softmax(axis: int, log: bool = False, beta: float = 1.0) -> Case:
    def make(b: Builder, rng: np.random.Generator) -> SSAValue:
        x = b.input("x", 2, 3, 4, 5)
        return b.op(top.SoftmaxOp, x, axis=top.axis_attribute(axis), log=TRUE if log else FALSE, beta=real(beta))

    return make


def reduction(mode: str, *axes: int, keep: bool = True) -> Case:
    def make(b: Builder, rng: np.random.Generator) -> SSAValue:
        x, kept = b.input("x", 2, 3, 4, 5), TRUE if keep else FALSE
        return b.op(top.ReduceOp, x, axes=ints(*axes), mode=StringAttr(mode), keepdims=kept)

    return make


def scale(*dims: int) -> Case:
    def case(b: Builder, rng: np.random.Generator) -> SSAValue:
        gain, offset = b.weight(rng.normal(0, 1, dims[1])), b.weight(rng.normal(0, 1, dims[1]))
        return b.op(top.ScaleOp, b.input("x", *dims), gain, offset)

    return case


def batch_norm(b: Builder, rng: np.random.Generator) -> SSAValue:
    mean, variance = b.weight(rng.normal(0, 1, 3)), b.weight(rng.uniform(0.5, 2, 3))
    return b.op(top.BatchNormOp, b.input("x", 2, 3, 4, 4), mean, variance, b.weight(rng.normal(0, 1, 3)), b.none())


CASES: Mapping[str, Case] = {
    "conv": conv(4, 3), "conv no bias": conv(4, 3, bias=False, limit=0), "conv relu6": conv(3, 5, limit=6.0),
    "depthwise": conv(4, 4, group=4, limit=0), "grouped": conv(4, 6, group=2), "grouped by one": conv(3, 6, group=3),
    "matmul": matmul(4, 30), "matmul rank 3": matmul(2, 3, 8), "matmul turned": matmul(3, 9, turned=True),
    "avg pool": avg_pool((1, 1, 1, 0), False), "avg pool counting pads": avg_pool((1, 1, 0, 0), True),
    "global avg": global_avg, "max pool": max_pool,
    "relu": unary(top.ReluOp), "relu6": unary(top.ReluOp, relu_limit=real(2.0)), "sigmoid": unary(top.SigmoidOp),
    "hard sigmoid": unary(top.HardSigmoidOp, alpha=real(0.2), beta=real(0.5)), "hard swish": unary(top.HardSwishOp),
    "silu": unary(top.SiLUOp), "gelu": unary(top.GELUOp), "mish": unary(top.MishOp), "exp": unary(top.ExpOp),
    "leaky": unary(top.LeakyReluOp, alpha=real(0.1)), "clip": unary(top.ClipOp, min=real(-1.0), max=real(1.5)),
    "add": nary(top.AddOp, 2, 3, 4, 5), "add broadcast": nary(top.AddOp, 3, 1, 1), "sub": nary(top.SubOp, 2, 3, 4, 5),
    "mul": nary(top.MulOp, 2, 3, 4, 5), "mul broadcast": nary(top.MulOp, 2, 3, 1, 1), "max": nary(top.MaxOp, 4, 1),
    "add weight": with_weight(top.AddOp, 3, 1), "mul weight": with_weight(top.MulOp, 2, 3, 4),
    "mul scalar": with_weight(top.MulOp), "div scalar": with_weight(top.DivOp), "sub weight": with_weight(top.SubOp, 4),
    "pad": pad(0, 1, 2, 0, 0, 0, 1, 3), "pad with a value": pad(0, 0, 0, 1, 0, 0, 0, 0, value=1.25),
    "pad of nothing": pad(0, 0, 0, 0, 0, 0, 0, 0), "concat weight": concat_weight, "concat": concat,
    "reshape": reshape, "permute": permute, "slice": cut,
    "softmax": softmax(1), "softmax last": softmax(-1), "log softmax": softmax(1, log=True),
    "softmax sharpened": softmax(2, beta=1.5),
    "reduce mean": reduction("ReduceMean", 2, 3), "reduce sum": reduction("ReduceSum", 1, keep=False),
    "reduce max": reduction("ReduceMax", 0, 2), "reduce min": reduction("ReduceMin", 3, keep=False),
    "scale": scale(2, 3, 4), "scale of a volume": scale(2, 3, 4, 2, 3), "batch norm": batch_norm,
    **elementwise_cases.ELEMENTWISE, **window_cases.WINDOWS, **product_cases.PRODUCTS, **movement_cases.MOVES,
}  # fmt: skip
"""By name."""

FLOAT_IN_INT8 = {
    "max", "softmax", "softmax last", "log softmax", "softmax sharpened",
    *window_cases.FLOAT_IN_INT8, *product_cases.FLOAT_IN_INT8, *movement_cases.FLOAT_IN_INT8,
}  # fmt: skip
"""The cases that an int8 network computes in f32."""
