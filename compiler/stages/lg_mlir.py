"""
`lg_mlir`: the Tpu network in layer groups, tiled for one chip, every local buffer placed.

Inputs: `tpu_mlir`. Parameters: `chip`; `effort` (1 to 3); `seed` (null, or an integer: random legal tilings, to prove
that no tiling changes a bit). Writes `lg.mlir`, `lg_weights.npz` and `local_memory.csv`
(`schedule.memory_maps`) and `members.csv` (`members`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xdsl.dialects.builtin import StringAttr

from compiler import members
from compiler.dialects.quant import Quant
from compiler.dialects.structure import Structure
from compiler.dialects.tpu.ops import Tpu
from compiler.ir import files
from compiler.schedule import memory_maps
from compiler.schedule.divide import divide
from compiler.schedule.report import rows
from compiler.stages.progress import Progress, silent
from simulator.chip import chip_named


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """
    Divide the network and write it; the metadata has a row a group, the longest first.

    Raises UnknownChip and DoesNotFit.
    """
    chip = chip_named(str(params["chip"]))
    network = files.load(inputs["tpu_mlir"], "tpu", Structure, Tpu, Quant)
    made = divide(network, chip, int(params.get("effort") or 2), params.get("seed"), progress)
    network.module.attributes["module.chip"] = StringAttr(chip.name)
    network.module.attributes["module.state"] = StringAttr("TPU_DIVIDED")
    network.module.verify()
    files.save_text(network, out, "lg", "lg_weights.npz")
    files.link_weights(inputs["tpu_mlir"] / "tpu_weights.npz", out / "lg_weights.npz")
    memory_maps.write(out / "local_memory.csv", memory_maps.local_buffers(network))
    members.write(out / members.NAME, memory_maps.members(network))
    table = list(rows(made, chip))
    return {
        "groups": len(table),
        "ops": sum(row["ops"] for row in table),
        "cycles_estimate": sum(row["cycles"] for row in table),
        "local_peak_bytes": max((row["lmem_peak"] for row in table), default=0),
        "lane_bytes": chip.lane_bytes,
        "table": sorted(table, key=lambda row: -row["cycles"]),
    }
