"""ONNX ops that become several Top ops."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
from xdsl.dialects.builtin import StringAttr

from compiler.dialects.fields import ints
from compiler.dialects.top import ops as top
from compiler.frontends.onnx.to_top.reader import Reader, Unsupported, flag, real

Composer = Callable[[Reader, onnx.NodeProto], None]
COMPOSED: dict[str, Composer] = {}
SMALLEST = float(np.finfo(np.float32).tiny)
"""The smallest normal number: in place of a zero that would be divided by."""


def composes(*op_types: str) -> Callable[[Composer], Composer]:
    """Register the decorated function for these ONNX op types."""

    def register(composer: Composer) -> Composer:
        COMPOSED.update(dict.fromkeys(op_types, composer))
        return composer

    return register


@composes("Split")
def split(reader: Reader, node: onnx.NodeProto) -> None:
    """A Slice for each output that is read."""
    given, dims = reader.attributes(node), reader.shape(node.input[0])
    axis = int(given["axis"]) % len(dims)
    parts = reader.numbers(node, "split", 1)
    if not parts:
        size = -(-dims[axis] // len(node.output))
        parts = tuple(min(size, dims[axis] - i * size) for i in range(len(node.output)))
    for i, end in enumerate(np.cumsum(parts)):
        bounds = {"offset": int(end) - parts[i], "ends": int(end), "steps": 1, "axes": axis}
        if reader.is_used(node.output[i]):
            if parts[i] < 1:
                raise Unsupported(f"{node.output[i]!r} has no elements")
            reader.add(node, top.SliceOp, node.input[:1], {name: ints(n) for name, n in bounds.items()}, i)


BEFORE = {"ReduceL1": top.AbsOp, "ReduceL2": top.MulOp, "ReduceSumSquare": top.MulOp, "ReduceLogSumExp": top.ExpOp}
AFTER = {"ReduceL2": top.SqrtOp, "ReduceLogSum": top.LogOp, "ReduceLogSumExp": top.LogOp}


@composes("ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp")
def reduce(reader: Reader, node: onnx.NodeProto) -> None:
    """A sum, of what `BEFORE` makes of the elements, and of that what `AFTER` makes."""
    given, axes, x = reader.attributes(node), reader.numbers(node, "axes", 1), node.input[0]
    if not axes and given.get("noop_with_empty_axes"):
        raise Unsupported("noop_with_empty_axes = 1 isn't supported; give it axes")
    before, after = BEFORE.get(node.op_type), AFTER.get(node.op_type)
    if before:
        x = reader.step(node, "terms", before, [x, x] if before is top.MulOp else [x])
    asked = {"axes": ints(*axes), "keepdims": flag(bool(given["keepdims"])), "mode": StringAttr("ReduceSum")}
    if after:
        reader.add(node, after, [reader.step(node, "sum", top.ReduceOp, [x], asked)], {})
    else:
        reader.add(node, top.ReduceOp, [x], asked)


@composes("Mean")
def mean(reader: Reader, node: onnx.NodeProto) -> None:
    total = reader.step(node, "sum", top.AddOp, node.input)
    reader.add(node, top.MulConstOp, [total], {"const_val": real(1.0 / len(node.input))})


@composes("Selu")
def selu(reader: Reader, node: onnx.NodeProto) -> None:
    """`gamma · Elu(x)`"""
    given = reader.attributes(node)
    grown = reader.step(node, "elu", top.EluOp, node.input, {"alpha": real(given["alpha"])})
    reader.add(node, top.MulConstOp, [grown], {"const_val": real(given["gamma"])})


@composes("Celu")
def celu(reader: Reader, node: onnx.NodeProto) -> None:
    """`alpha · Elu(x / alpha)`"""
    alpha = reader.attributes(node)["alpha"]
    if alpha <= 0:
        raise Unsupported(f"alpha = {alpha} isn't supported; it has to be positive")
    scaled = reader.step(node, "scaled", top.DivConstOp, node.input, {"const_val": real(alpha)})
    grown = reader.step(node, "elu", top.EluOp, [scaled], {"alpha": real(1.0)})
    reader.add(node, top.MulConstOp, [grown], {"const_val": real(alpha)})


@composes("LpNormalization")
def lp_norm(reader: Reader, node: onnx.NodeProto) -> None:
    """`x / (Σ |x|ᵖ)^(1/p)` along `axis`, p 1 or 2; 0 where all are 0."""
    given, (x,) = reader.attributes(node), node.input
    asked = {"axes": ints(given["axis"]), "mode": StringAttr("ReduceSum")}
    if given["p"] == 1:
        length = reader.step(node, "sum", top.ReduceOp, [reader.step(node, "terms", top.AbsOp, [x])], asked)
    else:
        total = reader.step(node, "sum", top.ReduceOp, [reader.step(node, "terms", top.MulOp, [x, x])], asked)
        length = reader.step(node, "root", top.SqrtOp, [total])
    divisor = reader.step(node, "divisor", top.MaxConstOp, [length], {"const_val": real(SMALLEST)})
    reader.add(node, top.DivOp, [x, divisor], {})
