"""What ONNX itself says that an op is made of."""

from __future__ import annotations

import onnx
from onnx import defs, helper, inliner

from compiler.frontends.onnx.control import label
from compiler.frontends.onnx.errors import DamagedModel
from compiler.frontends.onnx.fold import Known
from compiler.frontends.onnx.names import renamed
from compiler.frontends.onnx.schemas import schema_of


def is_function(node: onnx.NodeProto, known: Known) -> bool:
    """Whether ONNX defines the node's op by others, and all that the node reads has a known type."""
    if node.domain not in ("", "ai.onnx") or not defs.has(node.op_type):
        return False
    schema = schema_of(node.op_type, known.opset)
    defined = bool(schema.has_function or schema.has_context_dependent_function)
    return defined and all(name in known.types for name in node.input if name)


def spelt_out(node: onnx.NodeProto, known: Known) -> list[onnx.NodeProto]:
    """
    ONNX's own definition of a node (see `is_function`) in the model's opset; inner tensors are `<node>_<name>`.

    Just the node, where the definition leaves its attributes out. Raises DamagedModel.
    """
    node = _with_defaults(node, known)
    fed = [helper.make_value_info(name, known.types[name]) for name in dict.fromkeys(filter(None, node.input))]
    made = [onnx.ValueInfoProto(name=name) for name in node.output if name]
    alone = helper.make_model(helper.make_graph([node], "alone", fed, made), opset_imports=list(known.opsets))
    try:
        whole = inliner.inline_selected_functions(alone, [("", node.op_type)], inline_schema_functions=True)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise DamagedModel(f"{node.op_type} {label(node)!r}: {reason}") from None
    parts, own = whole.graph.node, {*node.input, *node.output}
    inner = dict.fromkeys(name for part in parts for name in part.output if name and name not in own)
    names = {name: known.fresh(f"{label(node)}_{name}") for name in inner}
    return [renamed(part, names) for part in parts]


def _with_defaults(node: onnx.NodeProto, known: Known) -> onnx.NodeProto:
    """The node with the attributes it leaves out stated: a definition that refers to one would go without."""
    stated = onnx.NodeProto()
    stated.CopyFrom(node)
    schema = schema_of(node.op_type, known.opset)
    given = {attribute.name for attribute in node.attribute}
    defaults = [a.default_value for a in schema.attributes.values() if a.default_value.name and a.name not in given]
    stated.attribute.extend(defaults)
    return stated
