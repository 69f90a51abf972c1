"""
`addr_mlir`: the divided network with an address in every global tensor's type.

Inputs: `lg_mlir`. Parameters: `chip`. Writes `addr.mlir` and `addr_weights.npz`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xdsl.dialects.builtin import StringAttr

from compiler.dialects.quant import Quant
from compiler.dialects.structure import Structure
from compiler.dialects.tpu.ops import Tpu
from compiler.ir import files
from compiler.schedule.addresses import assign
from compiler.stages.progress import Progress, silent
from simulator.chip import chip_named


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """Address the network and write it; the metadata has the regions' bytes and how tightly activations pack."""
    chip_named(str(params["chip"]))
    network = files.load(inputs["lg_mlir"], "lg", Structure, Tpu, Quant)
    packing = assign(network)
    network.module.attributes["module.state"] = StringAttr("TPU_ADDRESSED")
    network.module.verify()
    files.save_text(network, out, "addr", "addr_weights.npz")
    files.link_weights(inputs["lg_mlir"] / "lg_weights.npz", out / "addr_weights.npz")
    return {"activation_peak_bytes": packing.peak, "activation_lower_bound_bytes": packing.bound}
