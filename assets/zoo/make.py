"""Making a model's directories from its record: the ONNX file, and what the model is calibrated and judged with."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.zoo import packages
from assets.zoo.datasets.catalogue import data_set
from assets.zoo.datasets.samples import Part, Samples
from assets.zoo.light import refilled
from assets.zoo.record import ROOT, Calibration, Committed, Evaluation, Light, Packaged, Record
from compiler.build import hashes
from compiler.build.flow import SOURCES
from compiler.npz import write_npz


def make(held: Record, folder: Path) -> None:
    """
    Make the model's directories in `folder`, built aside and renamed: any number of processes may ask at once.

    Beside each directory lies `<directory>.sha256`, its content hash: the folder never changes once it is there.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-") as scratch:
        aside = Path(scratch) / "made"
        for name in SOURCES:
            (aside / name).mkdir(parents=True)
        (aside / "model_file" / "model.onnx").write_bytes(model_bytes(held))
        write_npz(aside / "calibration_data" / "calibration.npz", fed(held, "calibration"))
        write_npz(aside / "evaluation_data" / "evaluation.npz", fed(held, "evaluation"))
        for name in SOURCES:
            (aside / f"{name}.sha256").write_text(hashes.of_directory(aside / name))
        try:
            os.rename(aside, folder)
        except OSError:
            if not folder.is_dir():
                raise


def model_bytes(held: Record) -> bytes:
    """The ONNX file that a record's source stands for. Raises PackageUnavailable, FileNotFoundError."""
    match held.source:
        case Committed(file=file):
            return (ROOT / file).read_bytes()
        case Packaged(name=name, version=number, sha256=digest, file=file):
            return packages.member(packages.Wheel(name, number, digest), file)
        case Light(file=file, sha256=digest, seed=seed):
            return refilled(file, digest, seed).SerializeToString(deterministic=True)


def fed(held: Record, part: Part) -> dict[str, NDArray[Any]]:
    """A part's samples as the model takes them, by input name, and `labels` where they are known."""
    use: Calibration | Evaluation = held.calibration if part == "calibration" else held.evaluation
    made: Samples = data_set(use.dataset)(part, use.samples, held.inputs[held.image_input][1:])
    mean, std = _by_channel(held.preprocessing.mean), _by_channel(held.preprocessing.std)
    arrays: dict[str, NDArray[Any]] = {held.image_input: (made.pixels / np.float32(255) - mean) / std}
    return arrays if made.labels is None else arrays | {"labels": made.labels}


def _by_channel(numbers: Sequence[float]) -> NDArray[np.float32]:
    return np.array(numbers, np.float32).reshape(-1, 1, 1)
