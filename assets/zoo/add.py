"""A new model's record, written by looking at the model: what is guessed says so."""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from assets.zoo import own, record
from assets.zoo.fields import Record, checked_name
from assets.zoo.foreign import onnx_of
from assets.zoo.look import Look, look
from assets.zoo.make import LABELS, FileOutside
from assets.zoo.origins import ForeignModel
from assets.zoo.template import Data, text_of
from compiler.feeds import samples_for
from compiler.frontends.foreign import KINDS, PARAMETERS, kind_of
from compiler.npz import read_npz


class NotAdded(ValueError):
    """A model can't be added as asked; the message says what to ask for."""


@dataclass(frozen=True)
class Wishes:
    """What the user says of the model; the rest is guessed. `entry` and `trust` are those of `ForeignModel`."""

    name: str | None = None
    shapes: Mapping[str, Sequence[int]] = field(default_factory=dict[str, Sequence[int]])
    calibration: Path | None = None
    evaluation: Path | None = None
    licence: str | None = None
    force: bool = False
    framework: str | None = None
    entry: str | None = None
    trust: bool = False


@dataclass(frozen=True)
class Added:
    """The record's file, and what the model was seen to be."""

    path: Path
    look: Look


def add(model: Path, folder: Path, wishes: Wishes) -> Added:
    """
    Write the record of a model's file into the folder, with copies of the files that don't lie there yet.

    The record comes last, so that whoever watches the folder finds the model whole. Raises NotAdded, ModelError (see
    `look` and `onnx_of`), BadData, DamagedArrays, FileOutside, OSError.
    """
    name = _name(wishes.name or model.stem)
    path = folder / f"{name}.yaml"
    if path.exists() and not wishes.force:
        raise NotAdded(f"{path} is there already; choose another --name, or --force to write it anew")
    source = _source(model, wishes)
    seen = look(onnx_of(source, wishes.shapes) if source else model, wishes.shapes)
    parts = {"calibration": wishes.calibration or wishes.evaluation, "evaluation": wishes.evaluation}
    data = {part: _data(file, seen.inputs) for part, file in parts.items()}
    folder.mkdir(parents=True, exist_ok=True)
    for part, file in parts.items():
        data[part] = data[part].at(_placed(file, folder, f"{name}.{part}.npz", wishes) if file else None)
    told = source.model_dump(exclude_defaults=True) if source else {"kind": "file"}
    told["file"] = _model(model, folder, name, wishes)
    text = text_of(name, model.name, told, seen, wishes.licence, data)
    Record.model_validate(yaml.safe_load(text), context={"folder": folder})
    _put(path, text.encode())
    return Added(path, seen)


def _source(model: Path, wishes: Wishes) -> ForeignModel | None:
    """What the record will say of a model of another framework; None of an ONNX file."""
    kind = wishes.framework or kind_of(model)
    if kind is not None and kind not in KINDS:
        raise NotAdded(f"there is no framework {kind!r}; there are {', '.join(KINDS)}")
    if kind is None and model.suffix != ".onnx":
        endings = ", ".join(dict.fromkeys(ending for held in KINDS.values() for ending in held.endings))
        raise NotAdded(f"{model.name} is neither .onnx nor {endings} nor a SavedModel's folder")
    if kind is None:
        return None
    told = {"kind": kind, "file": model.name, "entry": wishes.entry, "trust": wishes.trust}
    return ForeignModel.model_validate(told, context={"folder": model.parent.resolve()})


def _name(text: str) -> str:
    try:
        name = checked_name(text)
    except ValueError as error:
        raise NotAdded(f"{error}; give another --name") from None
    if name in record.committed():
        raise NotAdded(f"the repository has a model {name!r}; give another --name")
    return name


def _data(file: Path | None, inputs: Mapping[str, tuple[int, ...]]) -> Data:
    """How many samples of every input the file has, and whether they are labelled."""
    if file is None:
        return Data()
    arrays = samples_for(file, inputs)
    for name, extents in inputs.items():
        shape = arrays[name].shape
        if not shape or shape[1:] != extents[1:]:
            told = ", ".join(map(str, extents[1:]))
            raise NotAdded(f"{file}: array {name!r} is {list(shape)}; input {name!r} takes [samples, {told}]")
    samples, batch = min(map(len, arrays.values())), max(extents[0] for extents in inputs.values())
    if samples < batch:
        raise NotAdded(f"{file} has {samples} samples of every input; the model takes {batch} at a time")
    return Data(samples=samples, labelled=LABELS in read_npz(file))


def _model(model: Path, folder: Path, name: str, wishes: Wishes) -> str:
    """The model's path from the folder; one of several files has a folder of its own."""
    if _inside(model, folder):
        return _from(folder, model)
    whole = model if model.is_dir() else model.parent
    files = {file: _renamed(file, model, name) for file in own.files(model)}
    if outside := [file.name for file in files if not _inside(file, whole)]:
        raise FileOutside(f"{model.name} has data in {outside[0]}, outside its folder; export it anew")
    home = f"{name}/" if model.is_dir() or len(files) > 1 else ""
    for file, wanted in files.items():
        _placed(file, folder, f"{home}{wanted}", wishes)
    return name if model.is_dir() else f"{home}{name}{model.suffix}"


def _renamed(file: Path, model: Path, name: str) -> str:
    """Where a file of a model lies in its new folder: the model itself and a Paddle model's weights change names."""
    if file == model or (file.suffix == PARAMETERS and not model.is_dir()):
        return f"{name}{file.suffix}"
    return file.relative_to(model if model.is_dir() else model.parent).as_posix()


def _placed(file: Path, folder: Path, wanted: str, wishes: Wishes) -> str:
    """The file's path from the folder, below which it is copied if it doesn't lie there."""
    if _inside(file, folder):
        return _from(folder, file)
    goal = folder / wanted
    if goal.exists() and not wishes.force:
        raise NotAdded(f"{goal} is there already; choose another --name, or --force to write it anew")
    goal.parent.mkdir(parents=True, exist_ok=True)
    aside = goal.with_name(f".{goal.name}.part")
    shutil.copyfile(file, aside)
    os.replace(aside, goal)
    return wanted


def _put(path: Path, content: bytes) -> None:
    aside = path.with_name(f".{path.name}.part")
    aside.write_bytes(content)
    os.replace(aside, path)


def _inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _from(folder: Path, path: Path) -> str:
    return path.resolve().relative_to(folder.resolve()).as_posix()
