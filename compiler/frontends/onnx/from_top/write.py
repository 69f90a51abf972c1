"""Top back to ONNX, for the float reference: an answer for each family, and a walk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from xdsl.dialects.builtin import DYNAMIC_INDEX, FloatAttr, IntegerAttr
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.utils.hints import isa

from compiler.dialects import structure
from compiler.dialects.fields import Ints, numbers
from compiler.dialects.host import HostOp
from compiler.dialects.top import ops as top
from compiler.frontends.onnx.from_top import elementwise, movement, norms, windows
from compiler.frontends.onnx.from_top.writer import IR_VERSION, OPSET, Writer, before_relu, nodes, operands_of
from compiler.ir.network import Network, name_of, shape
from compiler.ir.storage import is_float, storage

Initialiser = Callable[[NDArray[Any], str], TensorProto]
FAMILIES = (elementwise, movement, norms, windows)
"""Answers in files of their own."""

CONTRACTIONS = (top.ConvOp, top.DeconvOp, top.MatMulOp, top.BatchNormOp, top.ScaleOp)
"""Ops whose sums can be had before their Relu."""

__all__ = ["FAMILIES", "OPSET", "Writer", "nodes", "write", "write_part"]


@nodes.on(
    top.ConvOp, top.SigmoidOp, top.HardSigmoidOp, top.HardSwishOp, top.LeakyReluOp, top.PReluOp, top.EluOp,
    top.SoftplusOp, top.SoftsignOp, top.MishOp, top.IdentityOp, top.ConcatOp,
)  # fmt: skip
def by_name(op: top.TopOp, out: Writer) -> None:
    """The ONNX op of the same name, with the attributes its schema knows."""
    kind = op.name.removeprefix("top.")
    known = onnx.defs.get_schema(kind, OPSET).attributes
    attributes = {key: _plain(value) for key, value in op.attributes.items() if key in known}
    out.close(op, operands_of(op), kind, **attributes)


@nodes.on(top.ReluOp)
def relu(op: top.ReluOp, out: Writer) -> None:
    if not is_float(op.output):
        elementwise.by_formula(op, out)
        return
    out.rectify(name_of(op.input), op.relu_limit.value.data, name_of(op))


@nodes.on(top.MatMulOp)
def matmul(op: top.MatMulOp, out: Writer) -> None:
    """`Gemm` for matrices; else `MatMul`, and `Add` of the bias."""
    left, right, *bias = operands_of(op)
    if len(shape(op.input)) == len(shape(op.right)) == 2:
        out.close(op, [left, right, *filter(None, bias)], "Gemm", transB=int(bool(op.right_transpose)))
        return
    if op.right_transpose:
        rank = len(shape(op.right))
        order = [*range(rank - 2), rank - 1, rank - 2]
        right = out.emit("Transpose", [right], f"{name_of(op)}_right", perm=order)
    if bias != [""]:
        out.close(op, [out.emit("MatMul", [left, right], f"{name_of(op)}_product"), *bias], "Add")
    else:
        out.close(op, [left, right], "MatMul")


@nodes.on(top.Pool)
def pool(op: top.Pool, out: Writer) -> None:
    window = {key: list(numbers(value)) for key, value in op.attributes.items() if isa(value, Ints)}
    if isinstance(op, top.AvgPoolOp):
        out.close(op, operands_of(op), "AveragePool", count_include_pad=int(bool(op.count_include_pad)), **window)
    else:
        out.close(op, operands_of(op), "MaxPool", **window)


@nodes.on(top.ReduceOp)
def reduce(op: top.ReduceOp, out: Writer) -> None:
    """A plane's mean is written as exporters write it: onnxruntime's ReduceMean of equal planes isn't always equal."""
    if (op.mode.data, numbers(op.axes), len(shape(op.output))) == ("ReduceMean", (2, 3), 4):
        out.close(op, operands_of(op), "GlobalAveragePool")
        return
    axes = out.constant(f"{name_of(op)}_axes", numbers(op.axes))
    out.close(op, [*operands_of(op), axes], op.mode.data, keepdims=int(bool(op.keepdims)))


@nodes.on(top.BatchNormOp)
def batch_norm(op: top.BatchNormOp, out: Writer) -> None:
    x, mean, variance, gamma, beta = operands_of(op)
    ones, name = np.ones(shape(op.mean), np.float32), name_of(op)
    gamma = gamma or out.constant(f"{name}_gamma", ones, np.float32)
    beta = beta or out.constant(f"{name}_beta", 0 * ones, np.float32)
    out.close(op, [x, gamma, beta, mean, variance], "BatchNormalization", epsilon=op.epsilon.value.data)


