"""Normalisations back to ONNX."""

from __future__ import annotations

import numpy as np

from compiler.dialects.top import ops as top
from compiler.frontends.onnx.from_top.writer import Writer, nodes, operands_of
from compiler.ir.network import name_of, shape


@nodes.on(top.LayerNormOp)
def layer_norm(op: top.LayerNormOp, out: Writer) -> None:
    axis, name = op.axis.value.data % len(shape(op.input)), name_of(op)
    x, weight, bias = operands_of(op)
    weight = weight or out.constant(f"{name}_ones", np.ones(shape(op.input)[axis:]), np.float32)
    factors = [weight, bias] if bias else [weight]
    out.close(op, [x, *factors], "LayerNormalization", axis=axis, epsilon=op.eps.value.data)


@nodes.on(top.RMSNormOp)
def rms_norm(op: top.RMSNormOp, out: Writer) -> None:
    """Spelt out: the opset that is written has no op for it."""
    rank, name = len(shape(op.input)), name_of(op)
    x, gamma = operands_of(op)
    axes = out.constant(f"{name}_axes", range(op.axis.value.data % rank, rank))
    mean = out.emit("ReduceMean", [out.emit("Mul", [x, x], f"{name}_squares"), axes], f"{name}_mean")
    raised = out.emit("Add", [mean, out.constant(f"{name}_eps", op.eps.value.data, np.float32)], f"{name}_raised")
    root = out.emit("Sqrt", [raised], f"{name}_root")
    if not gamma:
        out.close(op, [x, root], "Div")
        return
    out.close(op, [out.emit("Div", [x, root], f"{name}_normal"), gamma], "Mul")


@nodes.on(top.GroupNormOp)
def group_norm(op: top.GroupNormOp, out: Writer) -> None:
    """An InstanceNormalization of the groups, then each channel's own weight and bias."""
    dims, groups, name = shape(op.input), op.num_groups.value.data, name_of(op)
    x, *factors = operands_of(op)
    flat = out.emit("Reshape", [x, out.constant(f"{name}_groups", (dims[0], groups, -1))], f"{name}_grouped")
    unit = [out.constant(f"{name}_{role}", np.full(groups, v), np.float32) for role, v in (("ones", 1), ("zeros", 0))]
    made = out.emit("InstanceNormalization", [flat, *unit], f"{name}_normal", epsilon=op.eps.value.data)
    channels = out.constant(f"{name}_channels", (dims[1], *(1,) * (len(dims) - 2)))
    last = [made, out.constant(f"{name}_shape", dims)]
    steps = [(kind, factor) for kind, factor in zip(("Mul", "Add"), factors, strict=True) if factor]
    if not steps:
        out.close(op, last, "Reshape")
        return
    made = out.emit("Reshape", last, f"{name}_back")
    for i, (kind, factor) in enumerate(steps, 1):
        pair = [made, out.emit("Reshape", [factor, channels], f"{name}_{kind}_by")]
        if i == len(steps):
            out.close(op, pair, kind)
        else:
            made = out.emit(kind, pair, f"{name}_{kind}")


@nodes.on(top.LRNOp)
def lrn(op: top.LRNOp, out: Writer) -> None:
    """Of an even number of channels spelt out: onnxruntime has no LRN of it."""
    size, name, dims = op.count.value.data, name_of(op), shape(op.input)
    alpha, beta, bias = (attribute.value.data for attribute in (op.alpha, op.beta, op.bias))
    (x,) = operands_of(op)
    if size % 2:
        out.close(op, [x], "LRN", size=size, alpha=alpha, beta=beta, bias=bias)
        return
    planes = out.constant(f"{name}_planes", (dims[0], 1, dims[1], -1))
    squares = out.emit("Reshape", [out.emit("Mul", [x, x], f"{name}_squares"), planes], f"{name}_channels")
    window = {"kernel_shape": [size, 1], "pads": [(size - 1) // 2, 0, size // 2, 0], "count_include_pad": 1}
    mean = out.emit("AveragePool", [squares], f"{name}_pooled", **window)
    made = out.emit("Reshape", [mean, out.constant(f"{name}_shape", dims)], f"{name}_mean")
    for kind, number in (("Mul", alpha), ("Add", bias), ("Pow", beta)):
        made = out.emit(kind, [made, out.constant(f"{name}_{kind}_by", number, np.float32)], f"{name}_{kind}")
    out.close(op, [x, made], "Div")
