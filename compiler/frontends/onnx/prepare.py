"""Any ONNX model into one with static shapes, its shape arithmetic folded: what `sample.onnx` is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import onnx
from onnx import helper, inliner, numpy_helper

from compiler.frontends.onnx.errors import DamagedModel, UnboundDimension, WrongShape
from compiler.frontends.onnx.fold import Known

Shapes = Mapping[str, Sequence[int]]

SPELT_OUT = frozenset({"GroupNormalization", "LayerNormalization", "RMSNormalization", "SwiGLU"})
"""Ops that ONNX itself defines by others, and Top has only as these others."""


def prepare(model: onnx.ModelProto, shapes: Shapes) -> onnx.ModelProto:
    """
    The model with inputs bound to `shapes`, constants folded into initializers, and the type of every tensor stated.

    Nodes that depend on an input stay as they are, and so do names, IR version and opsets. Inputs that `shapes`
    doesn't name have to be static. Raises UnboundDimension, WrongShape, or DamagedModel.
    """
    graph = model.graph
    known = Known(model.opset_import)
    for initializer in graph.initializer:
        known.add_constant(initializer.name, numpy_helper.to_array(initializer))
    fed = [value for value in graph.input if value.name not in known.constants]
    _check_names(fed, shapes)
    inputs = [_bind(value, shapes.get(value.name)) for value in fed]
    known.types.update({value.name: value.type for value in inputs})
    kept = [part for node in graph.node for part in _spelt_out(node, known) if not known.visit(part)]
    outputs = [_output(value, known) for value in graph.output]
    made = [name for node in kept for name in node.output if name in known.types]
    stated = {value.name for value in outputs}
    used = {name for node in kept for name in node.input}
    bound = helper.make_graph(
        kept,
        graph.name or "main",
        inputs,
        outputs,
        [numpy_helper.from_array(array, name) for name, array in known.constants.items() if name in used],
        value_info=[helper.make_value_info(n, known.types[n]) for n in made if n not in stated],
    )
    return helper.make_model(bound, opset_imports=model.opset_import, ir_version=max(model.ir_version, 4))


def _spelt_out(node: onnx.NodeProto, known: Known) -> Sequence[onnx.NodeProto]:
    """ONNX's own definition of a node whose op is in `SPELT_OUT`, in the model's opset; any other node as it is."""
    if node.op_type not in SPELT_OUT or any(name not in known.types for name in node.input if name):
        return [node]
    fed = [helper.make_value_info(name, known.types[name]) for name in dict.fromkeys(filter(None, node.input))]
    made = [onnx.ValueInfoProto(name=name) for name in node.output if name]
    name = node.name or node.output[0]
    alone = helper.make_model(helper.make_graph([node], name, fed, made), opset_imports=known.opsets)
    try:
        whole = inliner.inline_selected_functions(alone, [("", node.op_type)], inline_schema_functions=True)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise DamagedModel(f"{node.op_type} {name!r}: {reason}") from None
    own = {*node.input, *node.output}
    for part in whole.graph.node:
        for names in (part.input, part.output):
            names[:] = [inner if inner in own else f"{name}_{inner}" for inner in names]
    return whole.graph.node


def _check_names(fed: Sequence[onnx.ValueInfoProto], shapes: Shapes) -> None:
    names = [value.name for value in fed]
    if unknown := sorted(shapes.keys() - set(names)):
        raise WrongShape(f"shapes are given for {', '.join(unknown)}; the model's inputs are {', '.join(names)}")


def _bind(value: onnx.ValueInfoProto, asked: Sequence[int] | None) -> onnx.ValueInfoProto:
    """The input with every dimension a number."""
    kind = value.type.tensor_type
    own = [d.dim_value if d.dim_value > 0 else (d.dim_param or "?") for d in kind.shape.dim]
    if asked is None:
        for axis, extent in enumerate(own):
            if isinstance(extent, str):
                wanted = ", ".join(str(n) if isinstance(n, int) else "1" for n in own)
                stated = ", ".join(map(str, own))
                raise UnboundDimension(
                    f"input {value.name!r} has no value for dimension {axis} ({extent}) of [{stated}]; "
                    f"bind it by its shape, such as {value.name}: [{wanted}] under `inputs` of the model's YAML"
                )
        asked = [n for n in own if isinstance(n, int)]
    fits = len(asked) == len(own) and all(isinstance(n, str) or n == m for n, m in zip(own, asked, strict=True))
    if not fits or min(asked, default=1) < 1:
        raise WrongShape(f"input {value.name!r} is [{', '.join(map(str, own))}]; {list(asked)} doesn't fit it")
    return helper.make_tensor_value_info(value.name, kind.elem_type, list(asked))


def _output(value: onnx.ValueInfoProto, known: Known) -> onnx.ValueInfoProto:
    """The output with its static type; as the model states it where an op on the way isn't ONNX's own."""
    if (name := value.name) in known.constants:
        raise DamagedModel(f"output {name!r} is the same whatever the inputs are; take it out of the model's outputs")
    return helper.make_value_info(name, known.types[name]) if name in known.types else value
