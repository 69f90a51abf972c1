"""
`accuracy`: the model's own metric on labelled data, in float and on the chip.

Inputs: `sample_onnx`, `sample_model`, `evaluation_data` (`evaluation.npz`: each input and `labels`). Parameters:
`metric`, `samples` (at most). Writes `accuracy.json` and `predictions.npz` (first output of both, by sample).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from compiler.feeds import BadData
from compiler.frontends.onnx.session import Session
from compiler.metrics import metric_named
from compiler.npz import write_npz
from compiler.results import Array
from compiler.stages.progress import Progress, silent
from simulator.runtime import PyRuntime


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """Score both; the metadata has their scores and in how many samples they agree. Raises BadData, UnknownMetric."""
    score = metric_named(str(params["metric"]))
    session = Session(onnx.load(inputs["sample_onnx"] / "sample.onnx"))
    chip = PyRuntime(inputs["sample_model"] / "sample.model")
    samples, labels = _labelled(inputs["evaluation_data"] / "evaluation.npz", list(session.inputs), params)
    floats, chips = list[Sequence[Array]](), list[Sequence[Array]]()
    for i in range(len(labels)):
        feeds = {name: array[i : i + 1] for name, array in samples.items()}
        made = session.run(feeds)
        floats.append([made[name] for name in session.outputs])
        chips.append(chip.run(None, feeds))
        progress(i + 1, len(labels))
    float_outputs, chip_outputs = _stacked(floats), _stacked(chips)
    scores = {"float": score(float_outputs, labels), "chip": score(chip_outputs, labels)}
    write_npz(out / "predictions.npz", {"float": float_outputs[0], "chip": chip_outputs[0], "labels": labels})
    made = {name: float(values.mean()) for name, values in scores.items()}
    agreement = float((scores["float"] == scores["chip"]).mean())
    record = {"metric": params["metric"], "samples": len(labels), **made, "agreement": agreement}
    (out / "accuracy.json").write_text(json.dumps(record, indent=1))
    return {
        "accuracy": made["chip"],
        "accuracy_float": made["float"],
        "drop": made["float"] - made["chip"],
        "agreement": agreement,
        "samples": len(labels),
    }


def _labelled(path: Path, names: Sequence[str], params: Mapping[str, Any]) -> tuple[dict[str, Array], Array]:
    """The first samples of each input, and their labels."""
    with np.load(path) as held:
        if absent := sorted({*names, "labels"} - set(held.files)):
            raise BadData(f"{path.name} has no {', '.join(absent)}; it has {', '.join(held.files)}")
        labels = held["labels"][: int(params["samples"])]
        samples = {name: held[name][: len(labels)].astype(np.float32) for name in names}
    if not len(labels) or any(len(array) != len(labels) for array in samples.values()):
        raise BadData(f"{path.name} has {len(labels)} labels for {[len(array) for array in samples.values()]} samples")
    return samples, labels


def _stacked(runs: Sequence[Sequence[Array]]) -> list[Array]:
    """For each output, the samples' results one after the other."""
    return [np.concatenate(arrays) for arrays in zip(*runs, strict=True)]
