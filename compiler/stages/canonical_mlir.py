"""
`canonical_mlir`: the network with shapes known, constants folded and ops fused.

Inputs: `origin_mlir`. No parameters. Writes `canonical.mlir`, `canonical_weights.npz`, and `canonical.onnx`: the same
network for graph viewers, whose weights are those of the `.npz` beside it. (`onnx.load` refuses weights behind a
symbolic link: give it the path of the file itself, not that of a link to it.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
from xdsl.dialects.builtin import IntegerAttr, i64

from compiler import opt
from compiler.dialects.top.census import by_kind, computing_ops, count_ops, total_flops, total_macs
from compiler.dialects.top.ops import Top
from compiler.frontends.onnx.from_top.browse import browsable
from compiler.ir import files
from compiler.ir.network import Network
from compiler.stages.progress import Progress, silent

PIPELINE = opt.CANONICALIZE


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """Run the passes of `PIPELINE`, and say what each did. Raises PassError."""
    network = files.load(inputs["origin_mlir"], "origin", Top)
    steps: list[dict[str, Any]] = [{"pass": "origin", "ops": len(computing_ops(network)), "change": ""}]
    counted = [count_ops(network)]

    def note(name: str, changed: Network) -> None:
        counted.append(count_ops(changed))
        steps.append({"pass": name, "ops": counted[-1].total(), "change": _change(*counted[-2:])})
        progress(len(steps) - 1, PIPELINE.count(",") + 1)

    opt.run(network, opt.passes(PIPELINE), note)
    flops = total_flops(network)
    network.module.attributes["module.FLOPs"] = IntegerAttr(flops, i64)
    files.save(network, out, "canonical")
    onnx.save_model(browsable(network, out / "canonical_weights.npz"), out / "canonical.onnx")
    return {
        "ops": len(computing_ops(network)),
        "parameters": sum(array.size for array in network.weights.values()),
        "macs": total_macs(network),
        "flops": flops,
        "passes": steps,
        "table": by_kind(network, ranked=True),
    }


def _change(before: Counter[str], after: Counter[str]) -> str:
    """The ops that a pass took away and put in: `-53 BatchNorm, +1 Scale`."""
    differences = {kind: after[kind] - before[kind] for kind in (*before, *after)}
    return ", ".join(f"{n:+d} {kind.removeprefix('top.')}" for kind, n in differences.items() if n)
