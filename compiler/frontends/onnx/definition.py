"""A node that no converter takes, as the nodes that ONNX defines it by: types and constants worked out, taken in."""

from __future__ import annotations

from collections.abc import Sequence

import onnx

from compiler.frontends.onnx.errors import DamagedModel
from compiler.frontends.onnx.functions import is_function, spelt_out
from compiler.frontends.onnx.reader import Reader
from compiler.frontends.onnx.simplify import simplified


def definition(reader: Reader, node: onnx.NodeProto) -> Sequence[onnx.NodeProto]:
    """
    The nodes that come to the same as `node`; none where ONNX doesn't define its op by others.

    Tensors on the way are called `<output>_<op type>_<name>`, results as the op's own would be.
    """
    known = reader.known.copy()
    if not is_function(node, known):
        return []
    titled = onnx.NodeProto()
    titled.CopyFrom(node)
    titled.name = f"{next(filter(None, node.output))}_{node.op_type}"
    try:
        parts = list(simplified(spelt_out(titled, known), known))
    except DamagedModel:
        return []
    if any(part.op_type == node.op_type for part in parts):
        return []
    reader.take_in(parts, known, dict.fromkeys(node.output, reader.titles.get(node.output[0], node.op_type)))
    return parts
