"""A node that no Top op stands for, made an op of the host: an ONNX model of its own, which onnxruntime runs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, defs, helper, numpy_helper

from compiler.frontends.onnx.graph.names import inner_graphs
from compiler.frontends.onnx.outputs import output_types
from compiler.frontends.onnx.to_top.hints import hint
from compiler.frontends.onnx.to_top.reader import Reader, UnknownShape, Unsupported

NEWEST_IR = 11
"""The newest IR version that onnxruntime takes."""
OLDEST = 12
"""No older opset is tried in a newer one's place: much was defined anew after it."""
NARROW = frozenset({TensorProto.FLOAT16, TensorProto.BFLOAT16})
DRAWING = frozenset(
    {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial", "Bernoulli"}
)


class RefusedByHost(Exception):
    """onnxruntime doesn't take a model; the message is its own."""


def set_aside(reader: Reader, node: onnx.NodeProto, reason: str) -> None:
    """
    Append a `top.Host` for a node.

    Raises Unsupported with `reason` where onnxruntime doesn't run it alone, or makes something else every time.
    """
    if draws(reader, node):
        raise Unsupported(f"{reason}; it draws at random, so that no two runs could be compared")
    if why := otherwise(node):
        raise Unsupported(f"{reason}; nor is it left to the host: {why}")
    needed = list(dict.fromkeys(name for name in (*node.input, *_captured(node)) if name))
    held = {tensor.name: tensor for tensor in reader.graph.initializer}
    fed = [name for name in needed if name not in held]
    if unknown := [name for name in fed if name not in reader.types]:
        raise UnknownShape(f"{reason}; nor does the host run it, since the type of {unknown[0]!r} isn't known")
    graph = helper.make_graph(
        [node],
        node.name or node.op_type,
        [helper.make_value_info(name, reader.types[name]) for name in fed],
        [_output(reader, node, name) for name in node.output if name and reader.is_used(name)],
        [held[name] for name in needed if name in held],
    )
    imports = {o.domain: o for o in reader.model.opset_import}.values()
    model = helper.make_model(graph, opset_imports=imports, ir_version=min(reader.model.ir_version, NEWEST_IR))
    reader.set_aside(node, _accepted(model, reason, hint(node)), reason)


def _output(reader: Reader, node: onnx.NodeProto, name: str) -> onnx.ValueInfoProto:
    """An output; with its type where inner graphs make it, since onnxruntime doesn't say if it is a scalar then."""
    known = reader.types.get(name)
    if not any(inner_graphs(node)):
        return onnx.ValueInfoProto(name=name)
    if known is None or not known.tensor_type.HasField("shape"):
        raise UnknownShape(f"the rank of {name!r} isn't known; state it in the body's outputs")
    return helper.make_value_info(name, known)


def draws(reader: Reader, node: onnx.NodeProto) -> bool:
    """Whether a node's results are random."""
    if node.op_type != "Dropout":
        return node.op_type in DRAWING
    ratio, training = (reader.constant(node, i) for i in (1, 2))
    return bool(training) and (ratio is None or bool(ratio))


def otherwise(node: onnx.NodeProto) -> str:
    """What onnxruntime makes of a node that ONNX means otherwise; nothing for most."""
    third = len(node.input) > 2 and bool(node.input[2])
    if node.op_type == "MaxUnpool" and third:
        return "onnxruntime reads the places as those in output_shape"
    given = {a.name: a.s for a in node.attribute}
    if node.op_type == "Resize" and third and given.get("coordinate_transformation_mode") == b"align_corners":
        return "onnxruntime takes the result's whole extents for scale times extent; give it sizes"
    return ""


def _accepted(model: onnx.ModelProto, reason: str, instead: str) -> onnx.ModelProto:
    """
    The model as onnxruntime takes it, or else the nearest to it, with the types of its outputs.

    The nearest has float32 for narrower floats, as a network has anyway, and of the opsets in which the node means the
    same the newest that is implemented. Raises Unsupported where onnxruntime takes none of them; the message ends with
    what there is `instead`.
    """
    refusal = ""
    for tried in (model, *_in_older_opsets(model), wide := _widened(model), *_in_older_opsets(wide)):
        try:
            _type_outputs(tried, reason)
        except RefusedByHost as error:
            refusal = refusal or str(error).strip().splitlines()[0]
        else:
            return tried
    raise Unsupported(f"{reason}; nor does the host run it: {refusal}{instead}")


def _in_older_opsets(model: onnx.ModelProto) -> Iterator[onnx.ModelProto]:
    """The model in each older opset in which its node has the same inputs, attributes and text of meaning."""
    (node,) = model.graph.node
    own = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)
    if node.domain or not defs.has(node.op_type):
        return
    newest = defs.get_schema(node.op_type, own)
    for version in range(newest.since_version - 1, OLDEST, -1):
        try:
            schema = defs.get_schema(node.op_type, version)
        except defs.SchemaError:
            return
        if schema.attributes.keys() != newest.attributes.keys() or len(schema.inputs) != len(newest.inputs):
            return
        older = onnx.ModelProto()
        older.CopyFrom(model)
        del older.opset_import[:]
        older.opset_import.append(helper.make_opsetid("", version))
        yield older


def _widened(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with float32 for every float16 and bfloat16."""
    wide = onnx.ModelProto()
    wide.CopyFrom(model)
    for value in wide.graph.input:
        if value.type.tensor_type.elem_type in NARROW:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    for tensor in wide.graph.initializer:
        if tensor.data_type in NARROW:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))
    return wide


def _type_outputs(model: onnx.ModelProto, reason: str) -> None:
    """Have onnxruntime say what the model's outputs are. Raises RefusedByHost, Unsupported."""
    try:
        types = output_types(model)
    except Exception as error:
        raise RefusedByHost(str(error)) from None
    for value in model.graph.output:
        if value.name not in types:
            raise Unsupported(f"{reason}; nor can the host pass on {value.name!r}, no tensor of numbers or texts")
        value.CopyFrom(helper.make_value_info(value.name, types[value.name]))


def _captured(node: onnx.NodeProto) -> Iterator[str]:
    """Names that the node's inner graphs read and don't make."""
    for attribute in node.attribute:
        if attribute.type != AttributeProto.GRAPH:
            continue
        graph = attribute.g
        inner = {value.name for value in (*graph.input, *graph.initializer)}
        for part in graph.node:
            yield from (name for name in (*part.input, *_captured(part)) if name and name not in inner)
            inner.update(part.output)
        yield from (value.name for value in graph.output if value.name not in inner)
