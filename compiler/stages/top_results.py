"""
`top_results`: every tensor of one sample as `canonical.mlir` means it, written back to ONNX and run by onnxruntime.

Inputs: `canonical_mlir`, `evaluation_data` (`evaluation.npz`, the first samples of each input). No parameters. Writes
`top_results.npz` and `.json`, tensors under their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compiler.dialects.top.ops import Top
from compiler.feeds import first_samples
from compiler.frontends.onnx.from_top.reference import Reference
from compiler.ir import files
from compiler.ranges import census
from compiler.results import Results
from compiler.stages.progress import Progress, silent


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """Run the network with every tensor as an output; the metadata has the tensors' ranges. Raises BadData."""
    session = Reference(files.load(inputs["canonical_mlir"], "canonical", Top))
    feeds = first_samples(inputs["evaluation_data"] / "evaluation.npz", session.inputs)
    made = session.run(feeds)
    results = Results(feeds | made, {})
    results.save(out, "top_results")
    return {"tensors": len(made), **census(results)}
