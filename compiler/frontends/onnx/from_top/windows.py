"""Windows of Top that ONNX has by another name, back to ONNX."""

from __future__ import annotations

from math import floor

import numpy as np

from compiler.dialects.fields import numbers
from compiler.dialects.top import ops as top
from compiler.frontends.onnx.from_top.writer import Writer, nodes, operands_of
from compiler.ir.network import name_of, shape, size

OWN = frozenset({"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "asymmetric"})
"""Modes whose points onnxruntime's Resize puts where ONNX says, also where an axis is cut short."""


@nodes.on(top.DeconvOp)
def deconv(op: top.DeconvOp, out: Writer) -> None:
    names = ("kernel_shape", "strides", "pads", "dilations", "output_padding")
    window = {name: list(numbers(getattr(op, name))) for name in names}
    out.close(op, operands_of(op), "ConvTranspose", group=op.groups, **window)


@nodes.on(top.InterpOp)
def interp(op: top.InterpOp, out: Writer) -> None:
    """A Resize where onnxruntime's means what ONNX says, as for planes it mostly does; else axis by axis."""
    name, extents = name_of(op), _by_extents(op)
    if not extents:
        _by_axes(op, out)
        return
    operands = {key: out.constant(f"{name}_{key}", value, kind) for key, (value, kind) in extents.items()}
    given = [name_of(op.input), "", operands.get("scales", ""), operands.get("sizes", "")]
    out.close(
        op,
        [part for i, part in enumerate(given) if any(given[i:])],
        "Resize",
        mode=op.mode.data,
        coordinate_transformation_mode=op.coord_mode.data,
        nearest_mode=op.nearest_mode.data,
        cubic_coeff_a=op.cubic_coeff_a.value.data,
        exclude_outside=int(bool(op.exclude_outside)),
    )


def _by_extents(op: top.InterpOp) -> dict[str, tuple[object, type[np.generic]]]:
    """The operand that says how much larger, if onnxruntime resizes the axes by it as ONNX says; else nothing."""
    dims, made, scales = shape(op.input), numbers(op.sizes), op.factors()
    plain = len(dims) == 4 and set(op.axes()) <= {2, 3} and not op.antialias
    whole = all(abs(scale * n - m) < 1e-6 for scale, n, m in zip(scales, dims, made, strict=True))
    if op.mode.data == "nearest" and not all(m % n == 0 for n, m in zip(dims, made, strict=True)):
        return {}
    if not plain or not (op.coord_mode.data in OWN or (op.coord_mode.data == "align_corners" and whole)):
        return {}
    if all(scale == m / n for scale, n, m in zip(scales, dims, made, strict=True)):
        return {"sizes": (made, np.int64)}
    stored = np.array(scales, np.float32).tolist()
    fits = all(floor(np.float32(scale) * n) == m for scale, n, m in zip(stored, dims, made, strict=True))
    return {"scales": (stored, np.float32)} if fits else {}


def _by_axes(op: top.InterpOp, out: Writer) -> None:
    """A Gather of what is picked, a product with a matrix of weights for each axis of sums."""
    name, x, dims = name_of(op), name_of(op.input), list(shape(op.input))
    for axis in op.axes():
        taps, tag = op.taps(axis), f"{name}_axis{axis}"
        if taps.picks:
            x = out.emit("Gather", [x, out.constant(f"{tag}_index", taps.starts)], tag, axis=axis)
        else:
            frame = (size(tuple(dims[:axis])), dims[axis], size(tuple(dims[axis + 1 :])))
            framed = out.emit("Reshape", [x, out.constant(f"{tag}_frame", frame)], f"{tag}_framed")
            matrix = out.constant(f"{tag}_matrix", taps.matrix(dims[axis]), np.float32)
            product = out.emit("MatMul", [matrix, framed], f"{tag}_product")
            after = (*dims[:axis], len(taps.starts), *dims[axis + 1 :])
            x = out.emit("Reshape", [product, out.constant(f"{tag}_shape", after)], tag)
        dims[axis] = len(taps.starts)
    if (filling := op.filling()) is None:
        out.close(op, [x], "Identity")
    else:
        out.close(op, [x, out.constant(f"{name}_outside", filling, np.float32)], "Add")
