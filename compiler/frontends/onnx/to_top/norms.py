"""Normalisations."""

from __future__ import annotations

import onnx
from xdsl.dialects.builtin import StringAttr

from compiler.dialects.fields import integer, ints
from compiler.dialects.top import ops as top
from compiler.frontends.onnx.to_top.compose import composes
from compiler.frontends.onnx.to_top.convert import converts
from compiler.frontends.onnx.to_top.reader import Reader, Unsupported, flag, real


@converts("LayerNormalization", "RMSNormalization")
def layer_norm(reader: Reader, node: onnx.NodeProto) -> None:
    """The statistics aren't among an op's results: where they are read, ONNX's definition of it is."""
    if any(name and reader.is_used(name) for name in node.output[1:]):
        raise Unsupported("the mean and the spread are read; only the first output is there")
    given, kind = reader.attributes(node), top.LayerNormOp if node.op_type == "LayerNormalization" else top.RMSNormOp
    attributes = {"axis": top.axis_attribute(given["axis"]), "eps": real(given["epsilon"])}
    reader.add(node, kind, node.input, attributes)


@converts("GroupNormalization")
def group_norm(reader: Reader, node: onnx.NodeProto) -> None:
    """Up to opset 20 weight and bias were those of a group."""
    x, *factors = node.input
    if reader.opset < 21:
        raise Unsupported("weights of groups; from opset 21 on they are the channels'")
    given = reader.attributes(node)
    attributes = {"num_groups": integer(given["num_groups"]), "eps": real(given["epsilon"])}
    reader.add(node, top.GroupNormOp, [x, *factors], attributes)


@converts("InstanceNormalization")
def instance_norm(reader: Reader, node: onnx.NodeProto) -> None:
    """A group a channel."""
    groups = {"num_groups": integer(reader.shape(node.input[0])[1])}
    reader.add(node, top.GroupNormOp, node.input, {**groups, "eps": real(reader.attributes(node)["epsilon"])})


@converts("LRN")
def lrn(reader: Reader, node: onnx.NodeProto) -> None:
    given = reader.attributes(node)
    factors = {name: real(given[name]) for name in ("alpha", "beta", "bias")}
    reader.add(node, top.LRNOp, node.input, {"size": integer(given["size"]), **factors})


@composes("BatchNormalization")
def batch_norm(reader: Reader, node: onnx.NodeProto) -> None:
    """In training mode the statistics are the operand's own; the running ones move towards them."""
    x, gamma, beta, mean, variance = node.input
    given = reader.attributes(node)
    if not given.get("training_mode", 0):
        reader.add(node, top.BatchNormOp, [x, mean, variance, gamma, beta], {"epsilon": real(given["epsilon"])})
        return
    rank = len(reader.shape(x))
    over = {"axes": ints(0, *range(2, rank)), "mode": StringAttr("ReduceMean")}
    own = reader.step(node, "mean", top.ReduceOp, [x], over)
    centred = reader.step(node, "centred", top.SubOp, [x, own])
    spread = reader.step(
        node, "variance", top.ReduceOp, [_step(reader, node, "squares", top.MulOp, centred, centred)], over
    )
    raised = reader.step(node, "raised", top.AddConstOp, [spread], {"const_val": real(given["epsilon"])})
    normal = _step(reader, node, "normal", top.DivOp, centred, reader.step(node, "root", top.SqrtOp, [raised]))
    by_channel = {"axes": ints(*range(1, rank - 1))}
    gain, offset = (
        reader.step(node, role, top.UnsqueezeOp, [name], by_channel) for role, name in (("gain", gamma), ("to", beta))
    )
    reader.add(node, top.AddOp, [_step(reader, node, "scaled", top.MulOp, normal, gain), offset], {})
    moments = zip(node.output[1:], (mean, variance), (own, spread), strict=False)
    for i, (made, before, now) in enumerate(moments, 1):
        if made and reader.is_used(made):
            flat = reader.step(node, f"flat{i}", top.ReshapeOp, [now], {"shape": ints(-1)})
            _running(reader, node, i, before, flat, given["momentum"])


def _running(reader: Reader, node: onnx.NodeProto, output: int, before: str, now: str, momentum: float) -> None:
    """`momentum · before + (1 - momentum) · now` as one of the outputs."""
    shares = ((before, momentum, "before"), (now, 1.0 - momentum, "now"))
    parts = [
        reader.step(node, f"{role}{output}", top.MulConstOp, [name], {"const_val": real(share)})
        for name, share, role in shares
    ]
    reader.add(node, top.AddOp, parts, {}, output)


def _step(reader: Reader, node: onnx.NodeProto, role: str, kind: type[top.TopOp], *operands: str) -> str:
    return reader.step(node, role, kind, operands)


@composes("MeanVarianceNormalization")
def mean_variance(reader: Reader, node: onnx.NodeProto) -> None:
    """Over the axes told, by default all but the channels': `(x - mean) / √variance`, with 1e-9 at the root."""
    over = {"axes": ints(*reader.attributes(node)["axes"]), "mode": StringAttr("ReduceMean"), "keepdims": flag(True)}
    (x,) = node.input
    centred = _step(reader, node, "centred", top.SubOp, x, reader.step(node, "mean", top.ReduceOp, [x], over))
    squares = _step(reader, node, "squares", top.MulOp, centred, centred)
    root = reader.step(node, "root", top.SqrtOp, [reader.step(node, "variance", top.ReduceOp, [squares], over)])
    divisor = reader.step(node, "divisor", top.AddConstOp, [root], {"const_val": real(1e-9)})
    reader.add(node, top.DivOp, [centred, divisor], {})
