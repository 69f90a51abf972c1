"""ONNX ops that move values, by shape or by index, to Top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from xdsl.dialects.builtin import IntegerType, Signedness, StringAttr
from xdsl.ir import Attribute

from compiler.dialects.fields import integer, ints
from compiler.dialects.top import ops as top
from compiler.frontends.onnx.to_top.compose import composes
from compiler.frontends.onnx.to_top.convert import converts
from compiler.frontends.onnx.to_top.reader import Reader, flag, real

INDEX = IntegerType(64, Signedness.SIGNED)
"""Elements of indices."""


@converts("Slice")
def cut(reader: Reader, node: onnx.NodeProto) -> None:
    starts = reader.numbers(node, "starts", 1)
    axes = reader.numbers(node, "axes", 3) or tuple(range(len(starts)))
    steps = reader.numbers(node, "", 4) or (1,) * len(starts)
    bounds = {"offset": starts, "ends": reader.numbers(node, "ends", 2), "steps": steps, "axes": axes}
    reader.add(node, top.SliceOp, node.input[:1], {name: ints(*values) for name, values in bounds.items()})


@converts("Pad")
def pad(reader: Reader, node: onnx.NodeProto) -> None:
    """Negative pads cut off what they say before the others are put around."""
    given = reader.attributes(node)
    pads, value, axes = reader.numbers(node, "pads", 1), reader.constant(node, 2), reader.numbers(node, "", 3)
    dims = reader.shape(node.input[0])
    if axes:
        spread = {axis % len(dims): i for i, axis in enumerate(axes)}
        pads = tuple(
            pads[half * len(axes) + spread[i]] if i in spread else 0 for half in range(2) for i in range(len(dims))
        )
    x = node.input[0]
    if min(pads, default=0) < 0:
        starts = [max(-n, 0) for n in pads[: len(dims)]]
        ends = [extent - max(-n, 0) for extent, n in zip(dims, pads[len(dims) :], strict=True)]
        x = _cut(reader, node, "cropped", x, starts, ends)
    filling = float(given.get("value", 0.0)) if value is None else value.item()
    around = ints(*(max(n, 0) for n in pads))
    padding = {"paddings": around, "val": real(filling), "mode": StringAttr(given.get("mode", "constant"))}
    reader.add(node, top.PadOp, [x], padding)


@composes("CenterCropPad")
def center_crop_pad(reader: Reader, node: onnx.NodeProto) -> None:
    """The middle of each axis, or zeros around it; an odd one out is at the end."""
    x, dims, asked = node.input[0], reader.shape(node.input[0]), reader.numbers(node, "", 1)
    axes = reader.attributes(node).get("axes") or range(len(dims))
    wanted = list(dims)
    for axis, extent in zip(axes, asked, strict=True):
        wanted[axis] = extent
    starts = [max(have - want, 0) // 2 for have, want in zip(dims, wanted, strict=True)]
    ends = [start + min(have, want) for start, have, want in zip(starts, dims, wanted, strict=True)]
    x = _cut(reader, node, "cropped", x, starts, ends)
    missing = [max(want - have, 0) for have, want in zip(dims, wanted, strict=True)]
    around = ints(*(n // 2 for n in missing), *(n - n // 2 for n in missing))
    reader.add(node, top.PadOp, [x], {"paddings": around})


@converts("Expand")
def expand(reader: Reader, node: onnx.NodeProto) -> None:
    reader.add(node, top.ExpandOp, node.input[:1], {"shape": ints(*reader.numbers(node, "", 1))})


@converts("Tile")
def tile(reader: Reader, node: onnx.NodeProto) -> None:
    """Up to opset 5, one axis as often as said."""
    times = reader.numbers(node, "", 1)
    if reader.opset < 6:
        (axis,), (count,) = reader.numbers(node, "", 2), times
        times = tuple(count if i == axis else 1 for i in range(len(reader.shape(node.input[0]))))
    reader.add(node, top.TileOp, node.input[:1], {"tile": ints(*times)})


@composes("DepthToSpace")
def depth_to_space(reader: Reader, node: onnx.NodeProto) -> None:
    """Channels (r, r, c) by mode DCR, (c, r, r) by CRD, become (h, r, w, r)."""
    given, (n, c, h, w) = reader.attributes(node), reader.shape(node.input[0])
    r = given["blocksize"]
    if given.get("mode", "DCR") == "DCR":
        parts, order = (n, r, r, c // (r * r), h, w), (0, 3, 4, 1, 5, 2)
    else:
        parts, order = (n, c // (r * r), r, r, h, w), (0, 1, 4, 2, 5, 3)
    _rearranged(reader, node, parts, order, (n, c // (r * r), h * r, w * r))


@composes("SpaceToDepth")
def space_to_depth(reader: Reader, node: onnx.NodeProto) -> None:
    given, (n, c, h, w) = reader.attributes(node), reader.shape(node.input[0])
    r = given["blocksize"]
    order = (0, 1, 3, 5, 2, 4) if given.get("mode", "DCR") == "CRD" else (0, 3, 5, 1, 2, 4)
    _rearranged(reader, node, (n, c, h // r, r, w // r, r), order, (n, c * r * r, h // r, w // r))


def _rearranged(
    reader: Reader, node: onnx.NodeProto, parts: Sequence[int], order: Sequence[int], made: Sequence[int]
) -> None:
    x = reader.step(node, "parts", top.ReshapeOp, node.input[:1], {"shape": ints(*parts)})
    x = reader.step(node, "turned", top.PermuteOp, [x], {"order": ints(*order)})
    reader.add(node, top.ReshapeOp, [x], {"shape": ints(*made)})


def _cut(reader: Reader, node: onnx.NodeProto, role: str, x: str, starts: Sequence[int], ends: Sequence[int]) -> str:
    """The middle of a tensor, by the bounds of each axis; the tensor itself where they are its own."""
    if not any(starts) and tuple(ends) == reader.shape(x):
        return x
    bounds = {"offset": ints(*starts), "ends": ints(*ends), "steps": ints(*(1,) * len(starts))}
    return reader.step(node, role, top.SliceOp, [x], bounds)


@converts("Gather")
def gather(reader: Reader, node: onnx.NodeProto) -> None:
    """Known indices that follow each other at one distance are a slice."""
    x, dims = node.input[0], reader.shape(node.input[0])
    axis = int(reader.attributes(node)["axis"]) % len(dims)
    known = reader.network.weights.get(node.input[1])
    run = None if known is None else _run(known, dims[axis])
    if run is None:
        reader.add(node, top.GatherOp, node.input, {"axis": integer(axis)})
        return
    end = run.stop if run.stop >= 0 else -dims[axis] - 1
    asked = {"offset": ints(run.start), "ends": ints(end), "steps": ints(run.step), "axes": ints(axis)}
    rank = reader.shape(node.input[1])
    if len(rank) == 1:
        reader.add(node, top.SliceOp, [x], asked)
        return
    row = reader.step(node, "row", top.SliceOp, [x], asked)
    made = (*dims[:axis], *rank, *dims[axis + 1 :])
    reader.add(node, top.ReshapeOp, [row], {"shape": ints(*made)})


def _run(indices: NDArray[Any], rows: int) -> range | None:
    """The range that the indices are, where they are one."""
    flat = np.where(np.ravel(indices) < 0, np.ravel(indices) + rows, np.ravel(indices)).astype(np.int64)
    if not flat.size or not ((flat >= 0) & (flat < rows)).all():
        return None
    steps = np.unique(np.diff(flat))
    if len(steps) > 1 or (len(steps) and steps[0] == 0):
        return None
    step = int(steps[0]) if len(steps) else 1
    return range(int(flat[0]), int(flat[-1]) + (1 if step > 0 else -1), step)


@converts("GatherElements")
def gather_elements(reader: Reader, node: onnx.NodeProto) -> None:
    reader.add(node, top.GatherElementsOp, node.input, _axis(reader, node))


@converts("GatherND")
def gather_nd(reader: Reader, node: onnx.NodeProto) -> None:
    batch = reader.attributes(node).get("batch_dims", 0)
    reader.add(node, top.GatherNDOp, node.input, {"batch_dims": integer(batch)})


@converts("ScatterElements", "Scatter")
def scatter_elements(reader: Reader, node: onnx.NodeProto) -> None:
    reduction = {"reduction": StringAttr(reader.attributes(node).get("reduction", "none"))}
    reader.add(node, top.ScatterElementsOp, node.input, _axis(reader, node) | reduction)


@converts("ScatterND")
def scatter_nd(reader: Reader, node: onnx.NodeProto) -> None:
    reduction = {"reduction": StringAttr(reader.attributes(node).get("reduction", "none"))}
    reader.add(node, top.ScatterNDOp, node.input, reduction)


@converts("ArgMax", "ArgMin")
def arg(reader: Reader, node: onnx.NodeProto) -> None:
    given = reader.attributes(node)
    last = flag(bool(given.get("select_last_index", 0)))
    asked = {"mode": StringAttr(node.op_type), "keepdims": flag(bool(given["keepdims"])), "select_last_index": last}
    reader.add(node, top.ArgOp, node.input, _axis(reader, node) | asked)


@converts("ReverseSequence")
def reverse_sequence(reader: Reader, node: onnx.NodeProto) -> None:
    given = reader.attributes(node)
    axes = {name: integer(given[name]) for name in ("batch_axis", "time_axis")}
    reader.add(node, top.ReverseSequenceOp, node.input, axes)


@composes("TopK")
def top_k(reader: Reader, node: onnx.NodeProto) -> None:
    """The indices, and the elements that they pick."""
    given, count = reader.attributes(node), reader.numbers(node, "k", 1)
    axis = given["axis"] % len(reader.shape(node.input[0]))
    asked = {"axis": integer(axis), "K": integer(count[0]), "largest": flag(bool(given.get("largest", 1)))}
    values, indices = node.output
    if indices:
        reader.add(node, top.TopKOp, node.input[:1], asked, output=1)
    else:
        indices = reader.step(node, "indices", top.TopKOp, node.input[:1], asked, INDEX)
    if values:
        reader.add(node, top.GatherElementsOp, [node.input[0], indices], {"axis": integer(axis)})


def _axis(reader: Reader, node: onnx.NodeProto) -> dict[str, Attribute]:
    """The axis, counted from the start."""
    return {"axis": integer(reader.attributes(node)["axis"] % len(reader.shape(node.input[0])))}
