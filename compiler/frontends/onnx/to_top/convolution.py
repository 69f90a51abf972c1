"""Convolutions, transposed ones too, over lines, planes and volumes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np
import onnx
from xdsl.ir import Attribute

from compiler.dialects.fields import integer, ints
from compiler.dialects.top import ops as top
from compiler.frontends.onnx.to_top.convert import convert_by_name, converts
from compiler.frontends.onnx.to_top.reader import Reader, Unsupported
from compiler.frontends.onnx.to_top.spatial import (
    Along,
    Dims,
    cut,
    joined,
    plane_window,
    stacked,
    turned,
    unstacked,
    viewed,
    weight,
    windows,
)


@converts("Conv")
def conv(reader: Reader, node: onnx.NodeProto) -> None:
    """Over lines: over planes of one row. Over volumes: over planes whose channels are windows along the depth."""
    x, filters, *_ = node.input
    dims, (oc, depth, *kernel) = reader.shape(x), reader.shape(filters)
    if len(kernel) == 2:
        convert_by_name(reader, node, top.ConvOp, kernel_shape=kernel)
        return
    if len(kernel) not in (1, 3):
        raise Unsupported(f"a {len(kernel)}-D convolution; 1-D, 2-D and 3-D ones run")
    *deep, columns = windows(reader, node, dims[2:], kernel)
    group = {"group": integer(reader.attributes(node)["group"])}
    if not deep:
        line, row = _lines(reader, node)
        attributes = plane_window(Along(1, 1), columns) | group
        made = reader.step(node, "planes", top.ConvOp, [line, row, *node.input[2:]], attributes)
        reader.add(node, top.SqueezeOp, [made], {"axes": ints(2)})
        return
    along, rows = deep
    planes = stacked(reader, node, x, dims, along)
    flat = viewed(reader, node, filters, "filter", oc, depth * along.kernel, *kernel[1:])
    attributes = plane_window(rows, columns) | group
    made = reader.step(node, "slice", top.ConvOp, [planes, flat, *node.input[2:]], attributes)
    unstacked(reader, node, made, (dims[0], oc, along.made, rows.made, columns.made))


def _lines(reader: Reader, node: onnx.NodeProto) -> list[str]:
    """Input and filter over lines as over planes of one row."""
    named = zip(node.input, ("rows", "filter"), strict=False)
    return [viewed(reader, node, name, role, *reader.shape(name)[:2], 1, -1) for name, role in named]


@dataclass(frozen=True)
class Spread:
    """One axis of a transposed convolution: its window, whose padding is cut off the result, and what is added."""

    window: Along
    more: int = 0

    @property
    def made(self) -> int:
        """Results on the axis."""
        window = self.window
        natural = window.stride * (window.extent - 1) + window.reach
        return natural + self.more - window.before - window.after


@converts("ConvTranspose")
def conv_transpose(reader: Reader, node: onnx.NodeProto) -> None:
    """As `conv`; of a volume the depth is filled up with zeros between its planes."""
    x, filters, *bias = node.input
    dims, (_, _, *kernel) = reader.shape(x), reader.shape(filters)
    spread, group = _spread(reader, node, dims[2:], kernel), int(reader.attributes(node)["group"])
    match len(kernel):
        case 1:
            line, row = _lines(reader, node)
            attributes = _attributes(Spread(Along(1, 1)), spread[0], group)
            planes = reader.step(node, "planes", top.DeconvOp, [line, row, *bias], attributes)
            reader.add(node, top.SqueezeOp, [planes], {"axes": ints(2)})
        case 2:
            reader.add(node, top.DeconvOp, node.input, _attributes(spread[0], spread[1], group))
        case 3:
            _volume_transposed(reader, node, node.input, (dims, reader.shape(filters)), spread, group)
        case rank:
            raise Unsupported(f"a {rank}-D transposed convolution; 1-D, 2-D and 3-D ones run")


def _spread(reader: Reader, node: onnx.NodeProto, dims: Sequence[int], kernel: Sequence[int]) -> list[Spread]:
    """Each axis, with the pads that `output_shape` or `auto_pad` stand for."""
    given, rank = reader.attributes(node), len(kernel)
    strides, dilations = (list(given.get(name) or [1] * rank) for name in ("strides", "dilations"))
    pads, more = list(given.get("pads") or [0] * 2 * rank), list(given.get("output_padding") or [0] * rank)
    mode, wanted = given.get("auto_pad", "NOTSET"), list(given.get("output_shape") or [])[-rank:]
    if not wanted and mode.startswith("SAME"):
        wanted = [extent * stride for extent, stride in zip(dims, strides, strict=True)]
    made = list[Spread]()
    for i, extent in enumerate(dims):
        window = Along(extent, kernel[i], strides[i], dilations[i])
        if not wanted:
            sides = (0, 0) if mode == "VALID" else (pads[i], pads[i + rank])
            made.append(Spread(replace(window, before=sides[0], after=sides[1]), more[i]))
            continue
        total = Spread(window, more[i]).made - wanted[i]
        if total < 0 and mode.startswith("SAME"):
            raise Unsupported(f"auto_pad = {mode} of a kernel that is shorter than its stride; state pads")
        less, rest = max(total, 0) // 2, max(total, 0) - max(total, 0) // 2
        before, after = (less, rest) if mode == "SAME_UPPER" else (rest, less)
        made.append(Spread(replace(window, before=before, after=after), more[i] + max(-total, 0)))
    return made


def _attributes(rows: Spread, columns: Spread, group: int) -> dict[str, Attribute]:
    more = {"output_padding": ints(rows.more, columns.more), "group": integer(group)}
    return plane_window(rows.window, columns.window) | more


def _volume_transposed(
    reader: Reader,
    node: onnx.NodeProto,
    operands: Sequence[str],
    dims: tuple[Dims, Dims],
    spread: Sequence[Spread],
    group: int,
) -> None:
    """
    A plain convolution along the depth, by the flipped kernel; a transposed one in each plane.

    `dims` are the extents of the first two operands, input and filter.
    """
    (x, filters, *bias), (deep, rows, columns) = operands, spread
    (n, c, d, *plane), (_, outputs, *kernel) = dims
    depth = deep.window
    if depth.stride > 1:
        apart = viewed(reader, node, x, "apart", n * c, d, 1, prod(plane))
        zeros = weight(reader, node, "zeros", np.zeros((n * c, d, depth.stride - 1, prod(plane)), np.float32))
        x = joined(reader, node, [apart, zeros], "filled", 2)
        x = viewed(reader, node, x, "long", n, c, d * depth.stride, prod(plane))
        x = cut(reader, node, x, "between", 2, range(d := depth.stride * (d - 1) + 1))
    before, after = depth.reach - 1 - depth.before, depth.reach - 1 - depth.after + deep.more
    x = viewed(reader, node, x, "uncut", n, c, d, prod(plane))
    x = cut(reader, node, x, "cut", 2, range(max(-before, 0), d - max(-after, 0)))
    d -= max(-before, 0) + max(-after, 0)
    along = Along(d, kernel[0], 1, depth.dilation, max(before, 0), max(after, 0))
    planes = stacked(reader, node, x, (n, c, d, *plane), along)
    flat = viewed(reader, node, filters, "flat", c, outputs, kernel[0], prod(kernel[1:]))
    flipped = [cut(reader, node, flat, f"flip{k}", 2, range(k, k + 1)) for k in reversed(range(kernel[0]))]
    flat = turned(reader, node, joined(reader, node, flipped, "flipped", 2), "by_input", 0, 2, 1, 3)
    flat = viewed(reader, node, flat, "filter", c * kernel[0], outputs, *kernel[1:])
    made = reader.step(node, "slice", top.DeconvOp, [planes, flat, *bias], _attributes(rows, columns, group))
    unstacked(reader, node, made, (n, outputs * group, along.made, rows.made, columns.made))


@converts("Col2Im")
def col2im(reader: Reader, node: onnx.NodeProto) -> None:
    """A transposed convolution by a filter that puts each tap's value at its place, each channel by itself."""
    image, block = reader.numbers(node, "", 1), reader.numbers(node, "", 2)
    n, taps, _ = reader.shape(node.input[0])
    given, count = reader.attributes(node), taps // prod(block)
    strides, dilations = (list(given.get(name) or [1] * len(block)) for name in ("strides", "dilations"))
    pads = list(given.get("pads") or [0] * 2 * len(block))
    sides = [(pads[i], pads[i + len(block)]) for i in range(len(block))]
    along = [Along(image[i], block[i], strides[i], dilations[i], *sides[i]) for i in range(len(block))]
    places = np.tile(np.eye(prod(block), dtype=np.float32), (count, 1)).reshape(taps, 1, *block)
    spread = [Spread(replace(a, extent=a.made), (a.extent + a.before + a.after - a.reach) % a.stride) for a in along]
    dims = (n, taps, *(a.made for a in along))
    operands = [viewed(reader, node, node.input[0], "windows", *dims), weight(reader, node, "places", places)]
    match len(block):
        case 2:
            reader.add(node, top.DeconvOp, operands, _attributes(spread[0], spread[1], count))
        case 3:
            _volume_transposed(reader, node, operands, (dims, places.shape), spread, count)
        case rank:
            raise Unsupported(f"blocks of {rank} axes; those of 2 and 3 run")
