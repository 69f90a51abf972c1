"""
`accuracy`: the model's own metric on labelled data, of `sample.onnx` in float and of `sample.model` on the chip.

Inputs: `sample_onnx`, `sample_model`, `evaluation_data` (`evaluation.npz`: for each input an array (samples, …), and
`labels`). Parameters: `metric` (see `compiler.metrics`), `samples` (the most to use). Writes `accuracy.json` with every
sample's label and predictions, `predictions.npz` with the scores themselves, and `misjudged.npz`: up to EXAMPLES inputs
that the chip gets wrong, those that float gets right first, as small greyscale or RGB `images`, and their `samples`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from compiler.feeds import BadData, samples_for
from compiler.frontends.onnx.session import Session
from compiler.ir.network import Array
from compiler.metrics import metric_named, predictions
from compiler.npz import read_npz, write_npz
from compiler.pictures import pictures
from compiler.quantization.samples import batches
from compiler.shown import ROWS
from compiler.stages.progress import Progress, silent
from simulator.runtime import PyRuntime

EXAMPLES = 12
"""Pictures that are kept."""


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """
    Score float and chip on the same samples; the metadata's table has those that either gets wrong.

    Raises BadData, UnknownMetric.
    """
    metric = metric_named(str(params["metric"]))
    session = Session(onnx.load_model(inputs["sample_onnx"] / "sample.onnx"), threads=1)
    chip = PyRuntime(inputs["sample_model"] / "sample.model")
    path = inputs["evaluation_data"] / "evaluation.npz"
    total, feeds = batches(path, session.inputs, int(params["samples"]))
    made: dict[str, list[Array]] = {"float": [], "chip": []}
    for i, batch in enumerate(feeds):
        made["float"].append(session.run(batch)[session.outputs[0]])
        made["chip"].append(chip.run(None, batch)[0])
        progress(i + 1, total)
    scores = {name: np.concatenate(parts) for name, parts in made.items()}
    labels = _labels(path, len(scores["float"]))
    chosen = {name: predictions(outputs) for name, outputs in scores.items()}
    figures = {
        "accuracy": metric(scores["chip"], labels),
        "accuracy_float": metric(scores["float"], labels),
        "agreement": int(np.count_nonzero(chosen["chip"] == chosen["float"])) / len(labels),
    }
    figures["drop"] = figures["accuracy_float"] - figures["accuracy"]
    summary = {"metric": params["metric"], "samples": len(labels)} | figures
    judged = chosen | {"label": labels}
    _write(summary, judged, scores | {"labels": labels}, out)
    wrong = misjudged(judged) if labels.size == len(labels) else np.zeros(0, np.int64)
    shown = pictures(samples_for(path, session.inputs), wrong[:EXAMPLES])
    write_npz(out / "misjudged.npz", {"images": shown, "samples": wrong[: len(shown)]})
    table = [{"sample": i} | {name: values[i].item() for name, values in judged.items()} for i in wrong[:ROWS].tolist()]
    return {**summary, "misjudged": len(wrong), "table": table}


def misjudged(judged: Mapping[str, Array]) -> Array:
    """Samples that the chip gets wrong: those that float gets right, then the others; then those only float misses."""
    labels = judged["label"].reshape(-1)
    chip, exact = (judged[name] != labels for name in ("chip", "float"))
    return np.concatenate([np.flatnonzero(group) for group in (chip & ~exact, chip & exact, exact & ~chip)])


def _labels(path: Path, count: int) -> Array:
    held = read_npz(path)
    if "labels" not in held:
        raise BadData(f"{path.name} has no `labels`; a metric needs them: leave the metric out, or add labels")
    labels = held["labels"][:count]
    if len(labels) < count:
        raise BadData(f"{path.name} has {len(labels)} labels for {count} samples; prepare the data again")
    return labels


def _write(summary: Mapping[str, Any], chosen: Mapping[str, Array], arrays: Mapping[str, Array], out: Path) -> None:
    columns = {name: values.tolist() for name, values in chosen.items()}
    rows = [{"sample": i} | {name: values[i] for name, values in columns.items()} for i in range(summary["samples"])]
    text = json.dumps({**summary, "predictions": rows}, indent=1)
    (out / "accuracy.json").write_text(text + "\n", encoding="utf-8")
    write_npz(out / "predictions.npz", arrays)
