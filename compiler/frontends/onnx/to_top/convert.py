"""ONNX ops that aren't the Top op of the same name, or whose attributes moved to inputs between opsets."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import onnx
from xdsl.dialects.builtin import StringAttr

from compiler.dialects.fields import ints
from compiler.dialects.top import ops as top
from compiler.frontends.onnx.to_top.reader import Reader, Unsupported, attribute, flag, real
from compiler.ir.storage import dtype_of

Converter = Callable[[Reader, onnx.NodeProto], None]
CONVERTERS: dict[str, Converter] = {}
TRAINING = "it is in training mode; export the model for inference"


def converts(*op_types: str) -> Callable[[Converter], Converter]:
    """Register the decorated function for these ONNX op types."""

    def register(converter: Converter) -> Converter:
        CONVERTERS.update(dict.fromkeys(op_types, converter))
        return converter

    return register


def convert_by_name(reader: Reader, node: onnx.NodeProto, kind: type[top.TopOp], **instead: Any) -> None:
    """
    Append the op of class `kind` with the node's own operands and attributes; `instead` overrides attributes.

    An attribute that Top lacks has to have a value that changes nothing (`NEUTRAL`), or its default.
    """
    known = kind.get_irdl_definition().attributes.keys()
    given = reader.attributes(node) | instead
    defaults = reader.attributes(onnx.NodeProto(op_type=node.op_type, domain=node.domain))
    for name in given.keys() - known:
        if given[name] not in (defaults.get(name), *NEUTRAL.get(name, ())) and given[name] != []:
            raise Unsupported(f"{name} = {given[name]} isn't supported")
    reader.add(node, kind, node.input, {name: attribute(name, given[name]) for name in given.keys() & known})


NEUTRAL: dict[str, tuple[Any, ...]] = {
    "consumed_inputs": ([0, 0], [0, 0, 0, 0, 0]), "is_test": (1,), "spatial": (1,),
    "broadcast": (0, 1), "training_mode": (0,), "storage_order": (0, 1),
}  # fmt: skip
"""Values of ONNX attributes, most of them of old opsets, that say nothing Top doesn't mean anyway."""


@converts("Sum")
def add(reader: Reader, node: onnx.NodeProto) -> None:
    convert_by_name(reader, node, top.AddOp)


@converts("Clip")
def clip(reader: Reader, node: onnx.NodeProto) -> None:
    """Bounds are attributes up to opset 10, then inputs."""
    given = reader.attributes(node)
    low, high = (reader.constant(node, i) for i in (1, 2))
    bounds = {
        "min": real(float(given.get("min", "-inf")) if low is None else low.item()),
        "max": real(float(given.get("max", "inf")) if high is None else high.item()),
    }
    reader.add(node, top.ClipOp, node.input[:1], bounds)


@converts("Neg")
def negate(reader: Reader, node: onnx.NodeProto) -> None:
    reader.add(node, top.MulConstOp, node.input, {"const_val": real(-1.0)})


@converts("Gelu")
def gelu(reader: Reader, node: onnx.NodeProto) -> None:
    mode = {"none": "normal", "tanh": "tanh"}[reader.attributes(node)["approximate"]]
    reader.add(node, top.GELUOp, node.input, {"approx_mode": StringAttr(mode)})


@converts("Swish")
def swish(reader: Reader, node: onnx.NodeProto) -> None:
    reader.add(node, top.SwishOp, node.input, {"beta": real(reader.attributes(node)["alpha"])})


@converts("Softmax", "LogSoftmax")
def softmax(reader: Reader, node: onnx.NodeProto) -> None:
    """Up to opset 12 all axes from `axis` on were one: where that matters, they are made one."""
    axis, dims = reader.attributes(node)["axis"], reader.shape(node.input[0])
    log = {"log": flag(node.op_type == "LogSoftmax")}
    if reader.opset < 13 and any(extent != 1 for extent in dims[axis % len(dims) + 1 :]):
        rows = {"shape": ints(prod(dims[: axis % len(dims)]), -1)}
        matrix = reader.step(node, "matrix", top.ReshapeOp, node.input, rows)
        made = reader.step(node, "rows", top.SoftmaxOp, [matrix], {"axis": top.axis_attribute(1), **log})
        reader.add(node, top.ReshapeOp, [made], {"shape": ints(*dims)})
        return
    reader.add(node, top.SoftmaxOp, node.input, {"axis": top.axis_attribute(axis), **log})


@converts("Identity")
def identity(reader: Reader, node: onnx.NodeProto) -> None:
    reader.add(node, top.IdentityOp, node.input, {})


@converts("Dropout")
def dropout(reader: Reader, node: onnx.NodeProto) -> None:
    """Nothing is dropped but in training, and then only of a ratio above 0; so its mask is true throughout."""
    training, ratio = (reader.constant(node, i) for i in (2, 1))
    if training is not None and training.item() and (ratio is None or ratio.item()):
        raise Unsupported(TRAINING)
    reader.add(node, top.IdentityOp, node.input[:1], {})
    if len(node.output) > 1 and reader.is_used(node.output[1]):
        mask = f"{node.output[1]}_{node.op_type}_mask"
        reader.network.weights[mask] = np.ones(reader.shape(node.input[0]), dtype_of(reader.element(node.output[1])))
        reader.add(node, top.IdentityOp, [mask], {}, 1)


@converts("Reshape")
def reshape(reader: Reader, node: onnx.NodeProto) -> None:
    target = reader.numbers(node, "shape", 1)
    if reader.attributes(node).get("allowzero") and 0 in target:
        raise Unsupported("a tensor without elements")
    reader.add(node, top.ReshapeOp, node.input[:1], {"shape": ints(*target)})


@converts("Flatten")
def flatten(reader: Reader, node: onnx.NodeProto) -> None:
    axis, dims = reader.attributes(node)["axis"], reader.shape(node.input[0])
    rows = 1
    for extent in dims[: axis + len(dims) if axis < 0 else axis]:
        rows *= extent
    reader.add(node, top.ReshapeOp, node.input, {"shape": ints(rows, -1)})


@converts("Squeeze", "Unsqueeze")
def squeeze(reader: Reader, node: onnx.NodeProto) -> None:
    kind = top.SqueezeOp if node.op_type == "Squeeze" else top.UnsqueezeOp
    reader.add(node, kind, node.input[:1], {"axes": ints(*reader.numbers(node, "axes", 1))})


@converts("Transpose")
def transpose(reader: Reader, node: onnx.NodeProto) -> None:
    reader.add(node, top.PermuteOp, node.input, {"order": ints(*reader.attributes(node).get("perm", ()))})


@converts("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd")
def reduce(reader: Reader, node: onnx.NodeProto) -> None:
    given, axes = reader.attributes(node), reader.numbers(node, "axes", 1)
    kind = top.IdentityOp if not axes and given.get("noop_with_empty_axes") else top.ReduceOp
    asked = {"axes": ints(*axes), "keepdims": flag(bool(given["keepdims"])), "mode": StringAttr(node.op_type)}
    reader.add(node, kind, node.input[:1], asked if kind is top.ReduceOp else {})
