"""What a model is fed: samples from an `.npz`, checked against the model's inputs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from compiler.ir.network import Array, Shape
from compiler.npz import read_npz


class BadData(Exception):
    """Calibration or evaluation data don't fit the model; the message names the file, the input and the mend."""


def first_samples(path: Path, inputs: Mapping[str, Shape]) -> dict[str, Array]:
    """
    One batch: the first samples of each input, float32 or the integers they are, of the extents in `inputs`.

    The file holds for each input an array (samples, …). Raises BadData for an absent input, extents that don't fit,
    too few samples, or a value that isn't finite.
    """
    held = samples_for(path, inputs)
    return {name: _batch(f"{path.name}: input {name!r}", held[name], dims) for name, dims in inputs.items()}


def samples_for(path: Path, inputs: Collection[str]) -> dict[str, Array]:
    """The file's arrays of these inputs. Raises BadData for an absent one, DamagedArrays, FileNotFoundError."""
    held = read_npz(path)
    if absent := [name for name in inputs if name not in held]:
        has = ", ".join(held) or "nothing"
        raise BadData(f"{path.name} has no data for input {', '.join(absent)}; it has {has}: name arrays as inputs")
    return {name: held[name] for name in inputs}


def _batch(what: str, samples: Array, dims: Shape) -> Array:
    if samples.shape[1:] != dims[1:] or len(samples) < dims[0]:
        raise BadData(
            f"{what} has samples {list(samples.shape)}; the model wants {list(dims)} at a time; prepare it anew"
        )
    batch = samples[: dims[0]]
    if batch.dtype.kind not in "biu":
        batch = batch.astype(np.float32)
    if not np.isfinite(batch).all():
        raise BadData(f"{what} has NaN or infinity among its first samples; clean the data")
    return batch
