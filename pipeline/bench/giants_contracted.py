"""Giants that sum products: convolutions there and back, products of matrices."""

from collections.abc import Mapping

import numpy as np
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.fields import FALSE, TRUE, integer, ints
from compiler.dialects.tpu import ops as tpu
from compiler.ir.network import Shape, tensor
from pipeline.bench.giants_base import ALL, QUANTISED, SMALL, Giant, Make, params, weights
from pipeline.bench.sketch import Sketch

WINDOW = {"kernel_shape": ints(3, 3), "pads": ints(1, 1, 1, 1)}
DOUBLING = {"kernel_shape": ints(4, 4), "strides": ints(2, 2), "pads": ints(1, 1)}


def conv(sketch: Sketch, element: Attribute, extents: Shape, oc: int = SMALL) -> SSAValue:
    n, ic, h, w = extents
    filters = sketch.drawn(weights(element), (1, oc, ic, 9))
    operands = [sketch.fed(element, extents), filters, params(sketch, element, oc, 9 * ic)]
    return sketch.op(tpu.ConvOp, operands, element, (n, oc, h, w), do_relu=TRUE, **WINDOW)


def conv_to_many(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
    n, oc, h, w = extents
    return conv(sketch, element, (n, SMALL, h, w), oc)


def depthwise(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
    n, c, h, w = extents
    filters = sketch.drawn(weights(element), (1, c, 1, 9))
    operands = [sketch.fed(element, extents), filters, params(sketch, element, c, 9)]
    made = (n, c, (h + 1) // 2, (w + 1) // 2)
    return sketch.op(tpu.ConvOp, operands, element, made, group=integer(c), strides=ints(2, 2), **WINDOW)


def matmul(sketch: Sketch, element: Attribute, extents: Shape, n: int = SMALL) -> SSAValue:
    m, k = extents
    operands = [sketch.fed(element, extents), sketch.drawn(weights(element), (1, n, k, 1))]
    return sketch.op(tpu.MatMulOp, [*operands, params(sketch, element, n, k)], element, (m, n))


def matmul_to_many(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
    return matmul(sketch, element, (SMALL, SMALL), max(extents))


def deconv(sketch: Sketch, element: Attribute, extents: Shape, oc: int = SMALL) -> SSAValue:
    n, ic, h, w = extents
    filters = sketch.drawn(weights(element), (1, oc, ic, 16))
    # A result meets a quarter of the taps.
    operands = [sketch.fed(element, extents), filters, params(sketch, element, oc, 4 * ic)]
    return sketch.op(tpu.DeconvOp, operands, element, (n, oc, 2 * h, 2 * w), do_relu=TRUE, **DOUBLING)


def deconv_to_many(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
    n, oc, h, w = extents
    return deconv(sketch, element, (n, SMALL, h, w), oc)


def depthwise_deconv(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
    n, c, h, w = extents
    filters = sketch.drawn(weights(element), (1, c, 1, 16))
    # Of four terms most results would be clamped: the bias is as large as sums of twenty.
    operands = [sketch.fed(element, extents), filters, params(sketch, element, c, 24)]
    return sketch.op(tpu.DeconvOp, operands, element, (n, c, 2 * h, 2 * w), group=integer(c), **DOUBLING)


def product(*, shared: bool = False, turned: bool = False) -> Make:
    """Each matrix by its own or by one that all share, whose columns lie as rows where it is `turned`."""

    def make(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
        batch, m, k = extents
        count = 1 if shared else batch
        right = sketch.fed(element, (count, SMALL, k) if turned else (count, k, SMALL))
        return _multiplied(sketch, [sketch.fed(element, extents), right], (batch, m, SMALL), k, turned=turned)

    return make


def product_to_many(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
    batch, k, n = extents
    operands = [sketch.fed(element, (batch, SMALL, k)), sketch.fed(element, extents)]
    return _multiplied(sketch, operands, (batch, SMALL, n), k)


def product_by_weights(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
    """Parameters for each column; two axes of the left operand are the reduction."""
    m, k, n = extents
    right = sketch.drawn(weights(element), (1, n, k))
    operands = [sketch.fed(element, (1, m, 2, k // 2)), right, params(sketch, element, n, k)]
    return sketch.op(tpu.BatchMatMulOp, operands, element, (1, m, n), right_transpose=TRUE)


def scores(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
    """Of three heads the last two, rows by rows."""
    m, n = extents
    operands = [sketch.fed(element, (1, m, 3 * SMALL)), sketch.fed(element, (1, n, 3 * SMALL))]
    attributes = {"all": integer(3), "first": integer(1), "right_transpose": TRUE}
    return sketch.op(tpu.HeadMatMulOp, operands, element, (1, m, 2, n), **attributes, **_factor(element, SMALL))


def mixed(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
    """What the weights of two heads make of the columns of the last two of three."""
    m, k = extents
    operands = [sketch.fed(element, (1, m, 2, k)), sketch.fed(element, (1, k, 3 * SMALL))]
    attributes = {"all": integer(3), "first": integer(1)}
    return sketch.op(tpu.HeadMatMulOp, operands, element, (1, m, 2, SMALL), **attributes, **_factor(element, k))


def _multiplied(sketch: Sketch, operands: list[SSAValue], made: Shape, k: int, *, turned: bool = False) -> SSAValue:
    element = tensor(operands[0]).element_type
    attributes: dict[str, Attribute] = {"right_transpose": TRUE if turned else FALSE, **_factor(element, k)}
    return sketch.op(tpu.BatchMatMulOp, [*operands, sketch.absent()], element, made, **attributes)


def _factor(element: Attribute, k: int) -> dict[str, Attribute]:
    """What brings int8 sums of so many terms back to a byte."""
    if element != QUANTISED:
        return {}
    return {"multiplier": integer(1 << 30), "rshift": integer(30 + round(np.log2(100 * np.sqrt(k))))}


CONTRACTED: Mapping[str, Giant] = {
    "Conv": Giant(conv, tpu.ConvOp, modes=ALL),
    "Conv-oc": Giant(conv_to_many, tpu.ConvOp, modes=ALL),
    "Depthwise": Giant(depthwise, tpu.ConvOp),
    "MatMul": Giant(matmul, tpu.MatMulOp, "mk", ALL),
    "MatMul-oc": Giant(matmul_to_many, tpu.MatMulOp, "mk"),
    "Deconv": Giant(deconv, tpu.DeconvOp, modes=ALL),
    "Deconv-oc": Giant(deconv_to_many, tpu.DeconvOp),
    "Deconv-depthwise": Giant(depthwise_deconv, tpu.DeconvOp),
    "BatchMatMul": Giant(product(), tpu.BatchMatMulOp, "bmk", ALL),
    "BatchMatMul-shared": Giant(product(shared=True), tpu.BatchMatMulOp, "bmk"),
    "BatchMatMul-turned": Giant(product(turned=True), tpu.BatchMatMulOp, "bmk"),
    "BatchMatMul-to-many": Giant(product_to_many, tpu.BatchMatMulOp, "bkn"),
    "BatchMatMul-weights": Giant(product_by_weights, tpu.BatchMatMulOp, "mkn"),
    "HeadMatMul-scores": Giant(scores, tpu.HeadMatMulOp, "mn"),
    "HeadMatMul-mixed": Giant(mixed, tpu.HeadMatMulOp, "mk"),
}
