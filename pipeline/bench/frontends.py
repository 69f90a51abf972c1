"""
`bench frontends`: the committed ResNet-8 by way of every framework: do the same weights name the same digits?

Its files are those of `models/frontends`, added to a folder of own models as a user would have them; each is built and
scored on the 1,000 digits, and so is the framework itself. A framework that isn't installed has a row that says so.
"""

import json
import os
import subprocess
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import yaml
from numpy.typing import NDArray

from assets.workshop import Workshop
from assets.zoo import record
from assets.zoo.fields import Record
from assets.zoo.foreign import onnx_of
from assets.zoo.make import fed
from assets.zoo.origins import ForeignModel
from compiler.build.builder import Builder
from compiler.build.flow import Target
from compiler.frontends.convert import absent, converted, python_of
from compiler.frontends.foreign import Foreign, files_of
from compiler.npz import read_npz, write_npz
from pipeline.bench.report import Row
from pipeline.bench.status import Told

FILES = record.ROOT / "models" / "frontends"
MODEL = "resnet8"
DIGIT, DIGIT_LAST = [1, 1, 28, 28], [1, 28, 28, 1]


ROUNDED = 5
"""The most of the 1,000 digits that int8 may name otherwise than its framework: each side rounds by itself."""


@dataclass(frozen=True)
class Route:
    """A way in: whose file, which one, what it is fed, and the target that it is built for."""

    kind: str
    file: str
    extents: tuple[int, ...] = tuple(DIGIT)
    entry: str | None = None
    target: str = "x64-f32"


ROUTES: Mapping[str, Route] = {
    "pytorch-export": Route("pytorch", "resnet8.pt2"),
    "pytorch-torchscript": Route("pytorch", "resnet8.pt"),
    "pytorch-module": Route("pytorch", "torch_net.py", entry="net"),
    "keras": Route("tensorflow", "resnet8.keras", tuple(DIGIT_LAST)),
    "saved_model": Route("tensorflow", "resnet8_saved", tuple(DIGIT_LAST)),
    "tflite-float": Route("tflite", "resnet8.tflite", tuple(DIGIT_LAST)),
    "tflite-int8": Route("tflite", "resnet8_int8.tflite", tuple(DIGIT_LAST), target="x64-int8"),
    "jax": Route("jax", "jax_net.py", entry="net"),
    "paddle": Route("paddle", "resnet8.json"),
}


def rows(told: Told, names: list[str]) -> Iterator[Row]:
    """What each route comes to; of all routes where none is named."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / "models"
        folder.mkdir()
        with _own_models(folder):
            builder = Workshop(Path(scratch) / "build").builder
            expected = cache(lambda: _answers(builder, MODEL, "x64-f32", told)["float"])
            for name in names or ROUTES:
                route = ROUTES[name]
                case = told.at(f"{MODEL}/{route.target}/{name}")
                yield from _route(builder, case, name, route, folder, expected, told)


def _route(
    builder: Builder,
    case: str,
    name: str,
    route: Route,
    folder: Path,
    expected: Callable[[], NDArray[Any]],
    told: Told,
) -> Iterator[Row]:
    """All of one route: as named by the framework, by onnxruntime, by the chip, and how many digits that changes."""
    missing = absent(route.kind)
    yield Row(case, "absent", float(missing), f"{route.kind} packages")
    if missing:
        return
    model = _record(name, route, folder)
    theirs = _framework(record.read(model))
    named = _answers(builder, model, route.target, told)
    labels = named["label"]
    right = theirs if route.target.endswith("int8") else expected()
    yield Row(case, "framework_accuracy", 1 - _differ(theirs, labels) / len(labels), "share")
    yield Row(case, "float_accuracy", 1 - _differ(named["float"], labels) / len(labels), "share")
    yield Row(case, "changed", _differ(named["float"], right), "digits")
    yield Row(case, "accuracy", 1 - _differ(named["chip"], labels) / len(labels), "share")
    yield Row(case, "chip_changed", _differ(named["chip"], right), "digits")


def failed(rows: list[Row]) -> bool:
    """Whether a framework is absent, or a digit is named unlike by the framework; of int8 more than ROUNDED."""
    return any(row.value > _allowed(row) for row in rows if row.metric in ("absent", "changed", "chip_changed"))


def _allowed(row: Row) -> int:
    return ROUNDED if "int8" in row.case and row.metric != "absent" else 0


def _answers(builder: Builder, model: str, target: str, told: Told) -> dict[str, NDArray[Any]]:
    """The digits that there are, and those that onnxruntime and the chip name."""
    settings = builder.zoo.settings(model)
    made = builder.build(settings, Target.parse(target), ("accuracy",), told, show=False)["accuracy"].ref.path
    judged = json.loads((made / "accuracy.json").read_text())["predictions"]
    return {side: np.array([row[side] for row in judged]) for side in ("label", "float", "chip")}


def _differ(one: NDArray[Any], other: NDArray[Any]) -> int:
    return int(np.count_nonzero(one != other))


def _framework(held: Record) -> NDArray[Any]:
    """The digits that the framework itself names."""
    source = held.source
    assert isinstance(source, ForeignModel)
    with TemporaryDirectory() as scratch:
        out = Path(scratch)
        samples = fed(held, "evaluation")
        write_npz(out / "samples.npz", {name: samples[name] for name in held.inputs})
        asked = Foreign(source.kind, source.file, held.inputs, source.entry, source.trust)
        converted(asked, out, out / "samples.npz")
        return next(iter(read_npz(out / "results.npz").values())).argmax(1)


def _record(name: str, route: Route, folder: Path) -> str:
    """Write the record of a route's model, with its files beside it: the zoo's own but for the source."""
    file = folder / route.file
    _put(file, route)
    model = f"{MODEL}_{name.replace('-', '_')}"
    source = {"kind": route.kind, "file": route.file, "entry": route.entry, "trust": route.entry is not None}
    read = ForeignModel.model_validate(source, context={"folder": folder})
    inputs = {value.name: [*route.extents] for value in onnx.load(onnx_of(read, {"x": route.extents})).graph.input}
    whole: dict[str, Any] = yaml.safe_load((record.RECORDS / f"{MODEL}.yaml").read_text())
    whole |= {"name": model, "source": source, "inputs": inputs}
    if route.extents[1] != 1:
        whole["preprocessing"] = {"layout": "nhwc"}
    (folder / f"{model}.yaml").write_text(yaml.safe_dump(whole))
    return model


def _put(file: Path, route: Route) -> None:
    """The route's file where the record is; a SavedModel is made of the Keras net, since it is too large to keep."""
    if (FILES / route.file).exists():
        for held in files_of(FILES / route.file):
            copyfile(held, file.parent / held.name)
        return
    command = [python_of(route.kind), str(FILES / "make.py"), "saved_model", str(file)]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": str(record.ROOT)}, capture_output=True, check=True)


@contextmanager
def _own_models(folder: Path) -> Generator[None]:
    """The folder as that of the user's own models."""
    before = os.environ.get("TPUFLOW_MODELS")
    os.environ["TPUFLOW_MODELS"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["TPUFLOW_MODELS"]
        else:
            os.environ["TPUFLOW_MODELS"] = before
