"""
`comparison`: ONNX, Top, TPU and chip results held against each other, tensor by tensor.

Inputs: `onnx_results`, `top_results`, `tpu_results`, `chip_results`. Parameters: `tolerance`, what every tensor has to
reach, by column. Writes `comparison.csv`, a row a tensor, and `comparison.json`, the summary.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from compiler.comparison import compare, summary, table
from compiler.results import Results
from compiler.stages.progress import Progress, silent

RESULTS = ("onnx_results", "top_results", "tpu_results", "chip_results")


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """Compare, write both files, and return the summary with its table. Raises Incomparable."""
    onnx, top, tpu, chip = (Results.load(inputs[name], name) for name in RESULTS)
    rows = compare(onnx, top, tpu, chip)
    made = summary(rows, list(tpu.arrays)[-1:], params.get("tolerance") or {})
    listed = table(rows)
    pd.DataFrame(listed).to_csv(out / "comparison.csv", index=False)
    (out / "comparison.json").write_text(json.dumps(made, indent=1))
    return made | {"table": listed}
