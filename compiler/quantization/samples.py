"""Calibration data, batch by batch, checked before it is fed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from compiler.feeds import BadData, samples_for
from compiler.ir.network import Array, Shape


def batches(path: Path, inputs: Mapping[str, Shape], limit: int) -> tuple[int, Iterator[dict[str, Array]]]:
    """
    How many batches there are, and the batches, of the extents in `inputs`: float32, or the integers an input has.

    The file holds for each input an array (samples, …), of which the first `limit` are used; a batch takes as many as
    the network's first extent, and what is left of it goes unused. Raises BadData at once for an absent input, extents
    that don't fit or too few samples, and on the way for a sample that isn't finite.
    """
    data = samples_for(path, inputs)
    for name, dims in inputs.items():
        if data[name].shape[1:] != dims[1:]:
            raise BadData(
                f"{path.name}: input {name!r} has samples of {list(data[name].shape[1:])}, the model wants "
                f"{list(dims[1:])}; prepare the data again"
            )
    counts = {name: min(limit, len(data[name])) // dims[0] for name, dims in inputs.items()}
    total = min(counts.values())
    if total < 1:
        raise BadData(f"{path.name} has too few samples for a batch of the model; calibrate with more")
    return total, (_batch(path.name, data, inputs, i) for i in range(total))


def _batch(file: str, data: Mapping[str, Array], inputs: Mapping[str, Shape], index: int) -> dict[str, Array]:
    made: dict[str, Array] = {}
    for name, dims in inputs.items():
        first = index * dims[0]
        batch = data[name][first : first + dims[0]]
        made[name] = batch if batch.dtype.kind in "biu" else batch.astype(np.float32)
        finite = np.isfinite(made[name]).reshape(dims[0], -1).all(1)
        if not finite.all():
            bad = first + int(np.argmin(finite))
            raise BadData(f"{file}: input {name!r}, sample {bad} has NaN or infinity; clean the data")
    return made
