"""
`sample_model`: addressed Tpu text to a model for the chip.

Inputs: `addr_mlir`. Parameters: `chip`; `compress` (default false: pack 8-bit weights in global memory). Writes
`sample.model`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xdsl.dialects.builtin import IntegerAttr

from compiler.codegen.assemble import assemble
from compiler.codegen.compress import compressed
from compiler.dialects.quant import Quant
from compiler.dialects.structure import Structure
from compiler.dialects.tpu.ops import Tpu
from compiler.ir import files
from compiler.ir.network import Network
from compiler.stages.progress import Progress, silent
from simulator import model_file
from simulator.chip import chip_named
from simulator.debug_map import SLICE
from simulator.isa.table import BY_CODE, Engine
from simulator.model_file import Model

FILE = "sample.model"


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """
    Assemble and write the model; the metadata tells what its bytes are for, its command mix, and what the host runs.

    `host_macs_share` is of the network's MACs, `host_bytes` those that pass between chip and host in an inference.
    """
    network = files.load(inputs["addr_mlir"], "addr", Structure, Tpu, Quant)
    model = assemble(network, chip_named(str(params["chip"])))
    if params.get("compress"):
        model = compressed(model)
    model_file.write(model, out / FILE)
    streams = {name: [core.of(Engine[name.upper()]) for core in model.cores] for name in ("tiu", "gdma")}
    mix = [
        {"engine": engine, "command": name, "count": count}
        for engine, stream in streams.items()
        for name, count in Counter(BY_CODE[int(code)] for each in stream for code in each["op"]).most_common()
    ]
    total = (out / FILE).stat().st_size
    sections = {name: sum(each.nbytes for each in stream) for name, stream in streams.items()} | {
        "weights": int(model.weights.size),
        "host": sum(len(data) for data in {op.model.tobytes() for op in model.host}),
        "debug": sum(len(tensor.slices) for tensor in model.tensors) * SLICE.itemsize,
    }
    sections["manifest and padding"] = total - sum(sections.values())
    return {
        "model_bytes": total,
        "weight_bytes": int(model.weights.size),
        "activation_bytes": model.activation_bytes,
        "commands": sum(len(core.tiu) + len(core.gdma) for core in model.cores),
        "host_ops": len(model.host),
        "host_macs_share": _host_share(network, model),
        "host_bytes": sum(op.crossing_bytes for op in model.host),
        "host": [
            {"tensor": op.name, "op": op.kind, "macs": op.macs, "bytes": op.crossing_bytes, "reason": op.reason}
            for op in model.host
        ],
        "sections": [{"section": name, "bytes": size, "share": size / total} for name, size in sections.items()],
        "table": mix,
    }


def _host_share(network: Network, model: Model) -> float:
    total = network.module.attributes.get("module.macs")
    if not isinstance(total, IntegerAttr) or not total.value.data:
        return 0.0
    return sum(op.macs for op in model.host) / total.value.data
