"""
Every op of the Tpu dialect at four times the size of an e8 lane, stretched along each of its axes in turn.

Sizes are those of the tensor an op reads: `LANES` lanes hold `4 · LANE_BYTES` each, so no op here fits uncut.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import StringAttr, bf16, f16, f32, i32
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.fields import TRUE, integer, ints
from compiler.dialects.quant import I8, UniformType
from compiler.dialects.tpu import ops as tpu
from compiler.ir.network import Shape, shape
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

WINDOW = {"kernel_shape": ints(3, 3), "pads": ints(1, 1, 1, 1)}
SIGMOID = "(1.0 / (1.0 + exp((0.0 - x0))))"

Make = Callable[[Sketch, Attribute, Shape], SSAValue]
"""Writes the op into a sketch, reading a tensor of the element type and extents, and returns what the network does."""


@dataclass(frozen=True)
class Giant:
    """One op, what it is written by, along which axes it is stretched and in which modes it exists."""

    make: Make
    op: type[tpu.TpuOp]
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


def _params(sketch: Sketch, element: Attribute, channels: int, terms: int) -> SSAValue:
    """Bias alone; for int8 bias, multiplier and shift that bring sums of so many terms back to a byte."""
    if element != QUANTISED:
        return sketch.drawn(f32, (1, channels, 1, 1))
    shift = 31 + round(np.log2(18 * np.sqrt(terms)))
    rows = sketch.random.integers([-9999, 1 << 30, shift], [9999, (1 << 31) - 1, shift + 1], (channels, 3))
    return sketch.constant(i32, rows.reshape(1, channels, 1, 3))


def _weights(element: Attribute) -> Attribute:
    return I8 if element == QUANTISED else element


def conv(sketch: Sketch, element: Attribute, extents: Shape, oc: int = SMALL) -> SSAValue:
    n, ic, h, w = extents
    filters = sketch.drawn(_weights(element), (1, oc, ic, 9))
    operands = [sketch.fed(element, extents), filters, _params(sketch, element, oc, 9 * ic)]
    return sketch.op(tpu.ConvOp, operands, element, (n, oc, h, w), do_relu=TRUE, **WINDOW)


def conv_to_many(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
    n, oc, h, w = extents
    return conv(sketch, element, (n, SMALL, h, w), oc)


def depthwise(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
    n, c, h, w = extents
    filters = sketch.drawn(_weights(element), (1, c, 1, 9))
    operands = [sketch.fed(element, extents), filters, _params(sketch, element, c, 9)]
    made = (n, c, (h + 1) // 2, (w + 1) // 2)
    return sketch.op(tpu.ConvOp, operands, element, made, group=integer(c), strides=ints(2, 2), **WINDOW)


def matmul(sketch: Sketch, element: Attribute, extents: Shape, n: int = SMALL) -> SSAValue:
    m, k = extents
    operands = [sketch.fed(element, extents), sketch.drawn(_weights(element), (1, n, k, 1))]
    return sketch.op(tpu.MatMulOp, [*operands, _params(sketch, element, n, k)], element, (m, n))


def matmul_to_many(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
    return matmul(sketch, element, (SMALL, SMALL), max(extents))


def pool(function: str) -> Make:
    def make(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
        n, c, h, w = extents
        params = sketch.absent()
        if function == "avg" and element == QUANTISED:
            counts = np.arange(1, 10)
            rows = np.stack([counts, (1 << 30) // counts, np.full(9, 30)], -1)
            params = sketch.constant(i32, rows.reshape(1, 1, 9, 3))
        made = (n, c, (h + 1) // 2, (w + 1) // 2)
        stride, name = ints(2, 2), StringAttr(function)
        return sketch.op(
            tpu.PoolOp, [sketch.fed(element, extents), params], element, made, function=name, strides=stride, **WINDOW
        )

    return make


def reduce(function: str, *axes: int) -> Make:
    def make(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
        made = tuple(1 if i in axes else extent for i, extent in enumerate(extents))
        count = int(np.prod([extents[i] for i in axes]))
        attributes: dict[str, Attribute] = {"function": StringAttr(function), "axes": ints(*axes)}
        if element == QUANTISED and function != "max":
            attributes |= {"multiplier": integer(1 << 30), "rshift": integer(28 + count.bit_length())}
        return sketch.op(tpu.ReduceOp, [sketch.fed(element, extents)], element, made, **attributes)

    return make


def elementwise(formula: str, *second: bool) -> Make:
    """A formula of one operand, or of two; `second` says which axes the other one shares."""

    def make(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
        fed = [sketch.fed(element, extents)]
        if second:
            shared = tuple(n if has else 1 for n, has in zip(extents, second, strict=True))
            fed.append(sketch.fed(element, shared))
        return sketch.op(tpu.ElementwiseOp, [fed], element, extents, formula=StringAttr(formula))

    return make


def lut(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
    table = sketch.constant(I8, sketch.random.integers(-128, 128, (1, 1, 1, 256)))
    return sketch.op(tpu.LutOp, [sketch.fed(element, extents), table], element, extents)


def rescale_add(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
    operands = [sketch.fed(element, extents), sketch.fed(element, extents)]
    return sketch.op(tpu.RescaleAddOp, operands, element, extents, multipliers=ints(20_000, -9_000), rshift=integer(15))


def rescale_mul(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
    operands = [sketch.fed(element, extents), sketch.fed(element, (*extents[:2], 1, 1))]
    return sketch.op(
        tpu.RescaleMulOp, operands, element, extents, multiplier=integer((1 << 30) + 7), rshift=integer(36)
    )


def cast(to: Attribute) -> Make:
    def make(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
        return sketch.op(tpu.CastOp, [sketch.fed(element, extents)], to, extents)

    return make


def concat(axis: int) -> Make:
    def make(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
        halves = [sketch.fed(element, extents), sketch.fed(element, extents)]
        made = tuple(2 * extent if i == axis else extent for i, extent in enumerate(extents))
        return sketch.op(tpu.ConcatOp, [halves], element, made, axis=integer(axis))

    return make


def reshape(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
    doubled = sketch.op(tpu.ConcatOp, [[sketch.fed(element, extents)] * 2], element, _double(extents), axis=integer(3))
    turned = tuple(reversed(shape(doubled)))
    return sketch.op(tpu.ReshapeOp, [doubled], element, turned)


def _double(extents: Shape) -> Shape:
    return (*extents[:-1], 2 * extents[-1])


def permute(*order: int) -> Make:
    def make(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
        made = tuple(extents[axis] for axis in order)
        return sketch.op(tpu.PermuteOp, [sketch.fed(element, extents)], element, made, order=ints(*order))

    return make


def take(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
    made = tuple(extent // 2 for extent in extents)
    return sketch.op(
        tpu.SliceOp, [sketch.fed(element, extents)], element, made, offset=ints(1, 1, 1, 1), steps=ints(2, 2, 2, 2)
    )


FLOATS = ("f32", "bf16", "f16")
ALL = (*FLOATS, "int8")

GIANTS: Mapping[str, Giant] = {
    "Conv": Giant(conv, tpu.ConvOp, modes=ALL),
    "Conv-oc": Giant(conv_to_many, tpu.ConvOp, modes=ALL),
    "Depthwise": Giant(depthwise, tpu.ConvOp),
    "MatMul": Giant(matmul, tpu.MatMulOp, "mk", ALL),
    "MatMul-oc": Giant(matmul_to_many, tpu.MatMulOp, "mk"),
    "Pool-max": Giant(pool("max"), tpu.PoolOp),
    "Pool-avg": Giant(pool("avg"), tpu.PoolOp),
    "Reduce-mean-hw": Giant(reduce("mean", 2, 3), tpu.ReduceOp, modes=ALL),
    "Reduce-max-h": Giant(reduce("max", 2), tpu.ReduceOp),
    "Reduce-sum-w": Giant(reduce("sum", 3), tpu.ReduceOp, modes=FLOATS),
    "Elementwise-sigmoid": Giant(elementwise(SIGMOID), tpu.ElementwiseOp, modes=FLOATS),
    "Elementwise-by-channel": Giant(
        elementwise("(x0 * x1)", False, True, False, False), tpu.ElementwiseOp, modes=("f32",)
    ),
    "Elementwise-by-row": Giant(elementwise("(x0 - x1)", True, False, True, False), tpu.ElementwiseOp, modes=("f32",)),
    "Lut": Giant(lut, tpu.LutOp, modes=("int8",)),
    "RescaleAdd": Giant(rescale_add, tpu.RescaleAddOp, modes=("int8",)),
    "RescaleMul": Giant(rescale_mul, tpu.RescaleMulOp, modes=("int8",)),
    "Cast-to-int8": Giant(cast(QUANTISED), tpu.CastOp, modes=FLOATS),
    "Cast-to-f32": Giant(cast(f32), tpu.CastOp, modes=("bf16", "f16", "int8")),
    "Concat-c": Giant(concat(1), tpu.ConcatOp),
    "Concat-w": Giant(concat(3), tpu.ConcatOp),
    "Reshape": Giant(reshape, tpu.ReshapeOp),
    "Permute-nhwc": Giant(permute(0, 2, 3, 1), tpu.PermuteOp),
    "Permute-reversed": Giant(permute(3, 2, 1, 0), tpu.PermuteOp, modes=("bf16",)),
    "Slice": Giant(take, tpu.SliceOp),
}
"""By name. Each op class occurs; a test holds that."""
