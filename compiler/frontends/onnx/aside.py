"""A node that no Top op stands for, made an op of the host: an ONNX model of its own, which onnxruntime runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import onnx
from onnx import AttributeProto, TensorProto, helper

from compiler.frontends.onnx.reader import Reader, UnknownShape, Unsupported
from compiler.frontends.onnx.session import ORT

NEWEST_IR = 11
"""The newest IR version that onnxruntime takes."""

_TYPES: Mapping[str, int] = {
    f"tensor({name})": kind
    for name, kind in {
        "float": TensorProto.FLOAT, "double": TensorProto.DOUBLE, "float16": TensorProto.FLOAT16,
        "bfloat16": TensorProto.BFLOAT16, "bool": TensorProto.BOOL, "string": TensorProto.STRING,
        **{f"{u}int{bits}": TensorProto.DataType.Value(f"{u}int{bits}".upper())
           for u in ("", "u") for bits in (8, 16, 32, 64)},
    }.items()
}  # fmt: skip
"""onnxruntime's names of tensor types."""


def set_aside(reader: Reader, node: onnx.NodeProto, reason: str) -> None:
    """Append a `top.Host` for a node. Raises Unsupported with `reason` where onnxruntime doesn't run it alone."""
    needed = list(dict.fromkeys(name for name in (*node.input, *_captured(node)) if name))
    held = {tensor.name: tensor for tensor in reader.graph.initializer}
    fed = [name for name in needed if name not in held]
    if unknown := [name for name in fed if name not in reader.types]:
        raise UnknownShape(f"{reason}; nor does the host run it, since the type of {unknown[0]!r} isn't known")
    graph = helper.make_graph(
        [node],
        node.name or node.op_type,
        [helper.make_value_info(name, reader.types[name]) for name in fed],
        [onnx.ValueInfoProto(name=name) for name in node.output if name and reader.is_used(name)],
        [held[name] for name in needed if name in held],
    )
    imports = {o.domain: o for o in reader.model.opset_import}.values()
    model = helper.make_model(graph, opset_imports=imports, ir_version=min(reader.model.ir_version, NEWEST_IR))
    _type_outputs(model, reason)
    reader.set_aside(node, model, reason)


def _type_outputs(model: onnx.ModelProto, reason: str) -> None:
    """Have onnxruntime say what the model's outputs are. Raises Unsupported where it refuses the model."""
    options = ORT.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    try:
        session = ORT.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        refusal = str(error).strip().splitlines()[0]
        raise Unsupported(f"{reason}; nor does the host run it: {refusal}") from None
    for value, made in zip(model.graph.output, session.get_outputs(), strict=True):
        if made.type not in _TYPES:
            raise Unsupported(f"{reason}; nor can the host pass on {value.name!r}, a {made.type}")
        dims = [dim if isinstance(dim, int) else None for dim in made.shape]
        value.CopyFrom(helper.make_tensor_value_info(value.name, _TYPES[made.type], dims))


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
