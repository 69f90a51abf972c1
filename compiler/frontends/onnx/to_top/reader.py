"""A function under construction while an ONNX graph is read, and what converters ask of the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from xdsl.builder import Builder
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    BoolAttr,
    FloatAttr,
    IntegerAttr,
    NoneType,
    StringAttr,
    TensorType,
    UnrankedTensorType,
    f32,
    f64,
)
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import VarOperandDef
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa

from compiler.dialects import structure
from compiler.dialects.fields import integer, ints
from compiler.dialects.host import HostOp, StringType
from compiler.dialects.top import ops as top
from compiler.frontends.onnx.graph.fold import Known
from compiler.frontends.onnx.graph.names import every_name, used_in
from compiler.frontends.onnx.graph.schemas import schema_of
from compiler.frontends.onnx.to_top.macs import macs
from compiler.ir.network import Network, named
from compiler.ir.storage import FLOATS, element_of

FLAGS = frozenset({"ceil_mode", "count_include_pad", "keepdims"})
"""ONNX attributes that are 0 or 1 and Top has as booleans."""


class Unsupported(Exception):
    """A node can't become a Top op; the message says why, and the reader says which node."""


class UnknownShape(Unsupported):
    """The extents of a tensor aren't stated, as those behind an op that nobody knows."""


