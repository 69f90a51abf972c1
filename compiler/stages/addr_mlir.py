"""
`addr_mlir`: the divided network with an address in every global tensor's type.

Inputs: `lg_mlir`. Parameters: `chip`. Writes `addr.mlir`, `addr_weights.npz` and `global_memory.csv`
(`schedule.memory_maps`).
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
from compiler.schedule import memory_maps
from compiler.schedule.addresses import SIZES, assign, region_bytes
from compiler.shown import ROWS
from compiler.stages.progress import Progress, silent
from simulator.chip import chip_named


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """
    Address the network and write it.

    The metadata has the regions' bytes, how tightly activations pack, and a row an activation, the largest first; it is
    held from op `begin` up to op `end`.
    """
    chip_named(str(params["chip"]))
    network = files.load(inputs["lg_mlir"], "lg", Structure, Tpu, Quant)
    packing = assign(network)
    network.module.attributes["module.state"] = StringAttr("TPU_ADDRESSED")
    network.module.verify()
    files.save_text(network, out, "addr", "addr_weights.npz")
    files.link_weights(inputs["lg_mlir"] / "lg_weights.npz", out / "addr_weights.npz")
    held = memory_maps.global_tensors(network)
    memory_maps.write(out / "global_memory.csv", held)
    activations = [row for row in held if row.kind == "activation"]
    return {
        **{f"{region.name.lower()}_bytes": region_bytes(network, region) for region in SIZES},
        "activation_peak_bytes": packing.peak,
        "activation_lower_bound_bytes": packing.bound,
        "peak_over_lower_bound": packing.peak / packing.bound if packing.bound else 1.0,
        "table": [
            {"tensor": row.tensor, "address": row.address, "bytes": row.bytes, "begin": row.begin, "end": row.end}
            for row in sorted(activations, key=lambda row: -row.bytes)[:ROWS]
        ],
    }
