"""Giants that move values and change none, or put them together where they land."""

from collections.abc import Mapping

from xdsl.dialects.builtin import StringAttr, i32
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.fields import integer, ints
from compiler.dialects.tpu import ops as tpu
from compiler.ir.network import Shape, shape
from pipeline.bench.giants_base import ALL, FLOATS, Giant, Make
from pipeline.bench.sketch import Sketch


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


def expand(*axes: int) -> Make:
    """To the extents given, from 1 on some axes."""

    def make(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
        small = tuple(1 if i in axes else extent for i, extent in enumerate(extents))
        return sketch.op(tpu.ExpandOp, [sketch.fed(element, small)], element, extents)

    return make


def _index(sketch: Sketch, extents: Shape, axis: int) -> SSAValue:
    """As many indices as rows, others for each index of the axes before, from both ends and a little beyond them."""
    rows = extents[axis]
    told = tuple(extent if i <= axis else 1 for i, extent in enumerate(extents))
    return sketch.constant(i32, sketch.random.integers(-rows - 2, rows + 2, told))


def gather(axis: int) -> Make:
    def make(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
        operands = [sketch.fed(element, extents), _index(sketch, extents, axis)]
        return sketch.op(tpu.GatherOp, operands, element, extents, axis=integer(axis))

    return make


def scatter(function: str, axis: int) -> Make:
    def make(sketch: Sketch, element: Attribute, extents: Shape) -> SSAValue:
        operands = [sketch.fed(element, extents), _index(sketch, extents, axis), sketch.fed(element, extents)]
        return sketch.op(tpu.ScatterOp, operands, element, extents, axis=integer(axis), function=StringAttr(function))

    return make


MOVED: Mapping[str, Giant] = {
    "Concat-c": Giant(concat(1), tpu.ConcatOp),
    "Concat-w": Giant(concat(3), tpu.ConcatOp),
    "Reshape": Giant(reshape, tpu.ReshapeOp),
    "Permute-nhwc": Giant(permute(0, 2, 3, 1), tpu.PermuteOp),
    "Permute-reversed": Giant(permute(3, 2, 1, 0), tpu.PermuteOp, modes=("bf16",)),
    "Slice": Giant(take, tpu.SliceOp),
    "Expand-h": Giant(expand(2), tpu.ExpandOp),
    "Expand-nc": Giant(expand(0, 1), tpu.ExpandOp, modes=("bf16",)),
    "Expand-w": Giant(expand(3), tpu.ExpandOp, modes=("int8",)),
    "Gather-by-c": Giant(gather(1), tpu.GatherOp, modes=ALL),
    "Gather-by-h": Giant(gather(2), tpu.GatherOp),
    "Scatter-by-c": Giant(scatter("set", 1), tpu.ScatterOp, modes=ALL),
    "Scatter-max-by-h": Giant(scatter("max", 2), tpu.ScatterOp),
    "Scatter-add-by-c": Giant(scatter("add", 1), tpu.ScatterOp, modes=FLOATS),
}
