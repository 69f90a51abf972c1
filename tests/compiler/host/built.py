"""ONNX models through every stage, in a folder of their own: with ops that only the host runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from compiler.npz import write_npz
from compiler.results import Results
from compiler.stages import (
    addr_mlir,
    cali_mlir,
    cali_table,
    canonical_mlir,
    chip_results,
    lg_mlir,
    origin_mlir,
    sample_model,
    sample_onnx,
    top_results,
    tpu_mlir,
    tpu_results,
)

Array = NDArray[Any]
STAGES = {
    "sample_onnx": sample_onnx, "origin_mlir": origin_mlir, "canonical_mlir": canonical_mlir,
    "cali_table": cali_table, "cali_mlir": cali_mlir, "tpu_mlir": tpu_mlir, "lg_mlir": lg_mlir,
    "addr_mlir": addr_mlir, "sample_model": sample_model, "top_results": top_results, "tpu_results": tpu_results,
    "chip_results": chip_results,
}  # fmt: skip
QUANTISING = ("cali_table", "cali_mlir")
RESULTS = ("top_results", "tpu_results", "chip_results")

Metadata = dict[str, dict[str, Any]]


def tensor(name: str, *dims: int | None, kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    """An input or output."""
    return helper.make_tensor_value_info(name, kind, dims)


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    constants: Mapping[str, Array] | None = None,
) -> onnx.ModelProto:
    """A model of these nodes, of ONNX or onnxruntime."""
    held = [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()]
    graph = helper.make_graph(nodes, "main", inputs, outputs, held)
    imports = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=9)


def compiled(
    made: onnx.ModelProto, feeds: Mapping[str, Array], folder: Path, mode: str, chip: str, seed: int | None = None
) -> Metadata:
    """
    Run every stage on one sample of each input; the stages' metadata by name. All artifacts are in `folder`.

    Data sets hold no texts: a network that is fed some is only compiled.
    """
    onnx.save_model(made, folder / "model.onnx")
    texts = [name for name, feed in feeds.items() if feed.dtype == np.object_]
    samples = {name: np.concatenate([feed] * 2) for name, feed in feeds.items() if name not in texts}
    for name in ("calibration", "evaluation"):
        write_npz(folder / f"{name}.npz", samples)
    data = ("model_file", "calibration_data", "evaluation_data")
    inputs = dict.fromkeys((*STAGES, *data), folder)
    params = {"name": "net", "mode": mode, "chip": chip, "effort": 1, "seed": seed, "method": "max", "samples": 12,
              "bins": 512}  # fmt: skip
    idle = (*(() if "int8" in mode else QUANTISING), *(RESULTS if texts else ()))
    wanted = {name: stage for name, stage in STAGES.items() if name not in idle}
    return {name: stage.run(inputs, params, folder) for name, stage in wanted.items()}


def mismatches(folder: Path) -> list[str]:
    """
    Tensors whose stored bytes on the chip aren't those that `tpu.mlir` defines.

    The chip makes the same tensors in an order of its own, and knows nothing of what lowering folded into them.
    """
    tpu, chip = (Results.load(folder, f"{side}_results") for side in ("tpu", "chip"))
    assert tpu.arrays.keys() == chip.arrays.keys()
    assert {name: replace(meaning, folds=()) for name, meaning in tpu.meanings.items()} == chip.meanings
    return [name for name, array in tpu.arrays.items() if not _same(array, chip.arrays[name])]


def _same(a: Array, b: Array) -> bool:
    return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
