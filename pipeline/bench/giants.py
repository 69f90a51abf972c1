"""Every op of the Tpu dialect as a giant; here pools, reductions, resampling and what goes value by value."""

from collections.abc import Mapping

import numpy as np
from xdsl.dialects.builtin import StringAttr, f32, i32
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.fields import integer, ints
from compiler.dialects.quant import I8
from compiler.dialects.tpu import ops as tpu
from compiler.ir.network import Array, Shape
from compiler.lowering.integers import U8
from pipeline.bench.giants_base import ALL, CHIP, ELEMENTS, FLOATS, LANE_BYTES, LANES, QUANTISED, Giant, Make
from pipeline.bench.giants_contracted import CONTRACTED, WINDOW
from pipeline.bench.giants_moved import MOVED
from pipeline.bench.sketch import Sketch

__all__ = ["CHIP", "ELEMENTS", "GIANTS", "LANES", "LANE_BYTES"]

TABLES = 5
"""Of a giant whose channels have several."""

SIGMOID = "(1.0 / (1.0 + exp((0.0 - x0))))"


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


def luts(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
    tables = sketch.constant(I8, sketch.random.integers(-128, 128, (1, 1, TABLES, 256)))
    which = sketch.constant(U8, sketch.random.integers(0, TABLES, (1, extents[1], 1, 1)))
    return sketch.op(tpu.LutsOp, [sketch.fed(element, extents), tables, which], element, extents)


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


def picked(axis: int) -> Make:
    """Every other row or column from the second on."""

    def make(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
        starts = np.arange(1, extents[axis], 2)
        return _resampled(sketch, element, extents, axis, starts[:, None], (2, 1, 1, 1))

    return make


def doubled(axis: int) -> Make:
    """Twice as many rows or columns, each of two neighbours with weights of its own."""

    def make(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
        count = extents[axis]
        starts = ((np.arange(2 * count) - 1) // 2).clip(0, count - 2)
        share = sketch.random.integers(0, 2049, 2 * count)
        weights = np.stack([share, 2048 - share], -1)
        if element != QUANTISED:
            weights = (weights / np.float32(3000)).astype(np.float32).view(np.int32)
        return _resampled(sketch, element, extents, axis, np.column_stack([starts, weights]), (1, -3, 2, 2))

    return make


def _resampled(
    sketch: Sketch, element: Attribute, extents: Shape, axis: int, table: Array, reach: tuple[int, int, int, int]
) -> SSAValue:
    """By a table of (results, 1 + taps): no weights, no sum."""
    function, made = "sum" if table.shape[1] > 1 else "pick", list(extents)
    made[axis] = len(table)
    attributes: dict[str, Attribute] = {"function": StringAttr(function), "axis": integer(axis), "reach": ints(*reach)}
    if function == "sum" and element == QUANTISED:
        attributes |= {"multiplier": integer(1 << 30), "rshift": integer(30 + 11)}
    told = sketch.constant(i32, (table if axis == 2 else table.T)[None, None])
    return sketch.op(tpu.ResampleOp, [sketch.fed(element, extents), told], element, tuple(made), **attributes)


GIANTS: Mapping[str, Giant] = {
    **CONTRACTED,
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
    "Luts": Giant(luts, tpu.LutsOp, modes=("int8",)),
    "RescaleAdd": Giant(rescale_add, tpu.RescaleAddOp, modes=("int8",)),
    "RescaleMul": Giant(rescale_mul, tpu.RescaleMulOp, modes=("int8",)),
    "Cast-to-int8": Giant(cast(QUANTISED), tpu.CastOp, modes=FLOATS),
    "Cast-to-f32": Giant(cast(f32), tpu.CastOp, modes=("bf16", "f16", "int8")),
    "Resample-rows-picked": Giant(picked(2), tpu.ResampleOp),
    "Resample-columns-picked": Giant(picked(3), tpu.ResampleOp, modes=("bf16", "int8")),
    "Resample-rows-doubled": Giant(doubled(2), tpu.ResampleOp, modes=ALL),
    "Resample-columns-doubled": Giant(doubled(3), tpu.ResampleOp),
    **MOVED,
}
"""By name. Each op class occurs; a test holds that."""
