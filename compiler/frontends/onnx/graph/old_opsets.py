"""Models of opset 6 and older, in opset 7: the oldest that onnxruntime runs, and the first that broadcasts as numpy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import onnx
from onnx import helper, shape_inference, version_converter

from compiler.frontends.onnx.errors import DamagedModel

OLDEST = 7
DROPPED = frozenset({"consumed_inputs", "broadcast"})
"""Attributes that opset 7 does without: where results may be written, and that operands may differ."""


def modernised(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model in opset 7 if it is older, with the same tensors under the same names. Raises DamagedModel."""
    opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), OLDEST)
    if opset >= OLDEST:
        return model
    try:
        return version_converter.convert_version(_as_numpy_broadcasts(model), OLDEST)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise DamagedModel(f"the model is of opset {opset}, {reason}; export it with opset 7 or newer") from None


def _as_numpy_broadcasts(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without the attributes that opset 7 dropped: second operands lie along the axes that they are for."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    inferred = shape_inference.infer_shapes(model).graph
    ranks = {v.name: len(v.type.tensor_type.shape.dim) for v in (*inferred.input, *inferred.value_info)}
    ranks |= {tensor.name: len(tensor.dims) for tensor in model.graph.initializer}
    nodes = [part for node in model.graph.node for part in _aligned(node, ranks)]
    del made.graph.node[:]
    made.graph.node.extend(nodes)
    return made


def _aligned(node: onnx.NodeProto, ranks: Mapping[str, int]) -> Iterator[onnx.NodeProto]:
    made, given = onnx.NodeProto(), {a.name: a.i for a in node.attribute}
    made.CopyFrom(node)
    by_axis = bool(given.get("broadcast"))
    kept = [a for a in node.attribute if a.name not in DROPPED and not (by_axis and a.name == "axis")]
    del made.attribute[:]
    made.attribute.extend(kept)
    if len(node.input) > 1 and ((by_axis and "axis" in given) or node.op_type == "PRelu"):
        rank, own = (ranks.get(name, 0) for name in node.input[:2])
        axis = given.get("axis", 1) % max(rank, 1)
        if own and rank > axis + own:
            made.input[1] = f"{node.output[0]}_{node.input[1]}"
            axes = list(range(own, rank - axis))
            yield helper.make_node("Unsqueeze", [node.input[1]], [made.input[1]], axes=axes)
    yield made
