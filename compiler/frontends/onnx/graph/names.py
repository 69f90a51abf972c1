"""Names of tensors when one graph's nodes go into another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import onnx
from onnx import AttributeProto


def renamed(node: onnx.NodeProto, names: Mapping[str, str]) -> onnx.NodeProto:
    """A copy of a node that reads and makes what `names` calls its tensors, in its inner graphs too."""
    made = onnx.NodeProto()
    made.CopyFrom(node)
    _rename(made, names)
    return made


def _rename(node: onnx.NodeProto, names: Mapping[str, str]) -> None:
    node.input[:] = [names.get(name, name) for name in node.input]
    node.output[:] = [names.get(name, name) for name in node.output]
    for graph in inner_graphs(node):
        outer = {name: names[name] for name in names.keys() - set(made_in(graph))}
        for inner in graph.node:
            _rename(inner, outer)
        for value in graph.output:
            value.name = outer.get(value.name, value.name)


def inner_graphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """The graphs among a node's attributes."""
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield attribute.g
        yield from attribute.graphs


def made_in(graph: onnx.GraphProto) -> Iterator[str]:
    """The tensors that a graph itself names: inputs, initializers and what its nodes make."""
    yield from (value.name for value in graph.input)
    yield from (initializer.name for initializer in graph.initializer)
    yield from (name for node in graph.node for name in node.output if name)


def read_by(node: onnx.NodeProto) -> list[str]:
    """The tensors that a node reads, those that its inner graphs take from around it last; each once."""
    return list(dict.fromkeys([*filter(None, node.input), *captured(node)]))


def captured(node: onnx.NodeProto) -> Iterator[str]:
    """The tensors that a node's inner graphs take from the graph around it."""
    for graph in inner_graphs(node):
        own = set(made_in(graph))
        for inner in graph.node:
            yield from (name for name in read_by(inner) if name not in own)
        yield from (value.name for value in graph.output if value.name not in own)


def every_name(graph: onnx.GraphProto) -> Iterator[str]:
    """The name of every tensor of a graph and of the graphs in it."""
    yield from made_in(graph)
    for node in graph.node:
        for inner in inner_graphs(node):
            yield from every_name(inner)


def used_in(nodes: Iterable[onnx.NodeProto]) -> set[str]:
    """The tensors that some node reads."""
    return {name for node in nodes for name in read_by(node)}
