"""
The zoo's models as files: what a record describes, made once into the cache.

A model's folder is named by a hash of what the record says of its files, of the code that makes them and of the
libraries that draw and write, so an edit to any of them makes a new folder; other edits to the record don't.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

from assets.zoo import own, packages, record
from assets.zoo.fields import Committed, Record
from assets.zoo.record import ROOT
from compiler.build import hashes
from compiler.build.flow import MODES, SOURCES, Settings

DRAWN_WITH = ("matplotlib", "numpy", "onnx", "pillow")
"""Packages whose version can change the bytes of what is made."""

MAKERS = ("make.py", "light.py", "own.py", "packages.py", "datasets/*.py")
"""The code that decides those bytes, `make` and what it imports; what it reads of a record is in the key as it is."""

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
            qtable={**held.qtable},
            tolerance={mode: told.get(mode, told["int8"]) for mode in MODES},
            metric=held.evaluation.metric,
            samples=held.evaluation.samples,
            effort=held.schedule.effort,
            seed=held.schedule.seed,
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


def _folder(held: Record) -> Path:
    """Where the model's directories are, or will be."""
    return packages.cache() / "zoo" / f"{held.name}-{_key(held)[:16]}"


def _key(held: Record) -> str:
    plain = json.loads(held.model_dump_json(include=MADE_OF))
    files = held.own_files() | ({"committed": ROOT / held.source.file} if isinstance(held.source, Committed) else {})
    return hashes.of_value([plain, {field: own.digest(path) for field, path in files.items()}, _code()])


@cache
def _code() -> str:
    """One hash over the code that makes files and the versions of what it draws with."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for path in sorted(path for pattern in MAKERS for path in here.glob(pattern)):
        digest.update(path.read_bytes())
    digest.update(repr([(name, version(name)) for name in DRAWN_WITH]).encode())
    return digest.hexdigest()
