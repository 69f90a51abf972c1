"""A chip with a model in its memory: what one inference runs on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from simulator.device import Device
from simulator.host_ops import Held
from simulator.isa.table import Engine
from simulator.machine import Observer
from simulator.memory import Array, Memory
from simulator.model_file import IO, Model
from simulator.parts import ready

if TYPE_CHECKING:
    from simulator.checks.watch import Watch
    from simulator.mismatch import FirstMismatch


class Loaded:
    """A chip of its own, its weights those of the model, ready for one run after another."""

    def __init__(self, model: Model, watching: Callable[[Sequence[Memory]], Watch] | None = None) -> None:
        """
        Prepare every record; `watching` makes what looks at the data of a chip with these memories, a core each.

        Raises DamagedModel, IllegalRecord, Deadlock, HostFault.
        """
        self.model = model
        self._device = Device(model)
        self.memories = self._device.memories
        self.watch = None if watching is None else watching(self.memories)
        self._parts = [ready(subnet, model, self.memories, self.watch) for subnet in model.parts]
        self._fresh = True

    def run(self, feeds: Mapping[str, Array], wanted: Iterable[IO]) -> list[Array]:
        """One batch of stored feeds to stored outputs. Raises IllegalRecord, HostFault."""
        held = self.enter(feeds)
        self.go(held)
        return [held[entry.name] if entry.held else self._device.homes[entry.name].copy() for entry in wanted]

    def dump(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Every tensor of the debug map, as stored. Raises IllegalRecord, HostFault, BadDump."""
        from simulator.dump import Stitcher

        stitcher, held = Stitcher(self.model.tensors, self.memories), self.enter(feeds)
        for engine in Engine:
            stitcher.snapshot(0, engine, 0)
        self.go(held, stitcher.snapshot)
        return stitcher.tensors(held)

    def enter(self, feeds: Mapping[str, Array]) -> Held:
        """Fresh memory with one batch of the inputs in their places; those that only the host touches, by name."""
        if not self._fresh:
            self._device.poison()
        self._fresh = False
        return self._device.feed(feeds)

    def first_mismatch(self, feeds: Mapping[str, Array], reference: Mapping[str, Array]) -> FirstMismatch | None:
        """Run until a tensor differs from its reference. Raises IllegalRecord, HostFault, BadReference."""
        from simulator.mismatch import Found, Search

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
