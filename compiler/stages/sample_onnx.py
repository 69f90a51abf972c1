"""
`sample_onnx`: the model as it comes, with static shapes and its constants folded.

Inputs: `model_file` (`model.onnx` and its external data). Parameters: `shapes`, {input: [extents]} of the inputs that
are dynamic; `preprocess`, only where the model takes raw pixels and preprocesses them (see `raw_input`). Writes
`sample.onnx`, all data inside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

import onnx

from compiler.frontends.onnx.graph.raw_input import bound, take_raw
from compiler.frontends.onnx.load import load
from compiler.frontends.onnx.prepare import Shapes, prepare
from compiler.stages.progress import Progress, silent


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """
    Load, check, bind, fold, write; the metadata has a row for each input and output.

    Raises frontends.onnx.errors.ModelError.
    """
    model = load(inputs["model_file"] / "model.onnx")
    shapes: Shapes = params.get("shapes") or {}
    if how := params.get("preprocess"):
        model, shapes = take_raw(model, shapes, how), bound(shapes, how)
    sample = prepare(model, shapes)
    onnx.save_model(sample, out / "sample.onnx")
    counts = Counter(node.op_type for node in sample.graph.node)
    return {
        "opset": max(o.version for o in sample.opset_import if o.domain in ("", "ai.onnx")),
        "nodes_as_exported": len(model.graph.node),
        "nodes": len(sample.graph.node),
        "parameters": sum(prod(tensor.dims) for tensor in sample.graph.initializer),
        "onnx_bytes": (out / "sample.onnx").stat().st_size,
        "inputs": {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in sample.graph.input},
        "outputs": [value.name for value in sample.graph.output],
        "interface": [*_rows("input", sample.graph.input), *_rows("output", sample.graph.output)],
        "table": [{"op": kind, "count": count} for kind, count in counts.most_common()],
    }


def _rows(role: str, values: Iterable[onnx.ValueInfoProto]) -> Iterator[dict[str, Any]]:
    for value in values:
        kind = value.type.tensor_type
        extents = "×".join(str(dim.dim_value) for dim in kind.shape.dim)
        type_name = onnx.TensorProto.DataType.Name(kind.elem_type).lower()
        yield {"role": role, "tensor": value.name, "shape": extents, "type": type_name}
