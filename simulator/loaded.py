"""A chip with a model in its memory: what one inference runs on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from simulator.container import DamagedModel
from simulator.dump import Stitcher
from simulator.host_ops import Held
from simulator.isa.table import Engine, Region
from simulator.machine import Observer
from simulator.memory import NUMPY, Array, Memory
from simulator.mismatch import FirstMismatch, Found, Search
from simulator.model_file import IO, Model
from simulator.parts import ready

if TYPE_CHECKING:
    from simulator.checks.watch import Watch


class Loaded:
    """A chip of its own, its weights those of the model, ready for one run after another."""

    def __init__(self, model: Model, watching: Callable[[Sequence[Memory]], Watch] | None = None) -> None:
        """
        Prepare every record; `watching` makes what looks at the data of a chip with these memories, a core each.

        Raises DamagedModel, IllegalRecord, Deadlock, HostFault.
        """
        self.model = model
        self.memory = Memory(model.chip, model.weights, model.activation_bytes, model.io_bytes)
        self.memories = [self.memory, *(self.memory.beside() for _ in model.others)]
        self.watch = None if watching is None else watching(self.memories)
        self._parts = [ready(subnet, model, self.memories, self.watch) for subnet in model.parts]
        placed = (entry for entry in (*model.inputs, *model.outputs) if not entry.held)
        self._homes = {entry.name: self._home(entry) for entry in placed}
        self._fresh = True

    def run(self, feeds: Mapping[str, Array], wanted: Iterable[IO]) -> list[Array]:
        """One batch of stored feeds to stored outputs. Raises IllegalRecord, HostFault."""
        held = self.enter(feeds)
        self.go(held)
        return [held[entry.name] if entry.held else self._homes[entry.name].copy() for entry in wanted]

    def dump(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Every tensor of the debug map, as stored. Raises IllegalRecord, HostFault, BadDump."""
        stitcher, held = Stitcher(self.model.tensors, self.memories), self.enter(feeds)
        for engine in Engine:
            stitcher.snapshot(0, engine, 0)
        self.go(held, stitcher.snapshot)
        return stitcher.tensors(held)

    def enter(self, feeds: Mapping[str, Array]) -> Held:
        """Fresh memory with one batch of the inputs in their places; those that only the host touches, by name."""
        if not self._fresh:
            for memory in self.memories:
                memory.poison()
        self._fresh = False
        for name, home in ((entry.name, self._homes[entry.name]) for entry in self.model.inputs if not entry.held):
            home[...] = feeds[name]
        return {entry.name: feeds[entry.name] for entry in self.model.inputs if entry.held}

    def first_mismatch(self, feeds: Mapping[str, Array], reference: Mapping[str, Array]) -> FirstMismatch | None:
        """Run until a tensor differs from its reference. Raises IllegalRecord, HostFault, BadReference."""
        search, held = Search(self.model, self.memories, reference), self.enter(feeds)
        try:
            for engine in Engine:
                search.observe(0, engine, 0)
            for run in self._parts:
                run(held, search.observe)
                search.look(held)
        except Found as found:
            return found.first
        return None

    def go(self, held: Held, observer: Observer | None = None) -> None:
        """Run every subnet on memory as it is, and on what the host holds."""
        for run in self._parts:
            run(held, observer)

    def _home(self, entry: IO) -> Array:
        """An input or output in the IO region."""
        dtype, region = NUMPY[entry.dtype], self.memory.regions[Region.IO]
        if entry.offset + prod(entry.shape) * dtype.itemsize > region.size:
            raise DamagedModel(f"{entry.name!r} at byte {entry.offset} leaves the IO region of {region.size}")
        return np.ndarray(entry.shape, dtype, region.data, entry.offset)
