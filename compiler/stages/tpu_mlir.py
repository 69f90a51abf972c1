"""
`tpu_mlir`: the canonical network lowered to the chip's ops in one number format.

Inputs: `canonical_mlir`; for int8 modes `cali_mlir` too, whose weights are those of `canonical_mlir`, and
`calibration_data` where `rounding` asks for them; `qtable`, what a search chose for mode mix, if there was one.
Parameters: `mode` (f32, bf16, f16, int8, int8a, mix); for mix `qtable`, its exceptions by tensor; `io`, in which types
inputs and results pass (`lowering.edges`); for int8 modes `rounding`, `reconstruct` where weights are rounded by real
inputs (`compiler.rounding`), and `rounding_samples`, the most of these. Writes `tpu.mlir` and `tpu_weights.npz`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xdsl.dialects.builtin import StringAttr

from compiler.dialects.host import HostOp
from compiler.dialects.quant import Quant
from compiler.dialects.structure import InputOp
from compiler.dialects.top.ops import Top
from compiler.dialects.tpu.census import by_type, computing_ops, float_islands, is_cast, is_float
from compiler.dialects.tpu.elementwise import CastOp
from compiler.ir import files
from compiler.ir.network import Network, name_of, shape
from compiler.lowering.job import Contracted
from compiler.lowering.reasons import float_reasons
from compiler.lowering.walk import format_of, lower
from compiler.quantization import qtable_file
from compiler.quantization.balance import load
from compiler.quantization.samples import batches
from compiler.rounding.reconstruct import reconstruct
from compiler.stages.progress import Progress, silent


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """
    Lower and write the network; the metadata counts its ops.

    `islands` are the runs of ops that an int8 network computes in float, each with what keeps it from int8; `host` are
    the ops that the host runs, each with what keeps it from the chip. Raises
    Unlowerable, BadQtable.
    """
    mode = str(params["mode"])
    source, stem = ("cali_mlir", "cali") if format_of(mode).scheme else ("canonical_mlir", "canonical")
    network = files.load(inputs[source], stem, Top, Quant, weights_in=inputs["canonical_mlir"])
    qtable: Mapping[str, str | float] = params.get("qtable") or {}
    if "qtable" in inputs:
        qtable = {**qtable_file.read(inputs["qtable"] / "qtable"), **qtable}
    listed = {name for name, value in qtable.items() if isinstance(value, str) and value.lower() != "int8"}
    reasons = float_reasons(network, listed) if stem == "cali" else {}
    balance = load(inputs[source] / "balance.npz") if stem == "cali" else {}
    contracted = lower(network, mode, qtable, params.get("io") or "computed", balance)
    rounding = _round(network, contracted, inputs, params) if params.get("rounding") == "reconstruct" else {}
    network.module.attributes["module.chip"] = StringAttr("ALL")
    files.save(network, out, "tpu")
    ops, aside = computing_ops(network), [op for op in network.ops if isinstance(op, HostOp)]
    islands = float_islands(network, reasons) if stem == "cali" else []
    return {
        "ops": len(ops),
        "internal": sum(op.internal is not None for op in ops),
        "casts": sum(map(is_cast, ops)),
        "float_ops": sum(is_float(op) and not isinstance(op, CastOp) for op in ops),
        "float_islands": len(islands),
        "weight_bytes": sum(array.nbytes for array in network.weights.values()),
        "host_ops": len(aside),
        "host": [{"tensor": name_of(op.outputs[0]), "op": op.kind.data, "reason": op.reason.data} for op in aside],
        "islands": islands,
        "table": by_type(network),
        **({"rounding": rounding} if rounding else {}),
    }


def _round(
    network: Network, contracted: Mapping[str, Contracted], inputs: Mapping[str, Path], params: Mapping[str, Any]
) -> dict[str, float]:
    """Round the weights anew by the calibration data; the results' distance from the float network, dB, by way."""
    canonical = files.load(inputs["canonical_mlir"], "canonical", Top)
    path = inputs["calibration_data"] / "calibration.npz"
    fed = {name_of(op): shape(op.output) for op in canonical.ops if isinstance(op, InputOp)}
    _, feeds = batches(path, fed, int(params["rounding_samples"]))
    return {way: round(level, 2) for way, level in reconstruct(network, contracted, canonical, list(feeds)).items()}
