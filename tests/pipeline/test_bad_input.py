"""Every kind of bad input: a message that names it, exit code 1, no traceback, and nothing shown."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from typer.testing import CliRunner

from pipeline.cli import app

Spoil = Callable[[Path], None]


def missing_weights(zoo: Path) -> None:
    """Weights are said to be in a file beside the model, which is not there."""
    path = zoo / "model_file" / "model.onnx"
    model = onnx.load(path)
    onnx.save_model(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    (path.parent / "weights.bin").unlink()


def open_dimension(zoo: Path) -> None:
    """An input beside `x`, for which the record gives no shape, has an extent without a value."""
    node = helper.make_node("Relu", ["free"], ["y"])
    free = helper.make_tensor_value_info("free", TensorProto.FLOAT, ["batch", 3])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3])
    _write(zoo, helper.make_graph([node], "g", [free], [result]))


def unknown_op(zoo: Path) -> None:
    """An op that neither the compiler nor onnxruntime knows."""
    node = helper.make_node("Frobnicate", ["x"], ["y"], name="odd")
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 28, 28])
    _write(zoo, helper.make_graph([node], "g", [x], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1])]))


def wide_calibration(zoo: Path) -> None:
    """Calibration inputs of another shape than the network's."""
    np.savez(zoo / "calibration_data" / "calibration.npz", x=np.zeros((8, 1, 32, 32), np.float32))


def nan_calibration(zoo: Path) -> None:
    """Calibration inputs that are no numbers."""
    np.savez(zoo / "calibration_data" / "calibration.npz", x=np.full((8, 1, 28, 28), np.nan, np.float32))


def unnamed_calibration(zoo: Path) -> None:
    """Calibration inputs under a name that is no input's."""
    np.savez(zoo / "calibration_data" / "calibration.npz", other=np.zeros((8, 1, 28, 28), np.float32))


def damaged_calibration(zoo: Path) -> None:
    """Calibration inputs cut short on disk."""
    path = zoo / "calibration_data" / "calibration.npz"
    path.write_bytes(path.read_bytes()[:500])


def no_labels(zoo: Path) -> None:
    """Evaluation inputs without labels for a model that is scored."""
    np.savez(zoo / "evaluation_data" / "evaluation.npz", x=np.zeros((8, 1, 28, 28), np.float32))


def _write(zoo: Path, graph: onnx.GraphProto) -> None:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, zoo / "model_file" / "model.onnx")


@pytest.mark.parametrize(
    ("spoil", "stage", "named"),
    [
        (missing_weights, "sample_onnx", "weights.bin"),
        (open_dimension, "sample_onnx", "free"),
        (unknown_op, "origin_mlir", "odd"),
        (wide_calibration, "cali_table", "32"),
        (nan_calibration, "cali_table", "x"),
        (unnamed_calibration, "cali_table", "other"),
        (damaged_calibration, "cali_table", "calibration.npz"),
        (no_labels, "accuracy", "labels"),
    ],
)
def test_it_is_named(offline: Path, spoil: Spoil, stage: str, named: str) -> None:
    spoil(offline.parent / "zoo")
    result = CliRunner().invoke(app, ["build", "lenet", "--target", "e8-int8"])
    assert result.exit_code == 1
    assert f"lenet/e8-int8, stage {stage}: " in result.stderr, result.exception
    assert named in result.stderr.partition("stage ")[2]
    assert "Traceback" not in result.output
    assert not (offline / ".store" / "refs" / "lenet" / "e8-int8" / stage).exists()
