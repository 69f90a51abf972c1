"""Any ONNX model into one with static shapes, its shape arithmetic folded: what `sample.onnx` is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

import onnx
from onnx import helper, numpy_helper

from compiler.frontends.onnx.errors import UnboundDimension, WrongShape
from compiler.frontends.onnx.graph.fold import Known
from compiler.frontends.onnx.graph.names import every_name, renamed, used_in
from compiler.frontends.onnx.graph.old_opsets import modernised
from compiler.frontends.onnx.graph.simplify import simplified, without_unread_sequences

Shapes = Mapping[str, Sequence[int]]


def prepare(model: onnx.ModelProto, shapes: Shapes) -> onnx.ModelProto:
    """
    The model with inputs bound to `shapes`, constants folded into initializers, and the type of every tensor stated.

    If, Loop and Scan that the graph alone decides are spelt out. Other nodes that depend on an input stay as they are,
    and so do names, IR version and opsets from 7 on; an output that is constant is the Identity of an initializer.
    Inputs that `shapes` doesn't name have to be static. Raises UnboundDimension, WrongShape, or DamagedModel.
    """
    model = modernised(model)
    graph = model.graph
    known = Known(model.opset_import, names=set(every_name(graph)))
    for initializer in graph.initializer:
        known.add_constant(initializer.name, numpy_helper.to_array(initializer))
    fed = [value for value in graph.input if value.name not in known.constants]
    _check_names(fed, shapes)
    inputs = [_bind(value, shapes.get(value.name)) for value in fed]
    for value in inputs:
        known.add_input(value.name, value.type)
    returned = {value.name for value in graph.output}
    walked = without_unread_sequences(simplified(graph.node, known), known, returned)
    kept = _with_constant_outputs(walked, returned - {value.name for value in inputs}, known)
    outputs = [_output(value, known) for value in graph.output]
    made = [name for node in kept for name in node.output if name in known.types]
    held = used_in(kept) - {value.name for value in inputs}
    bound = helper.make_graph(
        kept,
        graph.name or "main",
        inputs,
        outputs,
        [numpy_helper.from_array(array, name) for name, array in known.constants.items() if name in held],
        value_info=[helper.make_value_info(n, known.types[n]) for n in made if n not in returned],
    )
    return helper.make_model(bound, opset_imports=model.opset_import, ir_version=max(model.ir_version, 4))


def _with_constant_outputs(
    nodes: Sequence[onnx.NodeProto], returned: AbstractSet[str], known: Known
) -> Sequence[onnx.NodeProto]:
    """The nodes, and an Identity for each output that is constant; other readers read the constant itself."""
    held = {name: known.constant(known.constants[name], f"{name}_value") for name in returned & known.constants.keys()}
    if not held:
        return nodes
    made = [helper.make_node("Identity", [value], [name], name) for name, value in sorted(held.items())]
    return [*made, *(renamed(node, held) for node in nodes)]


def _output(value: onnx.ValueInfoProto, known: Known) -> onnx.ValueInfoProto:
    """The output with its static type; as the model states it where an op on the way isn't ONNX's own."""
    return helper.make_value_info(value.name, known.types[value.name]) if value.name in known.types else value


def _check_names(fed: Sequence[onnx.ValueInfoProto], shapes: Shapes) -> None:
    names = [value.name for value in fed]
    if unknown := sorted(shapes.keys() - set(names)):
        raise WrongShape(f"shapes are given for {', '.join(unknown)}; the model's inputs are {', '.join(names)}")


def _bind(value: onnx.ValueInfoProto, asked: Sequence[int] | None) -> onnx.ValueInfoProto:
    """The input with every dimension a number."""
    if value.type.WhichOneof("value") != "tensor_type":
        raise WrongShape(f"input {value.name!r} isn't a tensor; give the network its tensors one by one")
    kind = value.type.tensor_type
    own = [d.dim_value if _is_stated(d) else (d.dim_param or "?") for d in kind.shape.dim]
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
    if not fits or (min(asked, default=1) < 1 and list(asked) != own):
        raise WrongShape(f"input {value.name!r} is [{', '.join(map(str, own))}]; {list(asked)} doesn't fit it")
    return helper.make_tensor_value_info(value.name, kind.elem_type, list(asked))


def _is_stated(dim: onnx.TensorShapeProto.Dimension) -> bool:
    return dim.HasField("dim_value") and dim.dim_value >= 0
