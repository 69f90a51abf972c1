"""A network as ONNX in which int8 tensors, and the weights of int8 contractions, are rounded as they are fed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from xdsl.ir import SSAValue

from compiler.dialects.host import HostOp
from compiler.dialects.quant import UniformType
from compiler.dialects.structure import InputOp, WeightOp
from compiler.dialects.top.base import TopOp, is_present
from compiler.dialects.top.contraction import ConvOp, MatMulOp
from compiler.frontends.onnx.from_top.write import Writer, nodes
from compiler.frontends.onnx.from_top.writer import IR_VERSION, OPSET
from compiler.ir.network import Array, Network, name_of, shape
from compiler.ir.storage import storage

INT8, WEIGHT = "<int8>", "<weight>"
"""Behind a name: the tensor as int8 holds it, the weights that a contraction takes."""
INVERSE, ROUNDER, LOW, HIGH, SCALE = "<inverse>", "<rounder>", "<low>", "<high>", "<scale>"
"""Behind a tensor's name: what is fed to round it. The result is `(clip(x·inverse + rounder) - rounder)·scale`."""

NEAREST = np.float32(1.5 * 2**23)
"""Added and taken off, it rounds f32 to integers, ties to even: in half the time of onnxruntime's Round."""
WIDEST = np.float32(np.finfo(np.float32).max)

Choice = Mapping[str, UniformType]
"""Tensors that are int8, with their types."""


@dataclass(frozen=True)
class Sketch:
    """
    What of a network is int8: tensors by type, and contractions with int8 weights.

    `bare` has pairs of a tensor and an op that reads its floats, although others read it as int8.
    """

    network: Network
    types: Choice
    bare: Collection[tuple[str, str]]
    contractions: Mapping[str, ConvOp | MatMulOp]

    def weights_of(self, contraction: str) -> Array:
        """The float weights of a contraction."""
        return self.network.weights[name_of(self.contractions[contraction].operands[1])]


def parameters(name: str, kind: UniformType | None, own: UniformType, rank: int) -> dict[str, Array]:
    """
    What is fed for a tensor of that rank to round it to a type, or to leave it float.

    Arrays of the extents that its `own` type in the sketch has: () or by axis. Raises ValueError for a type by another
    axis.
    """
    axis = own.axis.data
    if kind is None:
        values = [np.ones(1), np.zeros(1), np.full(1, -WIDEST), np.full(1, WIDEST), np.ones(1)]
    elif kind.axis.data not in (-1, axis):
        raise ValueError(f"{name!r} has a type by axis {kind.axis.data}, and was to have one by axis {axis}")
    else:
        scale, zero = np.array([s.data for s in kind.scales]), np.array([z.data for z in kind.zero_points])
        low, high = NEAREST + (kind.minimum.data - zero), NEAREST + (kind.maximum.data - zero)
        values = [1 / scale, np.full(1, NEAREST), low, high, scale]
    extents = (len(own.scales), *(1,) * (rank - 1 - axis)) if axis >= 0 else ()
    count = len(own.scales) if axis >= 0 else 1
    keys = (INVERSE, ROUNDER, LOW, HIGH, SCALE)
    arrays = (np.ascontiguousarray(np.broadcast_to(value, count), np.float32) for value in values)
    return {f"{name}{key}": array.reshape(extents) for key, array in zip(keys, arrays, strict=True)}


def model_of(sketch: Sketch, wanted: Iterable[SSAValue], fixed: Mapping[str, Array]) -> onnx.ModelProto:
    """
    The model that makes the `wanted` tensors, as int8 holds them where it does.

    The contractions' weights are `fixed`, by contraction, or fed where they aren't there.
    """
    out = Writer(sketch.network.weights)
    inputs = [_info(name_of(op.output), op.output) for op in sketch.network.ops if isinstance(op, InputOp)]
    for op in sketch.network.ops:
        first = len(out.nodes)
        if isinstance(op, TopOp | HostOp):
            nodes(op, out)
            _redirect(out.nodes[first:], name_of(op.results[0]), sketch)
        if not isinstance(op, WeightOp):
            inputs += [info for value in op.results if is_present(value) for info in _rounded(value, sketch, out)]
    for name in sketch.contractions:
        if name in fixed:
            out.weights[f"{name}{WEIGHT}"] = fixed[name]
        else:
            inputs.append(_floats(f"{name}{WEIGHT}", sketch.weights_of(name).shape))
    made = [_info(_held(name_of(value), sketch), value) for value in dict.fromkeys(wanted)]
    used = {name for node in out.nodes for name in node.input}
    constants = [numpy_helper.from_array(array, name) for name, array in out.weights.items() if name in used]
    graph = helper.make_graph(out.nodes, "main", inputs, made, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def _redirect(made: Sequence[onnx.NodeProto], op: str, sketch: Sketch) -> None:
    """Let the nodes of an op read its operands as int8 has them, and the weights that are chosen."""
    weights = name_of(sketch.contractions[op].operands[1]) if op in sketch.contractions else None
    for node in made:
        for i, name in enumerate(node.input):
            if name == weights:
                node.input[i] = f"{op}{WEIGHT}"
            elif (name, op) not in sketch.bare:
                node.input[i] = _held(name, sketch)


def _rounded(value: SSAValue, sketch: Sketch, out: Writer) -> list[onnx.ValueInfoProto]:
    """Round a tensor that is int8; returns what has to be fed for it."""
    name = name_of(value)
    if name not in sketch.types:
        return []
    kind = sketch.types[name]
    given = parameters(name, kind, kind, len(shape(value)))
    inverse, rounder, low, high, scale = given
    steps = out.emit("Add", [out.emit("Mul", [name, inverse], f"{name}<steps>"), rounder], f"{name}<rounded>")
    if kind.axis.data < 0:
        steps = out.emit("Clip", [steps, low, high], f"{name}<clipped>")
    else:
        steps = out.emit("Min", [out.emit("Max", [steps, low], f"{name}<above>"), high], f"{name}<clipped>")
    out.emit("Mul", [out.emit("Sub", [steps, rounder], f"{name}<stored>"), scale], f"{name}{INT8}")
    return [_floats(key, array.shape) for key, array in given.items()]


def _held(name: str, sketch: Sketch) -> str:
    return f"{name}{INT8}" if name in sketch.types else name


def _floats(name: str, dims: Sequence[int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(dims))


def _info(name: str, value: SSAValue) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(storage(value)), list(shape(value)))
