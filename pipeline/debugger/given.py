"""What a session begins with, from files: a model, data to feed it, results to hold it against, its layers' groups."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler import members
from compiler.feeds import BadData, samples_for
from compiler.npz import read_npz
from compiler.results import Results
from simulator.model_file import IO, Model, read

Array = NDArray[Any]


class BadSession(ValueError):
    """What a session is to begin with doesn't go together; the message says what does."""


@dataclass
class Given:
    """A model, what it is fed and where that is from, what it should make, and its layers' groups."""

    model: Model
    feeds: Mapping[str, Array]
    fed: str
    wanted: Mapping[str, Array] | None = None
    groups: Mapping[str, str] = field(default_factory=dict[str, str])


def from_file(path: Path, feeds: Path | None, sample: int) -> Given:
    """A `sample.model`, fed from a file if there is one. Raises BadSession, BadData."""
    if not path.is_file():
        raise BadSession(f"there is no file {path}; for a model of the zoo, name a target too, such as x64-int8")
    model = read(path)
    known = members.beside(path)
    if feeds is not None:
        return Given(model, fed(feeds, model, sample), f"sample {sample} of {feeds}", groups=known)
    return Given(
        model, {entry.name: _noise(entry) for entry in model.inputs}, "noise; --input gives it data", None, known
    )


def fed(path: Path, model: Model, sample: int) -> dict[str, Array]:
    """One batch of each input. Raises BadData."""
    made: dict[str, Array] = {}
    for name, held in samples_for(path, [entry.name for entry in model.inputs]).items():
        shape = next(entry.shape for entry in model.inputs if entry.name == name)
        count = shape[0] if shape else 1
        made[name] = held[sample * count : (sample + 1) * count] if shape else held
        if shape and len(made[name]) < count:
            raise BadData(
                f"{path}: input {name!r} has {len(held) // count} samples, counted from 0; no sample {sample}"
            )
    return made


def _noise(entry: IO) -> Array:
    """The same numbers every time, of no meaning; zeros where they aren't floats. Raises BadSession for texts."""
    if entry.declared != "float32":
        if entry.held == "object" or -1 in entry.shape:
            raise BadSession(f"input {entry.name!r} is {entry.held}; give data with --input")
        return np.zeros(entry.shape, entry.declared)
    return np.random.default_rng(0).standard_normal(entry.shape).astype(np.float32)


def results(path: Path) -> Mapping[str, Array]:
    """A run as a stage wrote it, or a plain `.npz`. Raises DamagedArrays, DamagedResults."""
    if path.with_suffix(".json").is_file():
        return Results.load(path.parent, path.stem).arrays
    return read_npz(path, texts=True)
