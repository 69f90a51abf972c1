"""
`onnx_results`: every tensor of one sample as onnxruntime makes it from `sample.onnx`.

Inputs: `sample_onnx`, `evaluation_data` (`evaluation.npz`, the first samples of each input). No parameters. Writes
`onnx_results.npz` and `.json`: inputs under their names, others under `<output>_<op type>`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx

from compiler.feeds import first_samples
from compiler.frontends.onnx.session import Session
from compiler.ranges import census
from compiler.results import Results
from compiler.stages.progress import Progress, silent


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """Run the model with every tensor as an output; the metadata has their ranges. Raises BadData."""
    model = onnx.load_model(inputs["sample_onnx"] / "sample.onnx")
    names = {name: f"{name}_{node.op_type}" for node in model.graph.node for name in node.output if name}
    known = {value.name for value in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in known)
    session = Session(model)
    feeds = first_samples(inputs["evaluation_data"] / "evaluation.npz", session.inputs)
    made = session.run(feeds)
    results = Results(feeds | {tensor: made[name] for name, tensor in names.items()}, {})
    results.save(out, "onnx_results")
    return {"tensors": len(names), **census(results)}
