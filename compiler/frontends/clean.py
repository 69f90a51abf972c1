"""A converter's ONNX as the flow likes it: plain names, real inputs and outputs, pictures channels first."""

from __future__ import annotations

import re
from collections.abc import Iterator

import onnx
from onnx import TensorProto, helper, numpy_helper

UNPLAIN = re.compile(r"[^\w./-]+")
LONGEST = 80
"""Of a name: converters join those of all layers that they fuse."""

CODES = (TensorProto.INT8, TensorProto.UINT8, TensorProto.INT16, TensorProto.UINT16)

TO_FIRST, TO_LAST = [0, 3, 1, 2], [0, 2, 3, 1]
"""Axes of (n, c, h, w) from (n, h, w, c), and back."""


def cleaned(model: onnx.ModelProto, *, channels_first: bool) -> onnx.ModelProto:
    """The model, changed in place: what it computes of real numbers stays what it is."""
    graph = model.graph
    for value in graph.input:
        _real_input(graph, value)
    for value in graph.output:
        _real_output(graph, value)
    if channels_first:
        for value in graph.input:
            _channels_first(graph, value)
    _drop_notes(model)
    _plain_names(graph)
    return model


def _real_input(graph: onnx.GraphProto, value: onnx.ValueInfoProto) -> None:
    """Codes that are fed become real numbers, quantised in the graph by the scale that they are read with."""
    readers = [node for node in graph.node if value.name in node.input]
    scaled = next((node for node in readers if node.op_type == "DequantizeLinear"), None)
    if value.type.tensor_type.elem_type not in CODES or scaled is None:
        return
    codes = f"{value.name}_codes"
    for node in readers:
        node.input[:] = [codes if name == value.name else name for name in node.input]
    graph.node.insert(0, helper.make_node("QuantizeLinear", [value.name, *scaled.input[1:]], [codes], codes))
    value.type.tensor_type.elem_type = TensorProto.FLOAT


def _real_output(graph: onnx.GraphProto, value: onnx.ValueInfoProto) -> None:
    """Codes that come out become the real numbers that they stand for."""
    maker = next((node for node in graph.node if value.name in node.output), None)
    if value.type.tensor_type.elem_type not in CODES or maker is None or maker.op_type != "QuantizeLinear":
        return
    codes = f"{value.name}_codes"
    for node in graph.node:
        node.input[:] = [codes if name == value.name else name for name in node.input]
        node.output[:] = [codes if name == value.name else name for name in node.output]
    graph.node.append(helper.make_node("DequantizeLinear", [codes, *maker.input[1:]], [value.name], value.name))
    value.type.tensor_type.elem_type = TensorProto.FLOAT


def _channels_first(graph: onnx.GraphProto, value: onnx.ValueInfoProto) -> None:
    """Pictures come as (n, c, h, w); a graph that began by turning them so no longer does."""
    dims = value.type.tensor_type.shape.dim
    if len(dims) != 4:
        return
    fed = value.name
    last = f"{fed}_channels_last"
    readers = [node for node in graph.node if fed in node.input]
    for node in readers:
        node.input[:] = [last if name == fed else name for name in node.input]
    extents = [onnx.TensorShapeProto.Dimension.FromString(dims[axis].SerializeToString()) for axis in TO_FIRST]
    del dims[:]
    dims.extend(extents)
    turned = [node for node in readers if _turns(graph, node, [d.dim_value for d in extents])]
    for node in turned:
        made = node.output[0]
        graph.node.remove(node)
        for reader in graph.node:
            reader.input[:] = [fed if name == made else name for name in reader.input]
    if len(turned) < len(readers):
        graph.node.insert(0, helper.make_node("Transpose", [fed], [last], last, perm=TO_LAST))


def _turns(graph: onnx.GraphProto, node: onnx.NodeProto, extents: list[int]) -> bool:
    """Whether the node makes (n, c, h, w), of these extents, of (n, h, w, c): with one channel a Reshape will do."""
    if node.op_type != "Reshape" or extents[1] != 1:
        return node.op_type == "Transpose" and list(node.attribute[0].ints) == TO_FIRST
    shape = next((item for item in graph.initializer if item.name == node.input[1]), None)
    return shape is not None and numpy_helper.to_array(shape).tolist()[1:] == extents[1:]


def _drop_notes(model: onnx.ModelProto) -> None:
    """Where layers stood in a source file, and types of tensors between, which are inferred anew."""
    del model.metadata_props[:], model.graph.value_info[:], model.graph.metadata_props[:]
    model.doc_string = model.graph.doc_string = ""
    for node in _nodes(model.graph):
        node.doc_string = ""
        del node.metadata_props[:]
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        value.doc_string = ""
        del value.metadata_props[:]


def _plain_names(graph: onnx.GraphProto) -> None:
    """Names of letters, digits and `_ . / -`, unlike each other, of tensors and of nodes alike."""
    tensors, nodes = _Names(), _Names()
    for value in (*graph.input, *graph.output):
        tensors[value.name]
    for held in _graphs(graph):
        held.name = UNPLAIN.sub("_", held.name) or "main"
        for value in (*held.input, *held.output, *held.initializer):
            value.name = tensors[value.name]
        for node in held.node:
            node.name = nodes[node.name or node.output[0]]
            node.input[:] = [tensors[name] for name in node.input]
            node.output[:] = [tensors[name] for name in node.output]


class _Names:
    """A plain name for each name that is asked for, the same each time; none stays none."""

    def __init__(self) -> None:
        self._plain: dict[str, str] = {"": ""}
        self._taken: set[str] = {""}

    def __getitem__(self, name: str) -> str:
        if name not in self._plain:
            first = name.partition(";")[0]
            wanted = UNPLAIN.sub("_", first.removeprefix("serving_default_").removesuffix(":0")).strip("_")[:LONGEST]
            free = (text for text in (wanted, *(f"{wanted}_{i}" for i in range(1, 1 << 20))) if text not in self._taken)
            self._plain[name] = next(free)
            self._taken.add(self._plain[name])
        return self._plain[name]


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """The graph and those inside its nodes."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else ())):
                yield from _graphs(inner)


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    for held in _graphs(graph):
        yield from held.node


def quantised(model: onnx.ModelProto) -> bool:
    """Whether tensors have scales of their own."""
    return any(node.op_type == "QuantizeLinear" for node in _nodes(model.graph))
