"""
`chip_results`: every tensor of one sample as the simulated chip makes it.

Inputs: `sample_model`, `evaluation_data` (`evaluation.npz`, the first sample of each network input). No parameters.
Writes `chip_results.npz` and `chip_results.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compiler.feeds import first_samples
from compiler.ranges import census
from compiler.results import Meaning, Results
from compiler.stages.progress import Progress, silent
from simulator.model_file import Tensor
from simulator.runtime import PyRuntime


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """Run the model on the first evaluation sample and dump every tensor; the metadata has ranges. Raises BadData."""
    session = PyRuntime(inputs["sample_model"] / "sample.model")
    wanted = {entry.name: tuple(entry.shape) for entry in session.get_inputs()}
    feeds = first_samples(inputs["evaluation_data"] / "evaluation.npz", wanted)
    dumped = session.dump(feeds)
    meanings = {tensor.name: _meaning(tensor) for tensor in session.model.tensors}
    results = Results(dumped, meanings)
    results.save(out, "chip_results")
    return {"tensors": len(dumped), **census(results)}


def _meaning(tensor: Tensor) -> Meaning:
    if tensor.held:
        return Meaning(
            tensor.held, tensor.scale, tensor.zero_point, tensor.internal, -1 in tensor.shape, axis=tensor.axis
        )
    name = {"BF16": "bfloat16", "F32": "float32", "F16": "float16", "I8": "int8", "U8": "uint8", "I32": "int32"}
    return Meaning(name[tensor.dtype.name], tensor.scale, tensor.zero_point, tensor.internal, axis=tensor.axis)
