"""
`tpu_results`: every tensor of one sample as `tpu.mlir` defines it, bit for bit what the chip must make.

Inputs: `tpu_mlir`, `evaluation_data` (`evaluation.npz`, the first sample of each network input). No parameters.
Writes `tpu_results.npz` and `tpu_results.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from compiler.dialects.quant import Quant
from compiler.dialects.structure import InputOp, Structure
from compiler.dialects.tpu.ops import Tpu
from compiler.interpreter.results import results
from compiler.ir import files
from compiler.ir.network import Network, name_of, shape
from compiler.stages.progress import Progress, silent


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """Run the network on the first evaluation sample and keep every tensor. Raises UnfitInput."""
    network = files.load(inputs["tpu_mlir"], "tpu", Structure, Tpu, Quant)
    with np.load(inputs["evaluation_data"] / "evaluation.npz") as data:
        feeds = {name: data[name][:batch].astype(np.float32) for name, batch in _batches(network) if name in data}
    made = results(network, feeds, progress)
    made.save(out, "tpu_results")
    return {"tensors": len(made.arrays)}


def _batches(network: Network) -> list[tuple[str, int]]:
    """Each network input and how many samples make one run of it."""
    return [(name_of(op), shape(op.output)[0]) for op in network.ops if isinstance(op, InputOp)]
