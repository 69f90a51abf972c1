"""Where the maxima of a MaxPool are, and MaxUnpool, which puts them back."""

from __future__ import annotations

from math import prod

import numpy as np
import onnx
from xdsl.dialects.builtin import StringAttr

from compiler.dialects.fields import integer, ints
from compiler.dialects.top import ops as top
from compiler.frontends.onnx.to_top.arithmetic import SI64, Arithmetic
from compiler.frontends.onnx.to_top.compose import composes
from compiler.frontends.onnx.to_top.reader import Reader, Unsupported, flag, real
from compiler.frontends.onnx.to_top.spatial import Along

LOWEST = float("-inf")


def places_of_maxima(reader: Reader, node: onnx.NodeProto, along: list[Along]) -> None:
    """
    The second output of a MaxPool over planes: each maximum's number among all elements, the first of equals.

    Which tap of its window it is, and from that and the window's own place, where.
    """
    if len(along) > 2:
        raise Unsupported("the places of its maxima over a volume are used; those over lines and planes are there")
    rows, columns = along if len(along) == 2 else [Along(1, 1), *along]
    n, c, *_ = reader.shape(node.input[0])
    make = Arithmetic(reader, onnx.NodeProto(op_type="MaxPool", output=[node.output[1]]))
    image = make.view(node.input[0], n * c, 1, rows.extent, columns.extent)
    pads = ints(0, 0, rows.before, columns.before, 0, 0, rows.after, columns.after)
    image = make.op(top.PadOp, image, paddings=pads, val=real(LOWEST))
    taps = [
        make.view(_tap(make, image, rows, columns, i, j), n * c, 1, rows.made * columns.made)
        for i in range(rows.kernel)
        for j in range(columns.kernel)
    ]
    chosen = make.op(
        top.ArgOp, make.join(taps, 1), element=SI64, axis=integer(1), keepdims=flag(False), mode=StringAttr("ArgMax")
    )
    by_row, by_column = columns.extent, 1
    if reader.attributes(node).get("storage_order"):
        by_row, by_column = 1, rows.extent
    i, j = np.divmod(np.arange(len(taps)), columns.kernel)
    within = make.constant((i * rows.dilation * by_row + j * columns.dilation * by_column).astype(np.int64))
    y, x = (np.arange(a.made) * a.stride - a.before for a in (rows, columns))
    window = (y[:, None] * by_row + x * by_column).ravel() + np.arange(n * c)[:, None] * rows.extent * columns.extent
    inner = make.op(top.GatherOp, within, chosen, element=SI64, axis=integer(0))
    found = make.op(top.AddOp, inner, make.constant(window.astype(np.int64)), element=SI64)
    reader.add(node, top.ReshapeOp, [found], {"shape": ints(*reader.shape(node.output[0]))}, 1)


def _tap(make: Arithmetic, image: str, rows: Along, columns: Along, i: int, j: int) -> str:
    """What the windows see at one of their taps."""
    starts = (i * rows.dilation, j * columns.dilation)
    ends = (starts[0] + rows.stride * (rows.made - 1) + 1, starts[1] + columns.stride * (columns.made - 1) + 1)
    steps = ints(rows.stride, columns.stride)
    return make.op(top.SliceOp, image, offset=ints(*starts), ends=ints(*ends), steps=steps, axes=ints(2, 3))


@composes("MaxUnpool")
def max_unpool(reader: Reader, node: onnx.NodeProto) -> None:
    """Each value to its place in zeros of the extents before the pool; what an asked shape has more is zeros too."""
    (x, places), given = node.input[:2], reader.attributes(node)
    (n, c, *dims), kernel = reader.shape(x), given["kernel_shape"]
    strides, pads = given.get("strides") or [1] * len(kernel), given.get("pads") or [0] * 2 * len(kernel)
    natural = [(extent - 1) * strides[i] - pads[i] - pads[i + len(kernel)] + kernel[i] for i, extent in enumerate(dims)]
    asked = reader.numbers(node, "", 2) or (n, c, *natural)
    if any(want < have for want, have in zip(asked[2:], natural, strict=True)):
        raise Unsupported(f"output_shape {list(asked)} is less than {[n, c, *natural]}")
    make = Arithmetic(reader, node)
    zeros = make.constant(np.zeros(n * c * prod(natural), np.float32))
    index, values = make.view(places, -1, element=SI64), make.view(x, -1)
    made = make.op(top.ScatterElementsOp, zeros, index, values, axis=integer(0))
    made = make.view(made, n, c, *natural)
    more = [want - have for want, have in zip(asked, (n, c, *natural), strict=True)]
    reader.add(node, top.PadOp, [made], {"paddings": ints(*[0] * len(more), *more)})
