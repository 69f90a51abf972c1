"""The models of `bench quant` and their data as files, made once into the cache."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from assets.zoo import packages
from assets.zoo.builders import efficientnet_lite0
from assets.zoo.datasets.samples import Part
from assets.zoo.datasets.text_words import RECOGNISER
from assets.zoo.datasets.text_words import WHEEL as RAPIDOCR
from assets.zoo.make import LABELS
from assets.zoo.zoo import DRAWN_WITH
from compiler.build import hashes
from compiler.npz import read_npz, write_npz
from pipeline.bench.quant_data import digits, minilm, photographs, sentences, texts
from pipeline.bench.quant_data.prepared import prepared

NUDENET = packages.Wheel("nudenet", "3.4.2", "5937dbd84e5d8e5de038f08ffea5a1bb50a08475776bf2b4795914ce0eaf0331")
"""AGPL: read as an archive for this bench alone, and no part of the zoo."""

Array = NDArray[Any]


class Leaking(AssertionError):
    """A sample is in both parts."""


@dataclass(frozen=True)
class Source:
    """A model, and the first samples of a part of its data: inputs by name, and `labels` where there are any."""

    model: Callable[[], onnx.ModelProto]
    samples: Callable[[Part, int], Mapping[str, Array]]
    calibration: int
    evaluation: int
    shapes: Mapping[str, Sequence[int]] = field(default_factory=dict[str, Sequence[int]])


def _packaged(package: packages.Wheel, file: str) -> Callable[[], onnx.ModelProto]:
    return lambda: onnx.load_model_from_string(packages.member(package, file))


SOURCES: Mapping[str, Source] = {
    "digits": Source(digits.model, digits.pictures, 100, 719),
    "efflite0": Source(efficientnet_lite0.model, photographs.classified, 100, 100),
    "ppocr_rec": Source(_packaged(RAPIDOCR, RECOGNISER), texts.pictures, 100, 64, {"x": [1, 3, 48, 320]}),
    "minilm": Source(minilm.model, sentences.encoded, 100, 100),
    "yolov8n_320": Source(
        _packaged(NUDENET, "nudenet/320n.onnx"), photographs.detected, 80, 40, {"images": [1, 3, 320, 320]}
    ),
}
"""As `prototypes/quant_peers` has them: what the peers' figures were measured on."""


@dataclass(frozen=True)
class Files:
    """A model's folder."""

    folder: Path

    @property
    def directories(self) -> Mapping[str, Path]:
        """As a zoo hands them out."""
        return {name: self.folder / name for name in ("model_file", "calibration_data", "evaluation_data")}

    @property
    def model(self) -> Path:
        """The ONNX file."""
        return self.folder / "model_file" / "model.onnx"

    def part(self, part: Part) -> Path:
        """The `.npz` of a part, inputs only."""
        return self.folder / f"{part}_data" / f"{part}.npz"

    def labels(self) -> Array | None:
        """What is known of the samples to judge by."""
        path = self.folder / "labels.npz"
        return read_npz(path, texts=True)[LABELS] if path.exists() else None


def files(name: str) -> Files:
    """The model's folder, made if it isn't there; any number of processes may ask. Raises PackageUnavailable."""
    folder = packages.cache() / "quant" / f"{name}-{_code()[:16]}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-") as scratch:
            aside = Path(scratch) / "made"
            write(SOURCES[name], Files(aside))
            try:
                os.rename(aside, folder)
            except OSError:
                if not folder.is_dir():
                    raise
    return Files(folder)


def write(source: Source, made: Files) -> None:
    """Make model and data in an empty folder. Raises Leaking if a sample calibrates and judges."""
    for directory in made.directories.values():
        directory.mkdir(parents=True)
    onnx.save_model(prepared(source.model(), source.shapes), made.model)
    held = {
        "calibration": dict(source.samples("calibration", source.calibration)),
        "evaluation": dict(source.samples("evaluation", source.evaluation)),
    }
    labels = [arrays.pop(LABELS, None) for arrays in held.values()][1]
    if common := _samples(held["calibration"]) & _samples(held["evaluation"]):
        raise Leaking(f"{len(common)} samples calibrate and judge")
    write_npz(made.part("calibration"), held["calibration"])
    write_npz(made.part("evaluation"), held["evaluation"])
    if labels is not None:
        write_npz(made.folder / "labels.npz", {LABELS: labels})


def _samples(arrays: Mapping[str, Array]) -> set[bytes]:
    rows = zip(*arrays.values(), strict=True)
    return {b"".join(np.ascontiguousarray(part).tobytes() for part in row) for row in rows}


@cache
def _code() -> str:
    """One hash over the code that makes the files, and versions of what it draws and writes with."""
    code = {path.name: hashes.of_file(path) for path in sorted(Path(__file__).parent.glob("*.py"))}
    return hashes.of_value([code, {name: version(name) for name in (*DRAWN_WITH, "onnxruntime")}])
