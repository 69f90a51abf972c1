"""A chain of three small convolutions through the real stages, with faults planted on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from compiler.npz import write_npz
from compiler.stages import cali_mlir, cali_table, canonical_mlir, origin_mlir, quant_report, sample_onnx, tpu_mlir

Array = NDArray[Any]
SHAPE = (1, 4, 8, 8)
NAMES = ("one", "two", "three")
INPUTS = ("canonical_mlir", "cali_table", "tpu_mlir", "evaluation_data")


def plain(seed: int = 0) -> dict[str, Array]:
    """Weights of the three convolutions, 4 → 6 → 6 → 4 channels."""
    rng = np.random.default_rng(seed)
    extents = [(6, 4, 3, 3), (6, 6, 3, 3), (4, 6, 1, 1)]
    return {name: rng.normal(size=dims).astype(np.float32) for name, dims in zip(NAMES, extents, strict=True)}


def lowered(root: Path, weights: dict[str, Array], names: tuple[str, ...] = NAMES, mode: str = "int8") -> Path:
    """The network and its data through every stage before the report; returns the directory of all of them."""
    made = ["x", *names]
    nodes = [
        helper.make_node("Conv", [made[i], f"w{i}"], [made[i + 1]], pads=[w.shape[2] // 2] * 4)
        for i, w in enumerate(weights.values())
    ]
    last = (1, list(weights.values())[-1].shape[0], 8, 8)
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info(names[-1], onnx.TensorProto.FLOAT, last)],
        [numpy_helper.from_array(array, f"w{i}") for i, array in enumerate(weights.values())],
    )
    for kind in ("model_file", "calibration_data", "evaluation_data"):
        (root / kind).mkdir(parents=True)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, root / "model_file" / "model.onnx")
    rng = np.random.default_rng(7)
    for kind, name in (("calibration_data", "calibration"), ("evaluation_data", "evaluation")):
        write_npz(root / kind / f"{name}.npz", {"x": rng.normal(size=(6, *SHAPE[1:])).astype(np.float32)})
    step(root, sample_onnx, ("model_file",), {"shapes": {}})
    step(root, origin_mlir, ("sample_onnx",), {"name": "net"})
    step(root, canonical_mlir, ("origin_mlir",), {})
    step(root, cali_table, ("canonical_mlir", "calibration_data"), {"method": "max", "samples": 6, "bins": 512})
    quantise(root, mode)
    return root


def quantise(root: Path, mode: str = "int8") -> None:
    """The stages behind the calibration table."""
    step(root, cali_mlir, ("canonical_mlir", "cali_table"), {})
    step(root, tpu_mlir, ("canonical_mlir", "cali_mlir"), {"mode": mode})


def edit_table(root: Path, change: Callable[[str], str]) -> None:
    """Change lines of the calibration table, and quantise by it."""
    path = root / "cali_table" / "cali_table"
    path.write_text("".join(change(line) for line in path.read_text().splitlines(keepends=True)))
    quantise(root)


def reported(root: Path, samples: int = 4) -> dict[str, Any]:
    """The report's metadata."""
    return step(root, quant_report, INPUTS, {"name": "net", "mode": "int8", "samples": samples})


def step(root: Path, stage: Any, inputs: tuple[str, ...], params: dict[str, Any]) -> dict[str, Any]:
    """Run one stage into the directory of its name."""
    out = root / stage.__name__.rpartition(".")[2]
    out.mkdir(exist_ok=True)
    return stage.run({name: root / name for name in inputs}, params, out)
