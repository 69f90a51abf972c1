"""Making a model's directories from its record: the ONNX file, and what the model is calibrated and judged with."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.zoo import packages
from assets.zoo.builders.catalogue import built
from assets.zoo.datasets.catalogue import VALUES, data_set
from assets.zoo.datasets.samples import NotInDataSet, Part
from assets.zoo.fields import Calibration, Evaluation, Record
from assets.zoo.foreign import onnx_of
from assets.zoo.light import refilled
from assets.zoo.origins import Built, Committed, ForeignModel, Light, OwnModel, Packaged
from assets.zoo.own import content
from assets.zoo.preprocess import fitted, normalised, raw
from assets.zoo.record import ROOT
from compiler.build.flow import SOURCES
from compiler.feeds import samples_for
from compiler.frontends.onnx.graph.raw_input import raw_name
from compiler.npz import read_npz, write_npz

LABELS = "labels"
"""The array of an evaluation file that is no input."""


class FileOutside(ValueError):
    """A model refers to data outside its own folder."""


def make(held: Record, folder: Path) -> None:
    """Make the model's directories in `folder`, built aside and renamed: any number of processes may ask at once."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-") as scratch:
        aside = Path(scratch) / "made"
        for name in SOURCES:
            (aside / name).mkdir(parents=True)
        (aside / "model_file" / "model.onnx").write_bytes(model_bytes(held))
        _copy_external(held, aside / "model_file")
        write_npz(aside / "calibration_data" / "calibration.npz", fed(held, "calibration"))
        write_npz(aside / "evaluation_data" / "evaluation.npz", fed(held, "evaluation"))
        try:
            os.rename(aside, folder)
        except OSError:
            if not folder.is_dir():
                raise


def model_bytes(held: Record) -> bytes:
    """The ONNX file that a record's source stands for. Raises PackageUnavailable, ModelError, FileNotFoundError."""
    match held.source:
        case Committed(file=file):
            return (ROOT / file).read_bytes()
        case OwnModel(file=path):
            return path.read_bytes()
        case ForeignModel() as source:
            return onnx_of(source, held.inputs).read_bytes()
        case Packaged(name=name, version=number, sha256=digest, file=file):
            return packages.member(packages.Wheel(name, number, digest), file)
        case Built(builder=builder):
            return built(builder).SerializeToString(deterministic=True)
        case Light(file=file, sha256=digest, seed=seed):
            return refilled(file, digest, seed).SerializeToString(deterministic=True)


def fed(held: Record, part: Part) -> dict[str, NDArray[Any]]:
    """
    A part's samples as the model takes them, by input name, and `labels` where they are known.

    Where it may preprocess by itself, the raw pixels are there too.

    Raises UnknownDataSet, NotInDataSet, BadData, DamagedArrays.
    """
    use: Calibration | Evaluation = held.calibration if part == "calibration" else held.evaluation
    if use.file is not None:
        return _from_file(use.file, use.samples, held.inputs)
    name = str(use.dataset)
    if name in VALUES:
        return {**VALUES[name](part, use.samples, held.inputs)}
    pictures = data_set(name)
    if len(held.inputs) > 1 or len(held.inputs[held.image_input]) != 4:
        told = ", ".join(f"{fed} {list(shape)}" for fed, shape in held.inputs.items())
        raise NotInDataSet(f"{name} feeds one input (n, c, h, w), the model takes {told}: seeded_normal, or own files")
    made = fitted(pictures(part, use.samples, held.picture_shape), held.picture_shape, held.preprocessing.resize)
    pixels = np.asarray(made.pixels)
    arrays: dict[str, NDArray[Any]] = {held.image_input: normalised(pixels, held.preprocessing)}
    if held.preprocessing.raw is not None:
        arrays[raw_name(held.image_input)] = raw(pixels, held.preprocessing.raw)
    return arrays if made.labels is None else arrays | {LABELS: made.labels}


def _from_file(path: Path, samples: int, inputs: Mapping[str, tuple[int, ...]]) -> dict[str, NDArray[Any]]:
    """The first samples of a user's arrays, and labels if there are any; as they are, but for the type."""
    labels = {name: array[:samples] for name, array in read_npz(path).items() if name == LABELS}
    arrays = samples_for(path, inputs)
    for name, extents in inputs.items():
        shape = arrays[name].shape
        if shape[1:] != extents[1:] or not shape or shape[0] < samples:
            wanted = [samples, *extents[1:]]
            raise NotInDataSet(f"{path.name}: input {name!r} has {list(shape)}; the record wants {wanted} or more")
    return {name: array[:samples].astype(np.float32) for name, array in arrays.items()} | labels


def _copy_external(held: Record, folder: Path) -> None:
    """The files that an own model's external data lie in. Raises FileNotFoundError, FileOutside."""
    if not isinstance(held.source, OwnModel):
        return
    home = held.source.file.parent
    for name in content(held.source.file).external:
        if not (home / name).resolve().is_relative_to(home.resolve()):
            raise FileOutside(f"{held.source.file.name} has data in {name}, outside its folder; put them beside it")
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(home / name, folder / name)
