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
from onnx.reference import ReferenceEvaluator

from compiler.frontends.onnx.errors import DamagedModel
from compiler.frontends.onnx.graph.names import inner_graphs, read_by
from compiler.frontends.onnx.graph.schemas import schema_of
from compiler.frontends.onnx.outputs import output_types
from compiler.frontends.onnx.session import Session

Array = NDArray[Any]

NOT_CONSTANT = frozenset(
    {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial", "Bernoulli"}
)
"""Ops that draw: folding them would fix the dice."""
IR_VERSION = 8
"""Old enough for any onnxruntime."""
AS_OPERAND = frozenset({"MeanVarianceNormalization"})
"""Ops whose result has the type of their operand, which ONNX's shape inference doesn't know."""
VIEWED = 1 << 16
"""Constants of more elements aren't shown to shape inference, which wants values of shapes only."""


@dataclass
class Known:
    """
    What is known of tensors by name: the type of each, the value of the constant ones, the tensors of each sequence.

    `names` are all that are taken.
    """

    opsets: Sequence[onnx.OperatorSetIdProto]
    types: dict[str, onnx.TypeProto] = field(default_factory=dict[str, onnx.TypeProto])
    constants: dict[str, Array] = field(default_factory=dict[str, Array])
    sequences: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    names: set[str] = field(default_factory=set[str])

    @property
    def opset(self) -> int:
        """The version of ONNX's own operators."""
        return self.version("")

    def version(self, domain: str) -> int:
        """The version of a domain's operators; ONNX's own have two names."""
        alike = ("", "ai.onnx") if domain in ("", "ai.onnx") else (domain,)
        return next((o.version for o in self.opsets if o.domain in alike), 1)

    def copy(self) -> Known:
        """The same knowledge, to be added to or dropped."""
        return Known(self.opsets, dict(self.types), dict(self.constants), dict(self.sequences), set(self.names))

    def take(self, other: Known) -> None:
        """Know what a copy has come to know."""
        self.types, self.constants, self.sequences, self.names = (
            other.types, other.constants, other.sequences, other.names
        )  # fmt: skip

    def fresh(self, name: str) -> str:
        """A name that no tensor has yet: this one, or this one and a number."""
        free, number = name, 0
        while free in self.names:
            number += 1
            free = f"{name}_{number}"
        self.names.add(free)
        return free

    def constant(self, value: Array, name: str) -> str:
        """A new constant, called like this; its name."""
        name = self.fresh(name)
        self.add_constant(name, value)
        return name

    def add_constant(self, name: str, value: Array) -> None:
        """Note that a tensor has this value."""
        self.constants[name] = value
        self.types[name] = helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)

    def add_input(self, name: str, kind: onnx.TypeProto) -> None:
        """Note the type of a tensor that is fed; one without elements is known already."""
        self.types[name] = kind
        if 0 in (self.dims(name) or ()):
            self._add_empty(name)

    def dims(self, name: str) -> tuple[int, ...] | None:
        """The extents of a tensor, or None where they aren't all numbers."""
        if name not in self.types or not self.types[name].tensor_type.HasField("shape"):
            return None
        dims = [d.dim_value if d.HasField("dim_value") else -1 for d in self.types[name].tensor_type.shape.dim]
        return tuple(dims) if min(dims, default=0) >= 0 else None

    def element(self, name: str) -> int | None:
        """The element type of a tensor as ONNX numbers it; None where it isn't known."""
        return self.types[name].tensor_type.elem_type or None if name in self.types else None

    def visit(self, node: onnx.NodeProto) -> bool:
        """
        Learn what a node makes; True if all of that is constant, so that the node isn't needed.

        A tensor without elements is constant. Raises DamagedModel.
        """
        value = self._value(node)
        if value is None:
            self.learn(node)
            return self._take_empty(node)
        for name, array in zip(node.output, value, strict=False):
            if name:
                self.add_constant(name, np.asarray(array))
        return True

    def _take_empty(self, node: onnx.NodeProto) -> bool:
        """Note the outputs without elements as constants; True if all are. The node makes them under other names."""
        made = [name for name in node.output if name]
        empty = [name for name in made if 0 in (self.dims(name) or ())]
        for name in empty:
            self._add_empty(name)
        if len(empty) == len(made):
            return bool(made)
        node.output[:] = [self.fresh(f"{name}_empty") if name in empty else name for name in node.output]
        return False

    def _add_empty(self, name: str) -> None:
        kind = helper.tensor_dtype_to_np_dtype(self.types[name].tensor_type.elem_type)
        self.constants[name] = np.empty(self.dims(name) or (), kind)

    def _value(self, node: onnx.NodeProto) -> Sequence[Any] | None:
        match node.op_type:
            case "Constant":
                return [_constant(node)]
            case "Shape" if (dims := self.dims(node.input[0])) is not None:
                bounds = {a.name: a.i for a in node.attribute}
                return [np.array(dims[bounds.get("start", 0) : bounds.get("end", len(dims))], np.int64)]
            case "Size" if (dims := self.dims(node.input[0])) is not None:
                return [np.array(np.prod(dims), np.int64)]
            case "EyeLike" if (dims := self.dims(node.input[0])) is not None:
                given = {a.name: a.i for a in node.attribute}
                kind = given.get("dtype", self.types[node.input[0]].tensor_type.elem_type)
                return [np.eye(dims[0], dims[1], given.get("k", 0), helper.tensor_dtype_to_np_dtype(kind))]
            case kind if kind in NOT_CONSTANT or any(inner_graphs(node)):
                return None
            case _ if not all(n in self.constants for n in node.input if n):
                return None
            case _:
                return self._run(node)

    def _run(self, node: onnx.NodeProto) -> list[Array]:
        """What a node of constant operands makes, by onnxruntime, else by ONNX's reference. Raises DamagedModel."""
        feeds = {name: self.constants[name] for name in node.input if name}
        model = self._alone(node, ir_version=IR_VERSION)
        try:
            results = Session(model, threads=1).run(feeds)
        except Exception as error:
            reason = str(error).strip().splitlines()[0]
            try:
                made = ReferenceEvaluator(model).run(None, feeds)
            except Exception:
                raise DamagedModel(f"{node.op_type} {node.name or node.output[0]!r}: {reason}") from error
            results = dict(zip([name for name in node.output if name], map(np.asarray, made), strict=True))
        return [self._as_stated(node, name, results.get(name, np.empty(0))) for name in node.output]

    def _as_stated(self, node: onnx.NodeProto, name: str, made: Array) -> Array:
        """A result in its own type: onnxruntime gives floats of eight bits as bytes."""
        if made.dtype != np.uint8 or name not in (types := self._types(node)):
            return made
        wanted = helper.tensor_dtype_to_np_dtype(types[name].tensor_type.elem_type)
        return made.view(wanted) if wanted.itemsize == 1 else made

    def _alone(self, node: onnx.NodeProto, **options: Any) -> onnx.ModelProto:
        """A model of just this node, fed with all that it reads."""
        fed = [helper.make_value_info(name, self.types[name]) for name in read_by(node)]
        made = [onnx.ValueInfoProto(name=name) for name in node.output if name]
        return helper.make_model(
            helper.make_graph([node], "alone", fed, made), opset_imports=list(self.opsets), **options
        )

    def _by_onnxruntime(self, node: onnx.NodeProto) -> Mapping[str, onnx.TypeProto]:
        """Types of the outputs of a node that isn't ONNX's own."""
        try:
            return output_types(self._alone(node, ir_version=IR_VERSION))
        except Exception:  # onnxruntime has no common ancestor for what it raises
            return {}

    def _kept_extents(self, node: onnx.NodeProto) -> dict[str, onnx.TypeProto]:
        """Types of the states of a Loop whose body says that it leaves their extents as they are."""
        bodies = list(inner_graphs(node)) if node.op_type == "Loop" else []
        states = [
            (made, self.types[given], value.type)
            for body in bodies
            for given, made, value in zip(node.input[2:], node.output, body.output[1:], strict=False)
        ]
        return {made: kind for made, kind, stated in states if made and kind == stated}

    def learn(self, node: onnx.NodeProto) -> None:
        """Note the types of what a node makes. Raises DamagedModel."""
        self.types.update(self._types(node))

    def _types(self, node: onnx.NodeProto) -> Mapping[str, onnx.TypeProto]:
        """Types of a node's outputs; nothing where neither ONNX nor onnxruntime knows the op, or an operand's type."""
        version = self.version(node.domain)
        if any(n not in self.types for n in read_by(node)):
            return {}
        if not defs.has(node.op_type, node.domain):
            return self._by_onnxruntime(node)
        try:
            if any(inner_graphs(node)):
                graph = shape_inference.infer_shapes(self._alone(node), data_prop=True).graph
                made = {value.name: value.type for value in graph.output if value.type.WhichOneof("value")}
                return made | self._kept_extents(node)
            seen = {n: numpy_helper.from_array(c) for n in node.input if (c := self.constants.get(n)) is not None
                    and c.size <= VIEWED}  # fmt: skip
            types = {name: self.types[name] for name in node.input if name in self.types}
            schema = schema_of(node.op_type, version, node.domain)
            told = node.input[2] if node.op_type == "MaxUnpool" and len(node.input) > 2 else ""
            if told in self.constants:
                # ONNX's own rule overlooks it.
                kind = types[node.input[0]].tensor_type.elem_type
                return {node.output[0]: helper.make_tensor_type_proto(kind, self.constants[told].tolist())}
            if node.op_type in AS_OPERAND:
                return {node.output[0]: types[node.input[0]]}
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