class Reader:
    """`values` maps ONNX tensor names to what was made for them."""

    def __init__(self, build: Builder, network: Network, model: onnx.ModelProto) -> None:
        self.build = build
        self.network = network
        self.model = model
        self.graph = model.graph
        self.opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 1)
        self.values: dict[str, SSAValue] = {}
        self.titles: dict[str, str] = {}
        """The op types that results are named after, where the node that makes one stands for another."""

    @cached_property
    def types(self) -> dict[str, onnx.TypeProto]:
        """The stated type of each input, intermediate tensor and output."""
        stated = (*self.graph.input, *self.graph.value_info, *self.graph.output)
        return {value.name: value.type for value in stated}

    @cached_property
    def _used(self) -> frozenset[str]:
        return frozenset(name for node in self.graph.node for name in node.input) | {o.name for o in self.graph.output}

    @cached_property
    def known(self) -> Known:
        """What is known of the graph's tensors, as the model has them."""
        made = Known(self.model.opset_import, dict(self.types), names=set(every_name(self.graph)))
        for initializer in self.graph.initializer:
            held = self.network.weights[initializer.name]
            same = held.dtype == helper.tensor_dtype_to_np_dtype(initializer.data_type)
            made.add_constant(initializer.name, held if same else numpy_helper.to_array(initializer))
        return made

    @cached_property
    def makers(self) -> dict[str, onnx.NodeProto]:
        """The node that makes each tensor; where others stand for it these, unless it is a QuantizeLinear."""
        return {name: node for node in self.graph.node for name in node.output if name}

    def take_in(self, nodes: Sequence[onnx.NodeProto], known: Known, titles: Mapping[str, str]) -> None:
        """Make ready for nodes that stand for one of the graph's: `known` has their tensors, `titles` new names."""
        for name in known.constants.keys() - self.known.constants.keys():
            self.network.weights[name] = as_held(known.constants[name])
            self.graph.initializer.append(numpy_helper.from_array(known.constants[name], name))
        self.types.update(known.types)
        self.titles.update(titles)
        self._used |= used_in(nodes)
        quantised = {name for name, node in self.makers.items() if node.op_type == "QuantizeLinear"}
        self.makers.update({name: node for node in nodes for name in node.output if name and name not in quantised})
        self.known = known

    @cached_property
    def _absent(self) -> SSAValue:
        return self.build.insert(structure.NoneOp(result_types=[NoneType()])).output

    def is_used(self, name: str) -> bool:
        """Whether a node or the caller reads this tensor."""
        return name in self._used

    def element(self, name: str) -> Attribute:
        """The element type that a network has for a tensor. Raises Unsupported for one that it has none for."""
        if name in self.network.weights:
            return element_of(self.network.weights[name].dtype)
        if name not in self.types:
            return f32
        if self.types[name].WhichOneof("value") != "tensor_type":
            raise Unsupported(f"{name!r} isn't a tensor")
        kind = self.types[name].tensor_type.elem_type
        try:
            return element_of(helper.tensor_dtype_to_np_dtype(kind))
        except (TypeError, KeyError):
            raise Unsupported(
                f"{name!r} is {TensorProto.DataType.Name(kind)}; a network has no such elements"
            ) from None

    def shape(self, name: str) -> tuple[int, ...]:
        """The extents of a tensor. Raises UnknownShape where the model doesn't state them."""
        if name in self.network.weights:
            return self.network.weights[name].shape
        if name not in self.types or not self.types[name].tensor_type.HasField("shape"):
            raise UnknownShape(f"the shape of {name!r} isn't known")
        dims = self.types[name].tensor_type.shape.dim
        if not all(d.HasField("dim_value") for d in dims):
            raise UnknownShape(f"the extents of {name!r} depend on data")
        return tuple(d.dim_value for d in dims)

    def operand(self, name: str) -> SSAValue:
        """The value of an ONNX input; the empty name is an absent one."""
        if not name:
            return self._absent
        if name not in self.values:
            if name not in self.network.weights:
                raise Unsupported(f"its input {name!r} isn't there")
            kind = TensorType(self.element(name), self.network.weights[name].shape)
            weight = structure.WeightOp(result_types=[kind])
            self.values[name] = self.build.insert(named(weight, name)).output
        return self.values[name]

    def constant(self, node: onnx.NodeProto, index: int) -> NDArray[Any] | None:
        """The value of an input that has to be constant; None if it is absent."""
        if len(node.input) <= index or not (name := node.input[index]):
            return None
        if name not in self.network.weights:
            raise Unsupported(f"its input {name!r} depends on the network's inputs; it has to be constant")
        return self.network.weights[name]

    def attributes(self, node: onnx.NodeProto) -> dict[str, Any]:
        """The node's attributes, those it leaves out at their defaults in its opset."""
        schema = schema_of(node.op_type, self.opset, node.domain)
        given = {name: a.default_value for name, a in schema.attributes.items() if a.default_value.name}
        given.update({a.name: a for a in node.attribute})
        return {name: _plain(helper.get_attribute_value(value)) for name, value in given.items()}

    def numbers(self, node: onnx.NodeProto, name: str, index: int, default: Sequence[int] = ()) -> tuple[int, ...]:
        """Integers that older opsets give as an attribute and newer ones as input `index`."""
        if (value := self.constant(node, index)) is not None:
            return tuple(int(v) for v in np.ravel(value))
        return tuple(self.attributes(node).get(name, default))

    def add(
        self,
        node: onnx.NodeProto,
        kind: type[top.TopOp],
        operands: Sequence[str],
        attributes: Mapping[str, Attribute],
        output: int = 0,
    ) -> None:
        """Append the op that makes one of the node's outputs, of a rank still unknown."""
        made = node.output[output]
        self._append(
            made, f"{made}_{self.titles.get(made, node.op_type)}", kind, operands, attributes, self.element(made)
        )

    def step(
        self,
        node: onnx.NodeProto,
        role: str,
        kind: type[top.TopOp],
        operands: Sequence[str],
        attributes: Mapping[str, Attribute] | None = None,
        element: Attribute | None = None,
    ) -> str:
        """
        Append an op on the way to the node's first output; returns its tensor's name, for other ops to read.

        Its elements are `element`, by default the node's first output's.
        """
        name = f"{node.output[0]}_{node.op_type}_{role}"
        self._append(name, name, kind, operands, attributes or {}, element or self.element(node.output[0]))
        return name

    def _append(
        self,
        tensor: str,
        name: str,
        kind: type[top.TopOp],
        operands: Sequence[str],
        attributes: Mapping[str, Attribute],
        element: Attribute,
    ) -> None:
        definition = kind.get_irdl_definition().operands
        values = [self.operand(operand) for operand in operands]
        if variadic := isinstance(definition[0][1], VarOperandDef):
            wanted = [values]
        else:
            wanted = values + [self._absent for _ in definition[len(values) :]]
        if not variadic and len(wanted) != len(definition):
            raise Unsupported(f"it has {len(values)} operands, {kind.name} takes {len(definition)}")
        op = kind(operands=wanted, result_types=[UnrankedTensorType(element)], attributes=attributes)
        try:
            op.verify(verify_nested_ops=False)
        except VerifyException:
            op.erase()
            raise
        self.build.insert(named(op, name))
        self.values[tensor] = op.output

    def set_aside(self, node: onnx.NodeProto, model: onnx.ModelProto, reason: str) -> None:
        """Append an op of the host in the node's place: `model` takes the operands it names and makes the outputs."""
        entry = f"{node.output[0] or node.name}_{node.op_type}_onnx"
        self.network.weights[entry] = np.frombuffer(model.SerializeToString(deterministic=True), np.uint8)
        made = list(model.graph.output)
        self.types.update({value.name: value.type for value in made})
        op = HostOp.of(
            [self.operand(value.name) for value in model.graph.input],
            [(f"{value.name}_{self.titles.get(value.name, node.op_type)}", self._kind(value)) for value in made],
            node.op_type,
            entry,
            reason,
            macs(model),
        )
        self.build.insert(op)
        self.values.update({value.name: result for value, result in zip(made, op.outputs, strict=True)})

    def _kind(self, value: onnx.ValueInfoProto) -> TensorType[Attribute]:
        """The type of an output, whose extents may depend on data."""
        kind = value.type.tensor_type
        dims = [d.dim_value if d.HasField("dim_value") else DYNAMIC_INDEX for d in kind.shape.dim]
        element = StringType() if kind.elem_type == TensorProto.STRING else self.element(value.name)
        return TensorType(element, dims)

    def forget(self, node: onnx.NodeProto, since: Operation | None) -> None:
        """Take back what a converter appended after `since` before it gave up."""
        block = self.build.insertion_point.block
        while (last := block.last_op) is not None and last is not since:
            gone = set(last.results)
            self.values = {name: value for name, value in self.values.items() if value not in gone}
            if self.__dict__.get("_absent") in gone:
                del self.__dict__["_absent"]
            last.detach()
            last.erase()

    def stand_in(self, name: str) -> None:
        """A value in place of an output that wasn't made, in a network that won't be used."""
        self.values.setdefault(name, self.build.insert(structure.WeightOp(result_types=[TensorType(f32, [])])).output)


def as_held(array: NDArray[Any]) -> NDArray[Any]:
    """A constant as a network has it: floats of any width as float32, all else as it is."""
    return array.astype(np.float32) if array.dtype.name in FLOATS else array


def attribute(name: str, value: object) -> Attribute:
    """An ONNX attribute's value as Top spells it."""
    match value:
        case int() if name in FLAGS:
            return BoolAttr.from_bool(bool(value))
        case int() if name == "axis":
            return top.axis_attribute(value)
        case int():
            return integer(value)
        case float():
            return FloatAttr(value, f64)
        case str():
            return StringAttr(value)
        case list() if isa(value, list[int]):
            return ints(*value)
        case _:
            raise Unsupported(f"attribute {name} = {value!r} has no counterpart")


def real(value: float) -> FloatAttr:
    """A double as an attribute."""
    return FloatAttr(value, f64)


def flag(value: bool) -> IntegerAttr:
    """`true` or `false` as an attribute."""
    return BoolAttr.from_bool(value)


def _plain(value: Any) -> Any:
    """Text as text, lists as lists."""
    return value.decode() if isinstance(value, bytes) else value
