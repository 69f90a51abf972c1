"""The walk over a graph's nodes that folds what is constant and spells out what only the graph decides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import onnx
from onnx import helper

from compiler.frontends.onnx.graph.control import CONTROL, NotStatic, Rewrite
from compiler.frontends.onnx.graph.fold import Known
from compiler.frontends.onnx.graph.functions import is_function, spelt_out
from compiler.frontends.onnx.graph.names import used_in
from compiler.frontends.onnx.graph.sequences import SEQUENCES


def simplified(nodes: Iterable[onnx.NodeProto], known: Known) -> Iterator[onnx.NodeProto]:
    """
    The nodes that the network's inputs decide, in order; `known` learns of each before the next is asked for.

    Constants end in `known` alone. Raises DamagedModel.
    """
    for stated in nodes:
        node = _adjusted(stated, known)
        if (rewrite := _rewrite(node, known)) is not None:
            attempt = known.copy()
            try:
                parts = list(simplified(rewrite(node, attempt), attempt))
            except NotStatic:
                pass
            else:
                known.take(attempt)
                yield from parts
                if any(name in known.sequences for name in node.output):
                    known.learn(node)
                    yield node
                continue
        if not known.visit(node):
            yield node


def without_unread_sequences(nodes: Iterable[onnx.NodeProto], known: Known, returned: set[str]) -> list[onnx.NodeProto]:
    """The nodes but those that put sequences together which nobody reads any more."""
    kept, read = list[onnx.NodeProto](), set(returned)
    for node in reversed(list(nodes)):
        if read.isdisjoint(node.output) and any(name in known.sequences for name in node.output):
            continue
        kept.append(node)
        read |= used_in([node])
    return kept[::-1]


def _rewrite(node: onnx.NodeProto, known: Known) -> Rewrite | None:
    if node.domain not in ("", "ai.onnx"):
        return None
    if node.op_type == "SequenceMap" and is_function(node, known):
        return _definition
    if node.op_type == "Identity" and node.input[0] in known.sequences:
        return _same_sequence
    return CONTROL.get(node.op_type) or SEQUENCES.get(node.op_type)


def _definition(node: onnx.NodeProto, known: Known) -> Iterator[onnx.NodeProto]:
    yield from spelt_out(node, known)


def _same_sequence(node: onnx.NodeProto, known: Known) -> Iterator[onnx.NodeProto]:
    known.sequences[node.output[0]] = known.sequences[node.input[0]]
    yield from ()


def _adjusted(node: onnx.NodeProto, known: Known) -> onnx.NodeProto:
    """The node in terms of what is known: CastLike as a Cast, Concat without its empty operands."""
    match node.op_type:
        case "CastLike" if (element := known.element(node.input[1])) is not None:
            made = helper.make_node("Cast", node.input[:1], node.output, node.name, to=element)
        case "Concat" if any(_is_empty(name, known) for name in node.input):
            made = onnx.NodeProto()
            made.CopyFrom(node)
            made.input[:] = [name for name in node.input if not _is_empty(name, known)] or node.input[:1]
        case _:
            return node
    return made


def _is_empty(name: str, known: Known) -> bool:
    return name in known.constants and not known.constants[name].size
