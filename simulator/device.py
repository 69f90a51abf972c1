"""A chip's memories with a model in them, and where its inputs and outputs lie there."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from simulator.container import DamagedModel
from simulator.host_ops import Held
from simulator.isa.table import Region
from simulator.memory import NUMPY, Array, Bytes, Memory
from simulator.model_file import IO, Model


class Device:
    """The memories of a chip of its own, core by core; the global regions are shared by all cores."""

    def __init__(self, model: Model, weights: Bytes | None = None) -> None:
        """`weights` are the model's own unless others are given, such as a copy to write to. Raises DamagedModel."""
        held = model.weights if weights is None else weights
        self.memory = Memory(model.chip, held, model.activation_bytes, model.io_bytes)
        self.memories = [self.memory, *(self.memory.beside() for _ in model.others)]
        self._inputs = model.inputs
        placed = (entry for entry in (*model.inputs, *model.outputs) if not entry.held)
        self.homes = {entry.name: self._home(entry) for entry in placed}

    def poison(self) -> None:
        """Overwrite everything but the weights."""
        for memory in self.memories:
            memory.poison()

    def feed(self, feeds: Mapping[str, Array]) -> Held:
        """Put one batch of stored inputs in their places; returns those that only the host touches."""
        for name, home in ((entry.name, self.homes[entry.name]) for entry in self._inputs if not entry.held):
            home[...] = feeds[name]
        return {entry.name: feeds[entry.name] for entry in self._inputs if entry.held}

    def _home(self, entry: IO) -> Array:
        """An input or output in the IO region."""
        dtype, region = NUMPY[entry.dtype], self.memory.regions[Region.IO]
        if entry.offset + prod(entry.shape) * dtype.itemsize > region.size:
            raise DamagedModel(f"{entry.name!r} at byte {entry.offset} leaves the IO region of {region.size}")
        return np.ndarray(entry.shape, dtype, region.data, entry.offset)
