"""
A model's constants, worked out: a walk over the nodes that knows every shape and every constant so far.

Shape arithmetic (Shape, Gather, Concat, Cast …) becomes numbers here, once the inputs' shapes are bound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import checker, defs, helper, numpy_helper, shape_inference

from compiler.frontends.onnx.errors import DamagedModel
from compiler.frontends.onnx.session import Session

Array = NDArray[Any]

NOT_CONSTANT = frozenset({"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial"})
"""Ops that draw: folding them would fix the dice."""
IR_VERSION = 8
"""Old enough for any onnxruntime."""
VIEWED = 1 << 16
"""Constants of more elements aren't shown to shape inference, which wants values of shapes only."""


@dataclass
class Known:
    """What is known of tensors by name: the type of each, and the value of the constant ones."""

    opsets: Sequence[onnx.OperatorSetIdProto]
    types: dict[str, onnx.TypeProto] = field(default_factory=dict[str, onnx.TypeProto])
    constants: dict[str, Array] = field(default_factory=dict[str, Array])

    def add_constant(self, name: str, value: Array) -> None:
        """Note that a tensor has this value."""
        self.constants[name] = value
        self.types[name] = helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)

    def dims(self, name: str) -> tuple[int, ...] | None:
        """The extents of a tensor, or None where they aren't all numbers."""
        if name not in self.types or not self.types[name].tensor_type.HasField("shape"):
            return None
        dims = [d.dim_value if d.HasField("dim_value") else -1 for d in self.types[name].tensor_type.shape.dim]
        return tuple(dims) if min(dims, default=0) >= 0 else None

    def visit(self, node: onnx.NodeProto) -> bool:
        """Learn what a node makes; True if that is constant, so that the node isn't needed. Raises DamagedModel."""
        value = self._value(node)
        if value is None:
            self.types.update(self._types(node))
            return False
        for name, array in zip(node.output, value, strict=False):
            if name:
                self.add_constant(name, np.asarray(array))
        return True

    def _value(self, node: onnx.NodeProto) -> Sequence[Any] | None:
        match node.op_type:
            case "Constant":
                return [_constant(node)]
            case "Shape" if (dims := self.dims(node.input[0])) is not None:
                bounds = {a.name: a.i for a in node.attribute}
                return [np.array(dims[bounds.get("start", 0) : bounds.get("end", len(dims))], np.int64)]
            case "Size" if (dims := self.dims(node.input[0])) is not None:
                return [np.array(np.prod(dims), np.int64)]
            case "CastLike" if node.input[0] in self.constants and node.input[1] in self.types:
                wanted = self.types[node.input[1]].tensor_type.elem_type
                return self._run(helper.make_node("Cast", node.input[:1], node.output, to=wanted))
            case kind if kind in NOT_CONSTANT or not all(n in self.constants for n in node.input if n):
                return None
            case _:
                return self._run(node)

    def _run(self, node: onnx.NodeProto) -> list[Array]:
        """What a node of constant operands makes, by onnxruntime. Raises DamagedModel where it refuses."""
        feeds = {name: self.constants[name] for name in node.input if name}
        fed = [helper.make_value_info(name, self.types[name]) for name in feeds]
        made = [onnx.ValueInfoProto(name=name) for name in node.output if name]
        model = helper.make_model(
            helper.make_graph([node], "constant", fed, made), opset_imports=self.opsets, ir_version=IR_VERSION
        )
        try:
            results = Session(model, threads=1).run(feeds)
        except Exception as error:
            reason = str(error).strip().splitlines()[0]
            raise DamagedModel(f"{node.op_type} {node.name or node.output[0]!r}: {reason}") from error
        return [results.get(name, np.empty(0)) for name in node.output]

    def _types(self, node: onnx.NodeProto) -> Mapping[str, onnx.TypeProto]:
        """Types of a node's outputs; nothing for an op that ONNX doesn't define, and for what depends on one."""
        version = next((o.version for o in self.opsets if o.domain == node.domain), 0)
        if not defs.has(node.op_type, node.domain) or any(n not in self.types for n in node.input if n):
            return {}
        seen = {n: numpy_helper.from_array(c) for n in node.input if (c := self.constants.get(n)) is not None
                and c.size <= VIEWED}  # fmt: skip
        types = {name: self.types[name] for name in node.input if name in self.types}
        schema = defs.get_schema(node.op_type, version, node.domain)
        try:
            return shape_inference.infer_node_outputs(schema, node, types, seen, opset_imports=list(self.opsets))
        except (shape_inference.InferenceError, checker.ValidationError, RuntimeError) as error:
            reason = str(error).strip().splitlines()[0]
            raise DamagedModel(f"{node.op_type} {node.name or node.output[0]!r}: {reason}") from None


def _constant(node: onnx.NodeProto) -> Array:
    """The value of a Constant node. Raises DamagedModel for a sparse or string one."""
    (attribute,) = node.attribute
    match attribute.name:
        case "value":
            return numpy_helper.to_array(attribute.t)
        case "value_float" | "value_floats":
            return np.asarray(helper.get_attribute_value(attribute), np.float32)
        case "value_int" | "value_ints":
            return np.asarray(helper.get_attribute_value(attribute), np.int64)
        case kind:
            raise DamagedModel(f"Constant {node.output[0]!r} is a {kind}; only dense numbers are understood")
