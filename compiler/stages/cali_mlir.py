"""
`cali_mlir`: the canonical network with the calibrated range of every tensor in its type.

Inputs: `canonical_mlir`, `cali_table`. No parameters. Writes `cali.mlir`; its weights stay those of `canonical_mlir`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compiler.dialects.quant import CalibratedType, Quant
from compiler.dialects.top.census import computing_ops
from compiler.dialects.top.ops import Top
from compiler.ir import files
from compiler.ir.network import name_of, tensor
from compiler.quantization import channels
from compiler.quantization.annotate import annotate
from compiler.quantization.balance import save
from compiler.quantization.balanced import balanced
from compiler.quantization.table import read
from compiler.stages.progress import Progress, silent


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """Put the table's ranges into the types; the metadata lists the tensors without one. Raises DamagedTable."""
    network = files.load(inputs["canonical_mlir"], "canonical", Top, Quant)
    calibrated = annotate(network, read(inputs["cali_table"] / "cali_table"))
    statistics = inputs["cali_table"] / "channels.npz"
    seen = channels.load(statistics) if statistics.exists() else {}
    balance = balanced(network, seen)
    save(out / "balance.npz", balance)
    bare = [op for op in computing_ops(network) if not isinstance(tensor(op.output).element_type, CalibratedType)]
    network.module.verify()
    files.save_text(network, out, "cali", "canonical_weights.npz")
    return {
        "calibrated": calibrated,
        "balanced": len(balance),
        "uncalibrated": len(bare),
        "table": [{"tensor": name_of(op), "op": op.name} for op in bare],
    }
