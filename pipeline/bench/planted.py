"""A small zoo of committed models in which faults can be planted; nothing is downloaded."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime

from compiler.build.flow import MODES, SOURCES, Settings
from compiler.npz import write_npz

MODEL = Path(__file__).parents[2] / "models" / "lenet_mnist.onnx"
INPUT = "x"
SAMPLES = 64
TOLERANCE = {"cosine": -1.0, "accuracy_drop": 1.0}
"""So wide that only the baseline can find a fault."""

Plant = Callable[[Path, Settings], Settings]
"""Spoils a model: the folder of its files, its settings; the settings it has then."""


def accuracy_loss(files: Path, settings: Settings) -> Settings:
    """Calibration inputs at a twentieth of their brightness: thresholds far too low, so that activations saturate."""
    path = files / "calibration_data" / "calibration.npz"
    with np.load(path) as held:
        images = held[INPUT]
    write_npz(path, {INPUT: images * np.float32(0.05)})
    return settings


def cycle_loss(files: Path, settings: Settings) -> Settings:
    """A random legal tiling in place of the best one found: a tenth slower on e8, a longer program, the same bits."""
    return replace(settings, seed=29)


def crash(files: Path, settings: Settings) -> Settings:
    """A model file cut off in the middle."""
    path = files / "model_file" / "model.onnx"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return settings


class PlantedZoo:
    """The same network under several names below `root`, each with files and labels of its own."""

    def __init__(self, root: Path, names: Sequence[str]) -> None:
        self._root = root
        self._settings = {name: _settings(name) for name in names}
        for seed, name in enumerate(names):
            if not (root / name).is_dir():
                _fill(root / name, seed)

    def plant(self, model: str, fault: Plant) -> None:
        """Spoil one model from now on."""
        self._settings[model] = fault(self._root / model, self._settings[model])

    def names(self) -> Sequence[str]:
        """The models."""
        return list(self._settings)

    def settings(self, model: str) -> Settings:
        """A model's parameters."""
        return self._settings[model]

    def files(self, model: str) -> Mapping[str, Path]:
        """A model's directories."""
        return {name: self._root / model / name for name in SOURCES}

    def present(self, model: str) -> bool:
        """Always: they were made with the zoo."""
        return True


def _settings(name: str) -> Settings:
    return Settings(
        name,
        shapes={INPUT: [1, 1, 28, 28]},
        calibration={"method": "max", "samples": 16, "bins": 2048},
        tolerance=dict.fromkeys(MODES, TOLERANCE),
        metric="top1",
        samples=SAMPLES,
    )


def _fill(folder: Path, seed: int) -> None:
    """The model, coarse random images, and for labels what the float model says of them."""
    for name in SOURCES:
        (folder / name).mkdir(parents=True)
    shutil.copyfile(MODEL, folder / "model_file" / "model.onnx")
    coarse = np.random.default_rng(seed).random((SAMPLES, 1, 7, 7), np.float32)
    images = np.kron(coarse, np.ones((1, 1, 4, 4), np.float32)).astype(np.float32)
    session = onnxruntime.InferenceSession(MODEL)
    labels = [int(np.argmax(np.asarray(session.run(None, {INPUT: image[None]})[0]))) for image in images]
    write_npz(folder / "calibration_data" / "calibration.npz", {INPUT: images[:16]})
    write_npz(folder / "evaluation_data" / "evaluation.npz", {INPUT: images, "labels": np.array(labels)})
