"""
`origin_mlir`: the model in the Top dialect, one op an ONNX node.

Inputs: `sample_onnx` (`sample.onnx`). Parameters: `name`, the module's. Writes `origin.mlir`, `origin_weights.npz`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx

from compiler.dialects.top.census import by_kind, computing_ops
from compiler.frontends.onnx.to_top.read import read
from compiler.ir import files
from compiler.stages.progress import Progress, silent


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """Read and write. Raises UnsupportedModel, which lists every node that has no Top op."""
    network = read(onnx.load_model(inputs["sample_onnx"] / "sample.onnx"), params["name"])
    files.save(network, out, "origin")
    return {
        "ops": len(computing_ops(network)),
        "parameters": sum(array.size for array in network.weights.values()),
        "table": by_kind(network, ranked=False),
    }
