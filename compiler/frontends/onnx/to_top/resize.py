"""Resize and Upsample."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor

import numpy as np
import onnx
from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Attribute

from compiler.dialects.fields import ints
from compiler.dialects.top import ops as top
from compiler.frontends.onnx.to_top.convert import converts
from compiler.frontends.onnx.to_top.reader import Reader, Unsupported, flag, real

Scales = Sequence[float]


@converts("Resize")
def resize(reader: Reader, node: onnx.NodeProto) -> None:
    """Sizes and scales of all axes; up to opset 10 there were scales alone, and points were asymmetric."""
    given, dims = reader.attributes(node), reader.shape(node.input[0])
    if reader.opset < 11:
        upsample(reader, node)
        return
    axes = [axis % len(dims) for axis in given.get("axes", range(len(dims)))]
    sizes, scales = _extents(reader, node, dims, axes, given.get("keep_aspect_ratio_policy", "stretch"))
    roi = reader.constant(node, 1)
    region = [0.0] * len(dims) + [1.0] * len(dims)
    if given["coordinate_transformation_mode"] == "tf_crop_and_resize" and roi is not None:
        for i, axis in enumerate(axes):
            region[axis], region[axis + len(dims)] = float(roi[i]), float(roi[i + len(axes)])
    attributes: dict[str, Attribute] = {
        "sizes": ints(*sizes),
        "scales": top.reals(*scales),
        "mode": StringAttr(given["mode"]),
        "coord_mode": StringAttr(given["coordinate_transformation_mode"]),
        "nearest_mode": StringAttr(given["nearest_mode"]),
        "cubic_coeff_a": real(given["cubic_coeff_a"]),
        "exclude_outside": flag(bool(given["exclude_outside"])),
        "antialias": flag(bool(given.get("antialias", 0))),
    }
    if given["coordinate_transformation_mode"] == "tf_crop_and_resize":
        attributes |= {"roi": top.reals(*region), "extrapolation_value": real(given["extrapolation_value"])}
    reader.add(node, top.InterpOp, node.input[:1], attributes)


@converts("Upsample")
def upsample(reader: Reader, node: onnx.NodeProto) -> None:
    """Scales are an attribute up to opset 8, then an input; points are asymmetric, the nearest is the one before."""
    given, dims = reader.attributes(node), reader.shape(node.input[0])
    scales = reader.constant(node, 1)
    scales = given["scales"] if scales is None else scales.astype(np.float64).tolist()
    attributes = {
        "sizes": ints(*(floor(n * scale) for n, scale in zip(dims, scales, strict=True))),
        "scales": top.reals(*scales),
        "mode": StringAttr(given["mode"]),
        "coord_mode": StringAttr("asymmetric"),
        "nearest_mode": StringAttr("floor"),
    }
    reader.add(node, top.InterpOp, node.input[:1], attributes)


def _extents(
    reader: Reader, node: onnx.NodeProto, dims: Sequence[int], axes: Sequence[int], policy: str
) -> tuple[list[int], list[float]]:
    """The size and the scale of every axis, from one or the other of `axes`."""
    stated, wanted = reader.constant(node, 2), reader.constant(node, 3)
    sizes, scales = list(dims), [1.0] * len(dims)
    if stated is not None and stated.size:
        for axis, scale in zip(axes, stated.astype(np.float64).tolist(), strict=True):
            sizes[axis], scales[axis] = floor(dims[axis] * scale), scale
        return sizes, scales
    if wanted is None:
        raise Unsupported("it has neither scales nor sizes")
    for axis, size in zip(axes, wanted.tolist(), strict=True):
        sizes[axis], scales[axis] = int(size), int(size) / dims[axis]
    if policy != "stretch":
        scale = (min if policy == "not_larger" else max)(scales[axis] for axis in axes)
        for axis in axes:
            sizes[axis], scales[axis] = floor(scale * dims[axis] + 0.5), scale
    return sizes, scales
