"""
`cali_table`: the range of every tensor over real inputs, as TPU-MLIR's calibration table.

Inputs: `canonical_mlir`; `calibration_data` (`calibration.npz`, for each input an array (samples, …)). Parameters:
`method` (`quantization.thresholds`), `samples` (the most to use), `bins` of the histograms on each side of zero, and
`mode` where its types reach from end to end (int8a). Writes
`cali_table`, and what it was made of: `histograms.npz` (`quantization.histogram.load`), `channels.npz`
(`quantization.channels.load`), and `samples.npz`, the least (`low`) and greatest (`high`) value of each tensor in each
batch, (tensors, batches), tensors in the order of the histograms. A tensor that the model itself rounds to steps has
the range of these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from compiler.dialects.quant import Quant
from compiler.dialects.top.ops import Top
from compiler.frontends.onnx.from_top.reference import Reference
from compiler.ir import files
from compiler.ir.network import Array
from compiler.lowering.automatic import automatic, runs_of
from compiler.npz import write_npz
from compiler.quantization import channels, histogram
from compiler.quantization.auto import samples_for
from compiler.quantization.behind import functions_behind
from compiler.quantization.calibrate import Measured, Plan, candidates, collect, entries
from compiler.quantization.samples import batches
from compiler.quantization.stated import stated
from compiler.quantization.table import Entry, Table
from compiler.quantization.thresholds import AUTO
from compiler.shown import ROWS
from compiler.stages.progress import Progress, silent


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """Calibrate; the metadata's table has the tensors that are cut worst. Raises BadData, UnknownMethod."""
    method, bins = str(params["method"]), int(params["bins"])
    network = files.load(inputs["canonical_mlir"], "canonical", Top, Quant)
    plan = Plan.of(network)
    session = Reference(network, threads=1, hidden=plan.unread)
    path = inputs["calibration_data"] / "calibration.npz"
    total, feeds = batches(path, session.inputs, int(params["samples"]))
    measured = collect(session, plan, feeds, total, bins, progress)
    mode, serves = str(params.get("mode", "int8")), dict[str, int]()
    behind, asymmetric = functions_behind(network), mode == "int8a"
    if method == AUTO:
        by_method = candidates(measured.histograms, asymmetric, behind)
        picked = _picked(path, session, total, samples_for(runs_of(network), len(by_method), total))
        wanted = [session.run(each) for each in picked]
        found, serves = automatic(network, by_method, mode, picked, wanted, measured.channels)
    else:
        found = entries(measured.histograms, method, asymmetric, behind)
    found |= stated(network)
    table = Table(found, "canonical.mlir", method, bins, total)
    table.write(out / "cali_table")
    _keep(measured, total, out)
    rows = sorted((_row(name, entry) for name, entry in table.entries.items()), key=lambda row: row["kept"])
    return {
        "method": method,
        "batches": total,
        "tensors": len(table.entries),
        "saturating": sum(row["kept"] < 1 for row in rows),
        **({"worst_clipped": rows[0]["tensor"], "worst_clipped_kept": rows[0]["kept"]} if rows else {}),
        **({"serves": serves} if serves else {}),
        "table": rows[:ROWS],
    }


def _picked(path: Path, session: Reference, total: int, chosen: Sequence[int]) -> list[dict[str, Array]]:
    """The batches of these numbers."""
    _, feeds = batches(path, session.inputs, total * next(iter(session.inputs.values()))[0])
    return [each for i, each in enumerate(feeds) if i in chosen]


def _row(name: str, entry: Entry) -> dict[str, Any]:
    """`kept`: the threshold as a share of the greatest magnitude, at most 1."""
    greatest = max(-entry.low, entry.high)
    kept = min(1.0, entry.threshold / greatest) if greatest else 1.0
    return {"tensor": name, "threshold": entry.threshold, "min": entry.low, "max": entry.high, "kept": kept}


def _keep(measured: Measured, total: int, out: Path) -> None:
    histogram.save(out / "histograms.npz", measured.histograms)
    channels.save(out / "channels.npz", measured.channels)
    spans = np.array([list(span) for span in measured.spans.values()], np.float32)
    by_batch = spans.reshape(-1, total, 2)
    write_npz(out / "samples.npz", {"low": by_batch[..., 0], "high": by_batch[..., 1]})
