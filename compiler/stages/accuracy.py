"""
`accuracy`: the model's own metric on labelled data, of `sample.onnx` in float and of `sample.model` on the chip.

Inputs: `sample_onnx`, `sample_model`, `evaluation_data` (`evaluation.npz`: for each input an array (samples, …), and
`labels`). Parameters: `metric` (see `compiler.metrics`), `samples` (the most to use), and `also`, further metrics that
keep the same of the outputs. Writes `accuracy.json` with every sample's label and answers (classes; else how good the
answers are), `predictions.npz` with what the metric keeps of the outputs, and `misjudged.npz`: up to EXAMPLES inputs
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
from compiler.metrics.classes import predictions
from compiler.metrics.metric import Metric
from compiler.metrics.table import metric_named
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
        made["float"].append(metric.keep(session.run(batch)[session.outputs[0]]))
        made["chip"].append(metric.keep(chip.run(None, batch)[0]))
        progress(i + 1, total)
    kept = {name: np.concatenate(parts) for name, parts in made.items()}
    labels = _labels(path, len(kept["float"]))
    figures = _figures(metric, kept, labels)
    for name in params.get("also", ()):
        other = metric_named(str(name))
        figures |= {name: other.score(kept["chip"], labels), f"{name}_float": other.score(kept["float"], labels)}
    good = {name: metric.each(outputs, labels) for name, outputs in kept.items()} if metric.each else {}
    wrong = misjudged(good["chip"], good["float"]) if good else np.zeros(0, np.int64)
    answers = {name: predictions(outputs) for name, outputs in kept.items()} if metric.classes else good
    judged = ({"label": labels} if metric.classes else {}) | answers
    if answers:
        figures["agreement"] = int(np.count_nonzero(answers["chip"] == answers["float"])) / len(labels)
    summary = {"metric": params["metric"], "samples": len(labels)} | figures
    _write(summary, judged, kept | {"labels": labels}, out)
    shown = pictures(samples_for(path, session.inputs), wrong[:EXAMPLES])
    write_npz(out / "misjudged.npz", {"images": shown, "samples": wrong[: len(shown)]})
    rows = wrong[:ROWS].tolist()
    table = [{"sample": i} | {name: values[i].tolist() for name, values in judged.items()} for i in rows]
    return {**summary, "misjudged": len(wrong), "table": table}


def misjudged(chip: Array, exact: Array) -> Array:
    """
    Samples that aren't right, from how good each is on the chip and in float, 1 and more being right.

    Those that the chip alone makes worse, then those that neither gets right, then those that only float misses.
    """
    groups = ((chip < exact) & (chip < 1), (chip < 1) & (chip == exact), (chip > exact) & (exact < 1))
    return np.concatenate([np.flatnonzero(group) for group in groups])


def _figures(metric: Metric, kept: Mapping[str, Array], labels: Array) -> dict[str, float]:
    chip, exact = (metric.score(kept[name], labels) for name in ("chip", "float"))
    return {"accuracy": chip, "accuracy_float": exact, "drop": exact - chip}


def _labels(path: Path, count: int) -> Array:
    held = read_npz(path)
    if "labels" not in held:
        raise BadData(f"{path.name} has no `labels`; a metric needs them: leave the metric out, or add labels")
    labels = held["labels"][:count]
    if len(labels) < count:
        raise BadData(f"{path.name} has {len(labels)} labels for {count} samples; prepare the data again")
    return labels


def _write(summary: Mapping[str, Any], judged: Mapping[str, Array], arrays: Mapping[str, Array], out: Path) -> None:
    columns = {name: values.tolist() for name, values in judged.items()}
    rows = [{"sample": i} | {name: values[i] for name, values in columns.items()} for i in range(summary["samples"])]
    text = json.dumps({**summary, "predictions": rows}, indent=1)
    (out / "accuracy.json").write_text(text + "\n", encoding="utf-8")
    write_npz(out / "predictions.npz", arrays)
