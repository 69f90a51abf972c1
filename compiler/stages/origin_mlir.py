"""
`origin_mlir`: the model in the Top dialect, one op an ONNX node.

Inputs: `sample_onnx` (`sample.onnx`). Parameters: `name`, the module's. Writes `origin.mlir`, `origin_weights.npz`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx

from compiler.dialects.top.census import count_ops
from compiler.frontends.onnx.read import read
from compiler.ir import files
from compiler.stages.progress import Progress, silent


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """Read and write. Raises UnsupportedModel, which lists every node that has no Top op."""
    network = read(onnx.load_model(inputs["sample_onnx"] / "sample.onnx"), params["name"])
    files.save(network, out, "origin")
    return {
        "ops": sum(count_ops(network).values()),
        "parameters": sum(array.size for array in network.weights.values()),
        "table": [{"op": kind, "count": count} for kind, count in count_ops(network).most_common()],
    }
