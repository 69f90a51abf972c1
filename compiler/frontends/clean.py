"""A converter's ONNX as the flow likes it: plain names, real inputs and outputs."""

from __future__ import annotations

import re
from collections.abc import Iterator

import onnx
from onnx import TensorProto, helper

UNPLAIN = re.compile(r"[^\w./-]+")
LONGEST = 80
"""Of a name: converters join those of all layers that they fuse."""

CODES = (TensorProto.INT8, TensorProto.UINT8, TensorProto.INT16, TensorProto.UINT16)


def cleaned(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model, changed in place: what it computes of real numbers stays what it is."""
    graph = model.graph
    for value in graph.input:
        _real_input(graph, value)
    for value in graph.output:
        _real_output(graph, value)
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
