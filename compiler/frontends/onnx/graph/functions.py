"""What ONNX itself says that an op is made of."""

from __future__ import annotations

import onnx
from onnx import defs, helper, inliner

from compiler.frontends.onnx.errors import DamagedModel
from compiler.frontends.onnx.graph.control import label
from compiler.frontends.onnx.graph.fold import Known
from compiler.frontends.onnx.graph.names import renamed
from compiler.frontends.onnx.graph.schemas import schema_of

OWN_DOMAIN = "definition"
"""Of a definition that is called as a function."""


def is_function(node: onnx.NodeProto, known: Known) -> bool:
    """Whether ONNX defines the node's op by others, and all that the node reads has a known type."""
    if not defs.has(node.op_type, node.domain):
        return False
    schema = schema_of(node.op_type, known.version(node.domain), node.domain)
    defined = bool(schema.has_function or schema.has_context_dependent_function)
    return defined and all(name in known.types for name in node.input if name)


def spelt_out(node: onnx.NodeProto, known: Known) -> list[onnx.NodeProto]:
    """
    ONNX's own definition of a node (see `is_function`) in the model's opset; inner tensors are `<node>_<name>`.

    Just the node, where the definition leaves its attributes out. Raises DamagedModel.
    """
    node = _with_defaults(node, known)
    try:
        if "" in node.input:
            whole = inliner.inline_local_functions(_calling_its_definition(node, known))
        else:
            kind = (node.domain, node.op_type)
            whole = inliner.inline_selected_functions(_alone(node, known), [kind], inline_schema_functions=True)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise DamagedModel(f"{node.op_type} {label(node)!r}: {reason}") from None
    parts, own = whole.graph.node, {*node.input, *node.output}
    inner = dict.fromkeys(name for part in parts for name in part.output if name and name not in own)
    names = {name: known.fresh(f"{label(node)}_{name}") for name in inner}
    return [renamed(part, names) for part in parts]


def _alone(node: onnx.NodeProto, known: Known, *more: onnx.OperatorSetIdProto) -> onnx.ModelProto:
    """A model of just this node."""
    fed = [helper.make_value_info(name, known.types[name]) for name in dict.fromkeys(filter(None, node.input))]
    made = [onnx.ValueInfoProto(name=name) for name in node.output if name]
    return helper.make_model(helper.make_graph([node], "alone", fed, made), opset_imports=[*known.opsets, *more])


def _calling_its_definition(node: onnx.NodeProto, known: Known) -> onnx.ModelProto:
    """A model that calls the definition as a function of its own: the inliner wants a type of absent inputs too."""
    schema, version = schema_of(node.op_type, known.version(node.domain), node.domain), known.version(node.domain)
    versions = [stated for stated in schema.context_dependent_function_opset_versions if stated <= version]
    if not versions:
        raise DamagedModel(f"{node.op_type} {label(node)!r}: its definition takes no account of absent inputs")
    types = [(known.types[name] if name else onnx.TypeProto()).SerializeToString() for name in node.input]
    body = onnx.FunctionProto.FromString(
        schema.get_context_dependent_function_with_opset_version(max(versions), node.SerializeToString(), types)
    )
    body.domain, body.name = OWN_DOMAIN, node.op_type
    call = helper.make_node(node.op_type, node.input, node.output, node.name, domain=OWN_DOMAIN)
    model = _alone(call, known, helper.make_opsetid(OWN_DOMAIN, 1))
    model.functions.append(body)
    return model


def _with_defaults(node: onnx.NodeProto, known: Known) -> onnx.NodeProto:
    """The node with the attributes it leaves out stated: a definition that refers to one would go without."""
    stated = onnx.NodeProto()
    stated.CopyFrom(node)
    schema = schema_of(node.op_type, known.version(node.domain), node.domain)
    given = {attribute.name for attribute in node.attribute}
    defaults = [a.default_value for a in schema.attributes.values() if a.default_value.name and a.name not in given]
    stated.attribute.extend(defaults)
    return stated
