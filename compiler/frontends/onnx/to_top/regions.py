"""RoiAlign and DeformConv: bilinear samples at places that the network makes."""

from __future__ import annotations

from math import prod

import numpy as np
import onnx
from xdsl.dialects.builtin import StringAttr, i1

from compiler.dialects.fields import integer, ints
from compiler.dialects.top import ops as top
from compiler.frontends.onnx.to_top.arithmetic import Arithmetic, as_f32
from compiler.frontends.onnx.to_top.compose import composes
from compiler.frontends.onnx.to_top.reader import Reader, Unsupported
from compiler.frontends.onnx.to_top.spatial import Along, windows
from compiler.ir.network import Array

Corner = tuple[str, str]
"""An index on an axis, a whole number that exists, and its share."""


@composes("RoiAlign")
def roi_align(reader: Reader, node: onnx.NodeProto) -> None:
    """A grid of samples in each part of each region, averaged or their largest taken."""
    given, (x, regions, images) = reader.attributes(node), node.input
    (n, c, h, w), (count, _, rows, columns) = reader.shape(x), reader.shape(node.output[0])
    samples, halved = given["sampling_ratio"], given.get("coordinate_transformation_mode") == "half_pixel"
    if samples < 1:
        raise Unsupported("sampling_ratio = 0 lets each region's size say how many samples it has; state a number")
    make = Arithmetic(reader, node)
    scaled = make.mul(make.view(regions, count, 4), given["spatial_scale"])
    scaled = make.add(scaled, -0.5) if halved else scaled
    left, upper, right, lower = (make.cut(scaled, 1, i, 1) for i in range(4))
    across = _samples(make, left, right, columns * samples, halved)
    down = _samples(make, upper, lower, rows * samples, halved)
    down = [(make.view(i, count, -1, 1), make.view(s, count, -1, 1)) for i, s in _corners(make, down, h)]
    across = [(make.view(i, count, 1, -1), make.view(s, count, 1, -1)) for i, s in _corners(make, across, w)]
    table = make.view(make.turn(x, 0, 2, 3, 1), n * h * w, c)
    first = make.mul(make.view(make.op(top.CastOp, images), count, 1, 1), float(h * w))
    dims = (count, rows * samples, columns * samples)
    terms = list[str]()
    for row, by_row in down:
        for column, by_column in across:
            index = make.add(make.add(make.mul(row, float(w)), column), first)
            values = make.op(top.GatherOp, table, make.whole(index), axis=integer(0))
            terms.append(make.mul(values, make.view(make.mul(by_row, by_column), *dims, 1)))
    greatest = given["mode"] == "max"
    made = make.op(top.MaxOp, *terms) if greatest else make.total(terms)
    window = {"kernel_shape": ints(samples, samples), "strides": ints(samples, samples)}
    reader.add(node, top.MaxPoolOp if greatest else top.AvgPoolOp, [make.turn(made, 0, 3, 1, 2)], window)


def _samples(make: Arithmetic, start: str, end: str, count: int, halved: bool) -> str:
    """(regions, count) points in the middle of as many equal parts of each region; an unaligned one is 1 at least."""
    length = make.sub(end, start)
    length = length if halved else make.most(length, 1.0)
    share = make.constant(as_f32((np.arange(count) + 0.5) / count)[None])
    return make.add(make.mul(length, share), start)


def _corners(make: Arithmetic, at: str, extent: int) -> list[Corner]:
    """The two neighbours of points on an axis; nothing beyond one step outside, the edge itself up to there."""
    kept = make.clip(at, -1.0, float(extent))
    inside = make.op(top.CastOp, make.op(top.CompareOp, at, kept, element=i1, mode=StringAttr("Equal")))
    at = make.clip(at, 0.0, extent - 1.0)
    before = make.op(top.FloorOp, at)
    rest = make.sub(at, before)
    after = make.least(make.add(before, 1.0), extent - 1.0)
    return [(before, make.mul(make.less_from(1.0, rest), inside)), (after, make.mul(rest, inside))]


@composes("DeformConv")
def deform_conv(reader: Reader, node: onnx.NodeProto) -> None:
    """Each tap's samples as channels, those of a channel together, and a convolution of kernel 1 over them."""
    given, (x, filters, moves) = reader.attributes(node), node.input[:3]
    (n, c, h, w), (oc, depth, *kernel) = reader.shape(x), reader.shape(filters)
    rows, columns = windows(reader, node, (h, w), kernel)
    taps, pixels, parts = prod(kernel), rows.made * columns.made, given["offset_group"]
    make = Arithmetic(reader, node)
    bias, masks = (node.input[3] if len(node.input) > 3 else ""), (node.input[4] if len(node.input) > 4 else "")
    still = [make.constant(place) for place in _unmoved(rows, columns)]
    moved = make.view(moves, n, parts * taps, 2, pixels)
    stacked = list[str]()
    for part in range(parts):
        own = make.cut(moved, 1, part * taps, taps)
        at = [make.add(make.view(make.cut(own, 2, i, 1), n, taps * pixels, 1), place) for i, place in enumerate(still)]
        image = make.view(make.cut(x, 1, part * (c // parts), c // parts), n, c // parts, h * w)
        total = _bilinear(make, make.turn(image, 0, 2, 1), at, (h, w))
        if masks:
            mask = make.cut(make.view(masks, n, parts * taps, pixels), 1, part * taps, taps)
            total = make.mul(total, make.view(mask, n, taps * pixels, 1))
        stacked.append(make.view(make.turn(total, 0, 2, 1), n, c // parts * taps, rows.made, columns.made))
    flat = make.view(filters, oc, depth * taps, 1, 1)
    operands = [make.join(stacked, 1), flat, *([bias] if bias else [])]
    reader.add(node, top.ConvOp, operands, {"kernel_shape": ints(1, 1), "group": integer(given["group"])})


def _unmoved(rows: Along, columns: Along) -> list[Array]:
    """The row, and the column, that each tap of each window looks at before it is moved: (1, taps · windows, 1)."""
    down, across = (
        a.stride * np.arange(a.made) - a.before + a.dilation * np.arange(a.kernel)[:, None] for a in (rows, columns)
    )
    extents = (rows.kernel, columns.kernel, rows.made, columns.made)
    places = (np.broadcast_to(down[:, None, :, None], extents), np.broadcast_to(across[None, :, None, :], extents))
    return [as_f32(place).reshape(1, -1, 1) for place in places]


def _bilinear(make: Arithmetic, table: str, at: list[str], extents: tuple[int, int]) -> str:
    """Samples (n, p, c) of `table` (n, pixels, c) at points (n, p, 1) on both axes; beyond the edges lie zeros."""
    corners = list[list[Corner]]()
    for point, extent in zip(at, extents, strict=True):
        before = make.op(top.FloorOp, point)
        rest = make.sub(point, before)
        found = list[Corner]()
        for index, share in ((before, make.less_from(1.0, rest)), (make.add(before, 1.0), rest)):
            kept = make.clip(index, 0.0, extent - 1.0)
            off = make.least(make.op(top.AbsOp, make.sub(index, kept)), 1.0)
            found.append((kept, make.mul(share, make.less_from(1.0, off))))
        corners.append(found)
    terms = list[str]()
    for row, by_row in corners[0]:
        for column, by_column in corners[1]:
            values = make.rows(table, make.add(make.mul(row, float(extents[1])), column))
            terms.append(make.mul(values, make.mul(by_row, by_column)))
    return make.total(terms)
