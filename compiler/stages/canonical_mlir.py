"""
`canonical_mlir`: the network with shapes known, constants folded and ops fused.

Inputs: `origin_mlir`. No parameters. Writes `canonical.mlir`, `canonical_weights.npz`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xdsl.dialects.builtin import IntegerAttr, i64

from compiler import opt
from compiler.dialects.top.census import computing_ops, count_ops, total_flops, total_macs
from compiler.dialects.top.ops import Top
from compiler.ir import files
from compiler.ir.network import Network
from compiler.stages.progress import Progress, silent

PIPELINE = opt.CANONICALIZE


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """Run the passes of `PIPELINE`, and say what each did. Raises PassError."""
    network = files.load(inputs["origin_mlir"], "origin", Top)
    steps: list[dict[str, Any]] = [{"pass": "origin", "ops": len(computing_ops(network))}]

    def note(name: str, changed: Network) -> None:
        steps.append({"pass": name, "ops": len(computing_ops(changed))})
        progress(len(steps) - 1, PIPELINE.count(",") + 1)

    opt.run(network, opt.passes(PIPELINE), note)
    flops = total_flops(network)
    network.module.attributes["module.FLOPs"] = IntegerAttr(flops, i64)
    files.save(network, out, "canonical")
    return {
        "ops": len(computing_ops(network)),
        "parameters": sum(array.size for array in network.weights.values()),
        "macs": total_macs(network),
        "flops": flops,
        "passes": steps,
        "table": [{"op": kind, "count": count} for kind, count in count_ops(network).most_common()],
    }
