"""Models of other frameworks: which there are, how a file is told, and what turning one into ONNX takes and gives."""

from __future__ import annotations

import importlib
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compiler.frontends.onnx.errors import ModelError

if TYPE_CHECKING:
    import onnx

Feeds = Mapping[str, Any]
"""Arrays by the name of the input."""

OPSET = 18
"""What converters are asked for: above it few have anything to gain, and old ones stop there."""


class MissingPackages(ModelError):
    """The framework isn't installed; the message says which extra brings it."""


class NotTrusted(ModelError):
    """Reading the file would run code that somebody put into it, and nobody said that it may."""


class NotConverted(ModelError):
    """The framework or its converter refuses the model, or dies of it."""


class Disagrees(ModelError):
    """The ONNX model computes something else than the framework does."""


@dataclass(frozen=True)
class Kind:
    """A framework: the packages (distributions) that read and convert its files, and the endings of these."""

    packages: tuple[str, ...]
    endings: tuple[str, ...]
    own_python: bool = False
    """Whether these packages can't be installed beside ours."""


KINDS: Mapping[str, Kind] = {
    "pytorch": Kind(("torch", "onnxscript"), (".pt2", ".pt", ".pth", ".py")),
    "tensorflow": Kind(("tensorflow-cpu", "tf2onnx"), (".keras",)),
    "tflite": Kind(("tensorflow-cpu", "tf2onnx"), (".tflite",)),
    "jax": Kind(("jax", "jax2onnx"), (".py",)),
    "paddle": Kind(("paddlepaddle", "paddle2onnx"), (".json", ".pdmodel"), own_python=True),
}
"""By the name that a record's source has; the first whose ending fits is meant where nobody says."""

SAVED_MODEL = "saved_model.pb"
"""The file by which a folder is a TensorFlow SavedModel."""

PARAMETERS = ".pdiparams"
"""The ending of a Paddle model's weights, beside its graph."""

SHAPELESS = (".pt", ".pth", ".py")
"""Endings of files that don't say what they are fed."""


@dataclass(frozen=True)
class Foreign:
    """
    A model of another framework.

    `inputs` has the extents of each input by name, in the order of the model's arguments; a file that ends in one of
    SHAPELESS needs all of them, float32 each. `entry` names the callable of a Python file. `trust` lets code run that
    lies in the file.
    """

    kind: str
    file: Path
    inputs: Mapping[str, Sequence[int]] = field(default_factory=dict[str, Sequence[int]])
    entry: str | None = None
    trust: bool = False


@dataclass(frozen=True)
class Converted:
    """What a framework's converter made, and the framework's own run of the same model: results in the same order."""

    model: onnx.ModelProto
    run: Callable[[Feeds], Sequence[Any]]


def kind_of(path: Path) -> str | None:
    """The framework that a file or folder is of by its looks; None for ONNX and whatever else."""
    if path.is_dir():
        return "tensorflow" if (path / SAVED_MODEL).is_file() else None
    if path.suffix in (".json", ".pdmodel") and not path.with_suffix(PARAMETERS).is_file():
        return None
    return next((name for name, kind in KINDS.items() if path.suffix in kind.endings), None)


def files_of(path: Path) -> list[Path]:
    """All files that a model's path stands for: a folder's, and the weights beside a Paddle graph."""
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file())
    beside = path.with_suffix(PARAMETERS)
    return [path, beside] if path.suffix in (".json", ".pdmodel") and beside.is_file() else [path]


def holds_pickle(path: Path) -> bool:
    """Whether a `.pt` file is a pickle of Python objects rather than TorchScript, which has its own code in it."""
    if not zipfile.is_zipfile(path):
        return True
    with zipfile.ZipFile(path) as archive:
        inside = [name.split("/", 1)[-1] for name in archive.namelist()]
    return "constants.pkl" not in inside or not any(name.startswith("code/") for name in inside)


def package(module: str, kind: str) -> Any:
    """A framework's module, imported when it is needed. Raises MissingPackages."""
    if find_spec(module.partition(".")[0]) is None:
        raise MissingPackages(wanted(kind))
    return importlib.import_module(module)


def wanted(kind: str) -> str:
    """What to install for a framework."""
    held = KINDS[kind]
    names, variable = " and ".join(held.packages), f"TPUFLOW_{kind.upper()}"
    where = f"set {variable} to a Python that has them (docs/frontends.md)"
    beside = "" if held.own_python else f"pip install '.[{kind}]', or "
    return f"{kind} models need {names}, which aren't installed here: {beside}{where}"


def versions(kind: str) -> dict[str, str]:
    """The installed versions of a framework's packages."""
    found: dict[str, str] = {}
    for name in KINDS[kind].packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
