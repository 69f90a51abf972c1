"""A zoo of one committed model with made-up inputs: nothing is downloaded."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from compiler.build.flow import MODES, Settings
from compiler.npz import write_npz

MODEL = Path(__file__).parents[1] / "models" / "lenet_mnist.onnx"
TOLERANCE = {"cosine": 0.5, "accuracy_drop": 1.0}
SEARCHED = {"sqnr": 30.0, "budget": 4}
"""Settings of `mix` that have the stage `qtable` at work, for a moment."""


class OfflineZoo:
    """`lenet` below `root`, made where it is not yet there, with eight calibration and eight labelled inputs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        if root.is_dir():
            return
        for name in ("model_file", "calibration_data", "evaluation_data"):
            (root / name).mkdir(parents=True)
        shutil.copyfile(MODEL, root / "model_file" / "model.onnx")
        random = np.random.default_rng(1)
        images = random.random((8, 1, 28, 28), np.float32)
        write_npz(root / "calibration_data" / "calibration.npz", {"x": images})
        labels = random.integers(0, 10, 8)
        write_npz(root / "evaluation_data" / "evaluation.npz", {"x": images, "labels": labels})

    def names(self) -> Sequence[str]:
        """The one model."""
        return ["lenet"]

    def settings(self, model: str) -> Settings:
        """Its parameters."""
        return Settings(
            model,
            shapes={"x": [1, 1, 28, 28]},
            calibration={"method": "max", "samples": 8, "bins": 2048},
            tolerance=dict.fromkeys(MODES, TOLERANCE),
            metric="top1",
            samples=8,
        )

    def files(self, model: str) -> Mapping[str, Path]:
        """Its directories."""
        return {path.name: path for path in self.root.iterdir()}

    def present(self, model: str) -> bool:
        """Always: they were made with the zoo."""
        return True
