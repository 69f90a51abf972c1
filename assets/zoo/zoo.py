"""
The zoo's models as files: what a record describes, made once into the cache.

A model's folder is named by a hash of what the record says of its files, of the code that makes them and of the
libraries that draw and write, so an edit to any of them makes a new folder; other edits to the record don't.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from assets.zoo import foreign, own, packages, record
from assets.zoo.fields import Record
from assets.zoo.origins import Built, Committed, ForeignModel
from assets.zoo.record import ROOT
from compiler.build import hashes
from compiler.build.flow import MODES, SOURCES, Settings
from compiler.quantization import qtable_file

DRAWN_WITH = ("matplotlib", "numpy", "onnx", "pillow")
"""Packages whose version can change the bytes of what is made."""

IMPORTED = re.compile(r"^\s*from (assets\.zoo(?:\.\w+)+) import", re.MULTILINE)
"""How a module of this package names another that it needs."""

READING = frozenset({"assets.zoo.record", "assets.zoo.fields", "assets.zoo.complaint"})
"""They read a record; what they read is in the key as it is."""

ALL = frozenset({"assets.zoo.datasets.catalogue", "assets.zoo.builders.catalogue"})
"""They import every data set and builder; a record's own ones count."""

MADE_OF = {
    "source": True,
    "inputs": True,
    "preprocessing": True,
    "calibration": {"dataset", "samples"},
    "evaluation": {"dataset", "samples"},
}
"""What of a record decides the files, besides the content of those that it names."""


class InstalledZoo:
    """The models that have a record in this repository or in the user's own folder."""

    def names(self) -> Sequence[str]:
        """All models, in alphabetical order."""
        return record.names()

    def settings(self, model: str) -> Settings:
        """A model's standing parameters. Raises UnknownModel, BadRecord."""
        held = record.read(model)
        told = {mode: {**bounds} for mode, bounds in held.evaluation.tolerance.items()}
        return Settings(
            name=held.name,
            shapes={name: list(extents) for name, extents in held.inputs.items()},
            calibration=held.calibration.model_dump(include={"method", "samples", "bins"}),
            qtable={**_entries(held), **held.qtable},
            mix=held.mix.model_dump(exclude_none=True),
            rounding=held.rounding,
            tolerance={mode: told.get(mode, told["int8"]) for mode in MODES},
            metric=held.evaluation.metric,
            also=held.evaluation.also,
            samples=held.evaluation.samples,
            preprocess=_preprocess(held),
            fuse_preprocess=held.fuse_preprocess,
            io=held.io,
            effort=held.schedule.effort,
            seed=held.schedule.seed,
            compress=held.schedule.compress,
        )

    def files(self, model: str) -> Mapping[str, Path]:
        """
        The model's directories: `model_file`, `calibration_data`, `evaluation_data`.

        They never change. Raises UnknownModel, BadRecord, UnknownDataSet, NotInDataSet, BadData, PackageUnavailable.
        """
        held = record.read(model)
        folder = _folder(held)
        if not folder.is_dir():
            from assets.zoo.make import make

            make(held, folder)
        return {name: folder / name for name in SOURCES}

    def present(self, model: str) -> bool:
        """Whether `files` would neither fetch nor make anything. Raises UnknownModel, BadRecord."""
        return _folder(record.read(model)).is_dir()


def _entries(held: Record) -> dict[str, str | float]:
    """Those of the record's qtable file. Raises BadQtable."""
    return {} if held.qtable_file is None else qtable_file.read(held.qtable_file)


def _preprocess(held: Record) -> dict[str, Any] | None:
    """How raw pixels become the model's input; the fitting is done before."""
    if held.preprocessing.raw is None:
        return None
    return {"input": held.image_input, **held.preprocessing.model_dump(mode="json", exclude={"resize"})}


def _folder(held: Record) -> Path:
    """Where the model's directories are, or will be."""
    return packages.cache() / "zoo" / f"{held.name}-{_key(held)[:16]}"


def _key(held: Record) -> str:
    plain = json.loads(held.model_dump_json(include=MADE_OF))
    files = held.own_files() | ({"committed": ROOT / held.source.file} if isinstance(held.source, Committed) else {})
    told = [plain, {field: own.digest(path) for field, path in files.items()}]
    converting = [foreign.code()] if isinstance(held.source, ForeignModel) else []
    return hashes.of_value([*told, _code(makers(held)), *converting])


def makers(held: Record) -> tuple[str, ...]:
    """The modules that make a record's files, with what they import of this package, in alphabetical order."""
    sets = {str(use.dataset) for use in (held.calibration, held.evaluation) if use.dataset}
    builder = {f"assets.zoo.builders.{held.source.builder}"} if isinstance(held.source, Built) else set[str]()
    waiting = {"assets.zoo.make", *(f"assets.zoo.datasets.{name}" for name in sets), *builder}
    found = set[str]()
    while waiting:
        module = waiting.pop()
        if module not in ALL and module not in found and _path(module).is_file():
            found.add(module)
            waiting.update(IMPORTED.findall(_path(module).read_text(encoding="utf-8")))
    return tuple(sorted(found - READING))


def _path(module: str) -> Path:
    return ROOT / f"{module.replace('.', '/')}.py"


@cache
def _code(modules: tuple[str, ...]) -> str:
    """One hash over the code that makes files, the data files beside it, and versions of what it draws with."""
    digest = hashlib.sha256()
    for module in modules:
        path = _path(module)
        for file in sorted(path.parent.glob(f"{path.stem}.*")):
            digest.update(file.read_bytes())
    digest.update(repr([(name, version(name)) for name in DRAWN_WITH]).encode())
    return digest.hexdigest()
