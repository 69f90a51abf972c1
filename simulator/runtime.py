"""PyRuntime: a `sample.model` run on the simulated chip, in onnxruntime's manner."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from pathlib import Path
from threading import Lock

import numpy as np

from simulator import host
from simulator.dump import Stitcher
from simulator.host import Feeds, Info
from simulator.isa.table import Engine, Region
from simulator.machine import Machine
from simulator.memory import NUMPY, Array, Memory
from simulator.model_file import IO, DamagedModel, Model, read
from simulator.profile import Profile, profile


class PyRuntime:
    """
    A session: a chip of its own with the model loaded. Weights are mapped from the file, not copied.

    Several sessions may run at once; calls of one session wait for each other.
    """

    def __init__(self, model: Model | Path | str) -> None:
        """
        Load a model, or the file of one, and check every record.

        Raises DamagedModel, FileNotFoundError, IllegalRecord, Deadlock.
        """
        self.model = model if isinstance(model, Model) else read(Path(model))
        self.memory = Memory(self.model.chip, self.model.weights, self.model.activation_bytes, self.model.io_bytes)
        self.machine = Machine(self.memory, self.model.tiu, self.model.gdma)
        self._homes = {entry.name: self._home(entry) for entry in (*self.model.inputs, *self.model.outputs)}
        self._lock = Lock()

    def get_inputs(self) -> list[Info]:
        """The network's inputs in order."""
        return [host.described(entry) for entry in self.model.inputs]

    def get_outputs(self) -> list[Info]:
        """The network's outputs in order."""
        return [host.described(entry) for entry in self.model.outputs]

    def run(self, output_names: Sequence[str] | None, feeds: Feeds, raw: bool = False) -> list[Array]:
        """
        The outputs of these names (None: all) for feeds by name or in order.

        A feed is float32, quantised on the host, or already of the input's storage type. Its leading extent may be a
        multiple of the network's: then the chip runs once a batch, and outputs are put together along their first axis.
        Outputs are float32, or with `raw` as stored. Raises host.BadFeed.
        """
        wanted = host.chosen(self.model.outputs, output_names)
        given = host.named(self.model.inputs, feeds)
        count = host.batches(self.model.inputs, given)
        stored = {entry.name: host.stored(entry, given[entry.name]) for entry in self.model.inputs}
        with self._lock:
            runs = [self._one(stored, i, wanted) for i in range(count)]
        results = [arrays[0] if count == 1 else np.concatenate(arrays) for arrays in zip(*runs, strict=True)]
        return results if raw else [host.real(entry, array) for entry, array in zip(wanted, results, strict=True)]

    def dump(self, feeds: Feeds) -> dict[str, Array]:
        """Every tensor of the debug map by name, as stored, for one batch. Raises host.BadFeed, dump.BadDump."""
        given = host.named(self.model.inputs, feeds)
        if (count := host.batches(self.model.inputs, given)) != 1:
            raise host.BadFeed(f"a dump is of one batch, not {count}")
        stored = {entry.name: host.stored(entry, given[entry.name]) for entry in self.model.inputs}
        with self._lock:
            stitcher = Stitcher(self.model.tensors, self.memory)
            self._enter(stored, 0)
            for engine in Engine:
                stitcher.snapshot(engine, 0)
            self.machine.run(stitcher.snapshot)
            return stitcher.tensors()

    def profile(self) -> Profile:
        """Cycles and bytes by engine and layer: the cycle model's, without running the model."""
        return profile(self.model)

    def _one(self, stored: dict[str, Array], batch: int, wanted: Sequence[IO]) -> list[Array]:
        self._enter(stored, batch)
        self.machine.run()
        return [self._homes[entry.name].copy() for entry in wanted]

    def _enter(self, stored: dict[str, Array], batch: int) -> None:
        """Fresh memory with one batch of the inputs in their places."""
        self.memory.poison()
        for entry in self.model.inputs:
            samples = entry.shape[0] if entry.shape else 1
            whole = stored[entry.name]
            self._homes[entry.name][...] = whole[batch * samples : (batch + 1) * samples] if entry.shape else whole

    def _home(self, entry: IO) -> Array:
        """An input or output in the IO region."""
        dtype, region = NUMPY[entry.dtype], self.memory.regions[Region.IO]
        if entry.offset + prod(entry.shape) * dtype.itemsize > region.size:
            raise DamagedModel(f"{entry.name!r} at byte {entry.offset} leaves the IO region of {region.size}")
        return np.ndarray(entry.shape, dtype, region.data, entry.offset)
