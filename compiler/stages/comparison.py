"""
`comparison`: every arrow of the flow checked, tensor by tensor: ONNX ← Top ← TPU ← chip.

Inputs: `onnx_results`, `top_results`, `tpu_results`, `chip_results`. Parameters: `tolerance`, bounds by column name for
Top against ONNX and TPU against Top. Writes `comparison.csv`, a line a pair of runs and tensor; `comparison.json`, the
same with what failed; and `sqnr.nodes.json`, the TPU's signal to noise for Model Explorer. Fusion takes tensors away
between ONNX and Top; from Top on each has a partner both ways.
What tables alone read is told but not judged: what they make of it is.
That the chip's bytes aren't the TPU's is reported like the rest, for a check to judge.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any

from compiler import model_explorer
from compiler.comparison import COLUMNS, Row, compare, failures
from compiler.results import Results
from compiler.shown import ROWS
from compiler.stages.progress import Progress, silent

RUNS = ("onnx", "top", "tpu", "chip")


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """
    Compare; the metadata lists those TPU and chip tensors that are least alike.

    `sqnr_db` and `cosine` are the worst judged tensor's of TPU against Top, `output_sqnr_db` and `output_cosine` the
    last tensor's, the network's output. `first_bad_tensor` is the first in execution order that misses the tolerance or
    whose bytes differ on the chip (absent where none does); `largest_drop_tensor` the judged one that loses the most
    SQNR against the one before it. Raises Incomplete.
    """
    loaded = [Results.load(inputs[f"{name}_results"], f"{name}_results") for name in RUNS]
    pairs: list[list[Row]] = []
    for i in range(1, len(RUNS)):
        names = RUNS[i], RUNS[i - 1]
        pairs.append(
            compare(loaded[i], loaded[i - 1], names, both_ways=i > 1, stored=RUNS[i] == "chip", composed=i == 1)
        )
        progress(i, len(RUNS) - 1)
    rows = [row for pair in pairs for row in pair]
    top, tpu, chip = pairs
    tabled = {name for name, meaning in loaded[2].meanings.items() if meaning.tabled}
    judged = [row for row in tpu if row.tensor not in tabled]
    failed = failures([*top, *judged], params["tolerance"])
    _write(rows, failed, out)
    model_explorer.write(out / "sqnr.nodes.json", {row.tensor: row.sqnr_db for row in tpu}, more_is_worse=False)
    worst = min(judged, key=lambda row: row.cosine)
    drops = ((before.sqnr_db - row.sqnr_db, row) for before, row in pairwise(judged))
    drop, dropping = max(drops, default=(0.0, worst), key=itemgetter(0))
    return {
        "tensors": len(chip),
        "compared": len(rows),
        "mismatched_bytes": sum(row.mismatched_bytes for row in chip),
        "mismatched_tensors": sum(row.mismatched_bytes > 0 for row in chip),
        "passed": not failed,
        "failed": failed[:20],
        "worst_tensor": worst.tensor,
        "first_bad_tensor": _first_bad(judged, chip, params["tolerance"]),
        "largest_drop_tensor": dropping.tensor if drop > 0 else None,
        "largest_drop_db": drop,
        "cosine": worst.cosine,
        "sqnr_db": min(row.sqnr_db for row in judged),
        "output_cosine": tpu[-1].cosine,
        "output_sqnr_db": tpu[-1].sqnr_db,
        "arrows": [_arrow(pair) for pair in pairs],
        "table": [_shown(row) for row in sorted([*tpu, *chip], key=lambda row: row.sqnr_db)[:ROWS]],
    }


def _first_bad(tpu: Sequence[Row], chip: Sequence[Row], tolerance: Mapping[str, float]) -> str | None:
    differing = {row.tensor for row in chip if row.mismatched_bytes}
    short = {row.tensor for row in tpu if failures([row], tolerance)}
    made = [row.tensor for row in chip]
    return min(differing | short, key=made.index, default=None)


def _shown(row: Row) -> dict[str, Any]:
    """What tells of a pair: all but the sizes, which the artifact has."""
    return {key: value for key, value in asdict(row).items() if key not in ("earlier", "elements", "euclid")}


def _arrow(rows: Sequence[Row]) -> dict[str, Any]:
    return {
        "arrow": f"{rows[0].later} against {rows[0].earlier}",
        "tensors": len(rows),
        "equal": sum(row.mismatched_bytes == 0 for row in rows),
        "cosine": min(row.cosine for row in rows),
        "sqnr_db": min(row.sqnr_db for row in rows),
        "mismatched_bytes": sum(row.mismatched_bytes for row in rows),
    }


def _write(rows: list[Row], failed: list[str], out: Path) -> None:
    with (out / "comparison.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(asdict(row).values() for row in rows)
    held = {"rows": [asdict(row) for row in rows], "failed": failed}
    (out / "comparison.json").write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")
