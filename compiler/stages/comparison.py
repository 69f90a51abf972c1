"""
`comparison`: every arrow of the flow checked, tensor by tensor: ONNX ← Top ← TPU ← chip.

Inputs: `onnx_results`, `top_results`, `tpu_results`, `chip_results`. Parameters: `tolerance`, bounds by column name for
Top against ONNX and TPU against Top. Writes `comparison.csv`, a line a pair of runs and tensor, and `comparison.json`,
the same with what failed. Fusion takes tensors away between ONNX and Top; from Top on each has a partner both ways.
That the chip's bytes aren't the TPU's is reported like the rest, for a check to judge.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from compiler.comparison import COLUMNS, Row, compare, failures
from compiler.results import Results
from compiler.stages.progress import Progress, silent

RUNS = ("onnx", "top", "tpu", "chip")


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """Compare; the metadata lists TPU and chip tensors, the least alike first. Raises Incomplete."""
    loaded = [Results.load(inputs[f"{name}_results"], f"{name}_results") for name in RUNS]
    pairs: list[list[Row]] = []
    for i in range(1, len(RUNS)):
        names = RUNS[i], RUNS[i - 1]
        pairs.append(compare(loaded[i], loaded[i - 1], names, both_ways=i > 1, stored=RUNS[i] == "chip"))
        progress(i, len(RUNS) - 1)
    rows = [row for pair in pairs for row in pair]
    top, tpu, chip = pairs
    failed = failures([*top, *tpu], params["tolerance"])
    _write(rows, failed, out)
    worst = min(tpu, key=lambda row: row.cosine)
    return {
        "tensors": len(chip),
        "compared": len(rows),
        "mismatched_bytes": sum(row.mismatched_bytes for row in chip),
        "mismatched_tensors": sum(row.mismatched_bytes > 0 for row in chip),
        "passed": not failed,
        "failed": failed[:20],
        "worst_tensor": worst.tensor,
        "cosine": worst.cosine,
        "sqnr_db": min(row.sqnr_db for row in tpu),
        "output_cosine": tpu[-1].cosine,
        "output_sqnr_db": tpu[-1].sqnr_db,
        "table": [asdict(row) for row in sorted([*tpu, *chip], key=lambda row: row.sqnr_db)],
    }


def _write(rows: list[Row], failed: list[str], out: Path) -> None:
    with (out / "comparison.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(asdict(row).values() for row in rows)
    held = {"rows": [asdict(row) for row in rows], "failed": failed}
    (out / "comparison.json").write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")
