"""
`profile`: what the model costs on its chip, and how far that is from the least it could.

Inputs: `sample_onnx`, `sample_model`. Parameters: `mode`, `chip`. Writes `profile.json` (all totals, and a row a
layer), `timeline.npz` (cycles in which each record of `tiu` and `gdma` begins and ends, and its layer's index),
`trace.json` (the same for Perfetto or about:tracing) and `findings.txt` (what the static checks have to say; empty for
a sound program).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from compiler.npz import write_npz
from compiler.stages.progress import Progress, silent
from simulator import events, model_file, trace
from simulator.bound import bounds
from simulator.checks.check import check
from simulator.chip import chip_named
from simulator.model_file import Model
from simulator.profile import profile_of


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """Write the costs by layer and record; the metadata has totals and the costliest layers. Raises UnknownShape."""
    model = model_file.read(inputs["sample_model"] / "sample.model")
    chip = chip_named(str(params["chip"]))
    least = bounds(onnx.load(inputs["sample_onnx"] / "sample.onnx", load_external_data=False), params["mode"], chip)
    timeline = events.run(model.tiu, model.gdma, model.chip)
    costs = profile_of(model, timeline)
    found = check(model)
    totals = {
        "cycles": costs.cycles,
        "cycles_over_bound": costs.cycles / least.bound,
        "floor_cycles": least.floor,
        "bound_cycles": least.bound,
        "chip_seconds": costs.seconds,
        "overlap_cycles": costs.overlap,
        "ddr_bytes": costs.ddr_bytes,
        "ddr_over_compulsory": costs.ddr_bytes / least.compulsory,
        "local_bytes": costs.lmem_peak,
        "lane_bytes": chip.lane_bytes,
        "activation_bytes": model.activation_bytes,
        "findings": len(found),
    }
    document = {"totals": totals, "total": asdict(costs.total), "layers": costs.rows()}
    (out / "profile.json").write_text(json.dumps(document, indent=1))
    write_npz(out / "timeline.npz", _times(model, timeline))
    trace.write(model, timeline, out / "trace.json")
    (out / "findings.txt").write_text("".join(f"{finding}\n" for finding in found))
    table = sorted(costs.rows(), key=lambda row: row["start"] - row["end"])
    return {**totals, "table": table}


def _times(model: Model, timeline: events.Timeline) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    for name, track, records in (("tiu", timeline.tiu, model.tiu), ("gdma", timeline.gdma, model.gdma)):
        arrays[name] = np.stack([track.start, track.free, records["tag"].astype(np.int64)])
    return arrays