@nodes.on(top.ScaleOp)
def scale(op: top.ScaleOp, out: Writer) -> None:
    name, channels = name_of(op), (-1, *(1,) * (len(shape(op.input)) - 2))
    by, bias = (
        out.constant(f"{name}_{part}", out.weights[name_of(value)].reshape(channels), np.float32)
        for part, value in (("scale", op.scale), ("bias", op.bias))
    )
    out.close(op, [out.emit("Mul", [name_of(op.input), by], f"{name}_product"), bias], "Add")


@nodes.on(top.SoftmaxOp)
def softmax(op: top.SoftmaxOp, out: Writer) -> None:
    name, x = name_of(op), name_of(op.input)
    if (beta := op.beta.value.data) != 1.0:
        x = out.emit("Mul", [x, out.constant(f"{name}_beta", beta, np.float32)], f"{name}_scaled")
    out.close(op, [x], "LogSoftmax" if op.log else "Softmax", axis=op.axis.value.data)


@nodes.on(top.View)
def view(op: top.View, out: Writer) -> None:
    """Every view is a Reshape to the extents it ends at."""
    out.close(op, [*operands_of(op), out.constant(f"{name_of(op)}_shape", shape(op.output))], "Reshape")


@nodes.on(top.PermuteOp)
def permute(op: top.PermuteOp, out: Writer) -> None:
    out.close(op, operands_of(op), "Transpose", perm=list(numbers(op.order)))


@nodes.on(HostOp)
def inlined(op: HostOp, out: Writer) -> None:
    """The nodes of its model, every name inside called after the op."""
    graph = onnx.ModelProto.FromString(out.weights.pop(op.model.data).tobytes()).graph
    fed = {value.name: name_of(operand) for value, operand in zip(graph.input, op.inputs, strict=True)}
    made = {value.name: name_of(result) for value, result in zip(graph.output, op.outputs, strict=True)}
    for tensor in graph.initializer:
        fed[tensor.name] = out.constant(f"{op.model.data}_{tensor.name}", *_array(tensor))
    for node in graph.node:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.input[:] = [fed.get(name, name and f"{op.model.data}_{name}") for name in node.input]
        copy.output[:] = [made.get(name, name and f"{op.model.data}_{name}") for name in node.output]
        out.nodes.append(copy)


def _array(tensor: TensorProto) -> tuple[object, Any]:
    """A tensor's value and numpy type."""
    array = numpy_helper.to_array(tensor)
    return array, array.dtype


def write(network: Network, initialiser: Initialiser = numpy_helper.from_array) -> onnx.ModelProto:
    """
    A model whose outputs are every tensor that a ranked network computes, by name, in order.

    `initialiser` makes a weight's tensor of its array and name; by default the values are in the model. Raises
    Unanswered for an op that isn't Top's.
    """
    fed = [op.output for op in network.ops if isinstance(op, structure.InputOp)]
    return write_part(list(network.ops), network.weights, fed, initialiser)


def write_part(
    ops: Sequence[Operation],
    weights: Mapping[str, NDArray[Any]],
    fed: Sequence[SSAValue],
    initialiser: Initialiser = numpy_helper.from_array,
    made: Sequence[SSAValue] | None = None,
    sums: bool = False,
) -> onnx.ModelProto:
    """
    A model of some ops of a network, from the inputs `fed` to the outputs `made`, by default all: see `write`.

    With `sums` also to what goes into the Relus of these.
    """
    out, results = Writer(weights), list[SSAValue]()
    for op in ops:
        if not isinstance(op, structure.InputOp | structure.WeightOp | structure.NoneOp | ReturnOp):
            nodes(op, out)
            results.extend(op.results)
    told = [_info(value, name) for value in (results if made is None else made) for name in names_of(value, sums)]
    used = {name for node in out.nodes for name in node.input}
    constants = [initialiser(array, name) for name, array in out.weights.items() if name in used]
    graph = helper.make_graph(out.nodes, "main", list(map(_info, fed)), told, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def names_of(value: SSAValue, sums: bool) -> list[str]:
    """The name of a tensor; with `sums` first that of what goes into the Relu of the contraction that makes it."""
    name, op = name_of(value), value.owner
    return [before_relu(name), name] if sums and isinstance(op, CONTRACTIONS) and op.do_relu else [name]


def _info(value: SSAValue, name: str = "") -> onnx.ValueInfoProto:
    kind = helper.np_dtype_to_tensor_dtype(storage(value))
    dims = [None if extent == DYNAMIC_INDEX else extent for extent in shape(value)]
    return helper.make_tensor_value_info(name or name_of(value), kind, dims)


def _plain(attribute: Attribute) -> Any:
    if isa(attribute, Ints):
        return list(numbers(attribute))
    match attribute:
        case IntegerAttr(value=value) | FloatAttr(value=value):
            return value.data
        case _:
            raise TypeError(f"no ONNX attribute for {attribute}")
