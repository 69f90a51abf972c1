"""
`tpu_results`: every tensor of one sample as `tpu.mlir` defines it, bit for bit what the chip must make.

Inputs: `tpu_mlir`, `evaluation_data` (`evaluation.npz`, the first sample of each network input). No parameters.
Writes `tpu_results.npz` and `tpu_results.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compiler.dialects.quant import Quant
from compiler.dialects.structure import InputOp, Structure
from compiler.dialects.tpu.ops import Tpu
from compiler.feeds import first_samples
from compiler.interpreter.results import results as interpreted
from compiler.ir import files
from compiler.ir.network import name_of, shape
from compiler.ranges import census
from compiler.stages.progress import Progress, silent


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """Run the network on the first evaluation sample and keep every tensor; the metadata has ranges. Raises BadData."""
    network = files.load(inputs["tpu_mlir"], "tpu", Structure, Tpu, Quant)
    wanted = {name_of(op): shape(op.output) for op in network.ops if isinstance(op, InputOp)}
    feeds = first_samples(inputs["evaluation_data"] / "evaluation.npz", wanted)
    made = interpreted(network, feeds, progress)
    made.save(out, "tpu_results")
    return {"tensors": len(made.arrays), **census(made)}
