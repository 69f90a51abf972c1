"""
Models of other frameworks as ONNX files: converted once into the cache.

A conversion is found again by what it is made of: the files' content, what the record says of them, and the code that
converts. The versions of the framework are no part of that, so that a machine without it can read what another made
into a shared cache; `report.json` beside the model says them.
"""

import os
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from assets.zoo import own, packages
from assets.zoo.origins import ForeignModel
from compiler.build import hashes
from compiler.frontends.convert import converted
from compiler.frontends.foreign import SHAPELESS, Foreign

CONVERTERS = Path(__file__).parents[2] / "compiler" / "frontends"


def onnx_of(source: ForeignModel, inputs: Mapping[str, Sequence[int]]) -> Path:
    """
    The model's ONNX file, converted if it never was; any number of processes may ask at once.

    Raises MissingPackages, NotTrusted, NotConverted, Disagrees, UnboundDimension, OSError.
    """
    folder = packages.cache() / "converted" / _key(source, inputs)
    name = f"{source.file.stem}.onnx"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-") as scratch:
            aside = Path(scratch) / "made"
            aside.mkdir()
            converted(Foreign(source.kind, source.file, inputs, source.entry, source.trust), aside)
            (aside / "model.onnx").rename(aside / name)
            try:
                os.rename(aside, folder)
            except OSError:
                if not folder.is_dir():
                    raise
    return folder / name


@cache
def code() -> str:
    """One hash over the code that converts."""
    return hashes.of_value({path.name: hashes.of_file(path) for path in sorted(CONVERTERS.glob("*.py"))})


def _key(source: ForeignModel, inputs: Mapping[str, Sequence[int]]) -> str:
    """Extents count only where the file doesn't say them."""
    shapes = {name: [*extents] for name, extents in inputs.items()} if source.file.suffix in SHAPELESS else {}
    told = source.model_dump(mode="json")
    return hashes.of_value([told, shapes, own.digest(source.file), code()])[:32]
