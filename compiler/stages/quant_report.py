"""
`quant_report`: where the error of an int8 network comes from.

Inputs: `canonical_mlir`, `cali_table`, `tpu_mlir`, `evaluation_data` (`evaluation.npz`), and in mode mix `qtable`, if
there was a search. Parameters: `name` of the model, `mode`, `samples` (the most to run; large networks run fewer).
Writes `quant_report.html`, which stands alone, `quant_report.md`, `quant_report.json` (all figures) and, for Model
Explorer, `local_sqnr.nodes.json` and `accumulated_sqnr.nodes.json`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compiler import model_explorer
from compiler.quant_report.collect import collect
from compiler.quant_report.layers import Layer
from compiler.quant_report.page import html, markdown
from compiler.shown import ROWS
from compiler.stages.progress import Progress, silent


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """
    Measure and write the report; the metadata's table has the tensors that are noisiest by themselves.

    `first_bad_layer` is absent where there is none, `worst_clipped` where calibration saw nothing beyond any type.
    Raises BadData.
    """
    report = collect(inputs, str(params["mode"]), int(params["samples"]), progress)
    name = f"{params['name']} in {report.mode}"
    (out / "quant_report.html").write_text(html(report, name), encoding="utf-8")
    (out / "quant_report.md").write_text(markdown(report, name), encoding="utf-8")
    (out / "quant_report.json").write_text(json.dumps(report.plain(), indent=1) + "\n", encoding="utf-8")
    for file in ("local", "accumulated"):
        values = {row.tensor: row.local_db if file == "local" else row.total_db for row in report.layers}
        model_explorer.write(out / f"{file}_sqnr.nodes.json", values, more_is_worse=False)
    worst = report.worst_clipped
    held = worst.stored if worst else None
    rows = sorted(report.layers, key=lambda row: row.local_db)
    return {
        "output_sqnr_db": report.output_db,
        "first_bad_layer": report.blame.first if report.blame else None,
        "noise_arises_at": report.blame.shares[0][0].tensor if report.blame else None,
        **({"worst_clipped": worst.tensor, "worst_clip": held.clipped} if worst and held else {}),
        "samples": report.samples,
        "quantised": len(report.quantised),
        "tensors": len(report.layers),
        "notes": [{"fault": note.kind, "tensor": note.tensor, "what": note.text} for note in report.notes],
        "table": [_row(row) for row in rows[:ROWS]],
    }


def _row(row: Layer) -> dict[str, Any]:
    held = row.stored
    return {
        "tensor": row.tensor,
        "op": row.op,
        "type": row.type,
        "local_db": row.local_db,
        "accumulated_db": row.total_db,
        "clipped": held.clipped if held else None,
        "saturated": held.saturated if held else None,
        "used": held.used if held else None,
        "dead_channels": row.dead,
        "macs": row.macs,
    }
