"""A node that no converter takes, as the nodes that ONNX defines it by: types and constants worked out, taken in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import onnx

from compiler.frontends.onnx.errors import DamagedModel
from compiler.frontends.onnx.graph.control import NotStatic
from compiler.frontends.onnx.graph.fold import Known
from compiler.frontends.onnx.graph.functions import is_function, spelt_out
from compiler.frontends.onnx.graph.names import inner_graphs
from compiler.frontends.onnx.graph.quantised import QUANTISED
from compiler.frontends.onnx.graph.recurrent import RECURRENT
from compiler.frontends.onnx.graph.simplify import simplified
from compiler.frontends.onnx.to_top.reader import Reader

Definition = Callable[[onnx.NodeProto, Known], Sequence[onnx.NodeProto]]
"""The nodes that an op's node comes to. Raises NotStatic."""


def definition(reader: Reader, node: onnx.NodeProto) -> Sequence[onnx.NodeProto]:
    """
    The nodes that come to the same as `node`; none where neither ONNX nor `OURS` defines its op by others, or by a loop
    whose rounds the network's inputs decide.

    Tensors on the way are called `<output>_<op type>_<name>`, results as the op's own would be.
    """
    known = reader.known.copy()
    titled = onnx.NodeProto()
    titled.CopyFrom(node)
    titled.name = f"{next(filter(None, node.output))}_{node.op_type}"
    try:
        parts = list(simplified(_parts(titled, known), known))
    except (DamagedModel, NotStatic):
        return []
    if any(part.op_type == node.op_type or any(inner_graphs(part)) for part in parts):
        return []
    reader.take_in(parts, known, dict.fromkeys(node.output, reader.titles.get(node.output[0], node.op_type)))
    return parts


OURS: Mapping[str, Definition] = {**RECURRENT, **QUANTISED}
"""Definitions by op type that ONNX hasn't, or that suit us better."""


def _parts(node: onnx.NodeProto, known: Known) -> Sequence[onnx.NodeProto]:
    if (own := OURS.get(node.op_type)) and all(name in known.types for name in node.input if name):
        return own(node, known)
    return spelt_out(node, known) if is_function(node, known) else []
