"""PyRuntime: a `sample.model` run on the simulated chip, in onnxruntime's manner."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from simulator import host
from simulator.container import DamagedModel
from simulator.cores import Streams, sends
from simulator.dump import Stitcher
from simulator.execute.site import IllegalRecord
from simulator.host import Feeds, Info
from simulator.host_ops import Held, HostOp
from simulator.isa.record import Records
from simulator.isa.table import SPECS, Engine, Region
from simulator.machine import Machine, Observer, Watch
from simulator.memory import NUMPY, Array, Memory
from simulator.model_file import IO, Model, read
from simulator.profile import Profile, profile
from simulator.subnets import ChipSubnet, HostSubnet, Subnet

if TYPE_CHECKING:
    from simulator.checks.finding import Finding
    from simulator.checks.session import Checking

Part = Callable[[Held, Observer | None], None]
"""A subnet ready to run: on memory, and on the tensors that the host holds beside it."""


class PyRuntime:
    """
    A session: a chip of its own with the model loaded. Weights are mapped from the file, not copied.

    Several sessions may run at once; calls of one session wait for each other.
    """

    def __init__(self, model: Model | Path | str, checked: bool = False, collect: bool = False) -> None:
        """
        Load a model, or the file of one, and prepare every record.

        If `checked`, the program is proven sound first, and each run's data are looked at (docs/checks.md): findings
        are raised as Faulty, or with `collect` kept in `findings` alone.
        Raises DamagedModel, FileNotFoundError, IllegalRecord, Deadlock, HostFault, Faulty.
        """
        self.model = model if isinstance(model, Model) else read(Path(model))
        self.memory = Memory(self.model.chip, self.model.weights, self.model.activation_bytes, self.model.io_bytes)
        self._memories = [self.memory, *(self.memory.beside() for _ in self.model.others)]
        self._checking, self._watch = _checking(self.model, collect) if checked else None, None
        if self._checking is not None:
            self._watch = self._checking.watch(self._memories)
        self._parts = [_part(subnet, self.model, self._memories, self._watch) for subnet in self.model.parts]
        placed = (entry for entry in (*self.model.inputs, *self.model.outputs) if not entry.held)
        self._homes = {entry.name: self._home(entry) for entry in placed}
        self._lock = Lock()

    @property
    def findings(self) -> Sequence[Finding]:
        """What a checked session found so far, in the program and in the data of all runs."""
        return self._checking.findings if self._checking else ()

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
        Outputs are float32, or with `raw` as stored. Raises host.BadFeed, HostFault.
        """
        wanted = host.chosen(self.model.outputs, output_names)
        given = host.named(self.model.inputs, feeds)
        count = host.batches(self.model.inputs, given)
        if count > 1 and (grown := [repr(entry.name) for entry in wanted if -1 in entry.shape]):
            raise host.BadFeed(f"{count} batches: the extents of {', '.join(grown)} depend on the data; feed one")
        stored = {entry.name: host.stored(entry, given[entry.name]) for entry in self.model.inputs}
        with self._lock:
            runs = [self._one(stored, i, wanted) for i in range(count)]
        results = [arrays[0] if count == 1 else np.concatenate(arrays) for arrays in zip(*runs, strict=True)]
        return results if raw else [host.real(entry, array) for entry, array in zip(wanted, results, strict=True)]

    def dump(self, feeds: Feeds) -> dict[str, Array]:
        """Every tensor of the debug map by name, as stored, for one batch. Raises host.BadFeed, HostFault, BadDump."""
        given = host.named(self.model.inputs, feeds)
        if (count := host.batches(self.model.inputs, given)) != 1:
            raise host.BadFeed(f"a dump is of one batch, not {count}")
        stored = {entry.name: host.stored(entry, given[entry.name]) for entry in self.model.inputs}
        with self._lock:
            stitcher = Stitcher(self.model.tensors, self._memories)
            held = self._enter(stored, 0)
            for engine in Engine:
                stitcher.snapshot(0, engine, 0)
            for run in self._parts:
                run(held, stitcher.snapshot)
            return stitcher.tensors(held)

    def profile(self) -> Profile:
        """Cycles and bytes by engine and layer: the cycle model's, without running the model."""
        return profile(self.model)

    def _one(self, stored: dict[str, Array], batch: int, wanted: Sequence[IO]) -> list[Array]:
        held = self._enter(stored, batch)
        try:
            for run in self._parts:
                run(held, None)
        except IllegalRecord:
            self._report(last=True)
            raise
        self._report()
        return [held[entry.name] if entry.held else self._homes[entry.name].copy() for entry in wanted]

    def _report(self, last: bool = False) -> None:
        """Raise what the checks found in a run, as they are told to; the `last` one can't go on."""
        if self._checking is not None and self._watch is not None:
            self._checking.enter(self._watch.take(), last)

    def _enter(self, stored: dict[str, Array], batch: int) -> Held:
        """Fresh memory with one batch of the inputs in their places; those that only the host touches, by name."""
        for memory in self._memories:
            memory.poison()
        held = Held()
        for entry in self.model.inputs:
            samples = entry.shape[0] if entry.shape else 1
            whole = stored[entry.name]
            one = whole[batch * samples : (batch + 1) * samples] if entry.shape else whole
            if entry.held:
                held[entry.name] = one
            else:
                self._homes[entry.name][...] = one
        return held

    def _home(self, entry: IO) -> Array:
        """An input or output in the IO region."""
        dtype, region = NUMPY[entry.dtype], self.memory.regions[Region.IO]
        if entry.offset + prod(entry.shape) * dtype.itemsize > region.size:
            raise DamagedModel(f"{entry.name!r} at byte {entry.offset} leaves the IO region of {region.size}")
        return np.ndarray(entry.shape, dtype, region.data, entry.offset)


def _checking(model: Model, collect: bool) -> Checking:
    """A session's checks, which are imported with the first one that wants any."""
    from simulator.checks.session import Checking

    return Checking(model, collect)


def _part(subnet: Subnet, model: Model, memories: Sequence[Memory], watch: Watch | None) -> Part:
    """A subnet made ready. Raises IllegalRecord, Deadlock, HostFault."""
    if isinstance(subnet, HostSubnet):
        op = HostOp(subnet, memories[0])
        return lambda held, _: op.run(held)
    first = [{Engine.TIU: tiu[0], Engine.GDMA: gdma[0]} for tiu, gdma in subnet.cores]
    own = [_own(model.cores, core, subnet) for core in range(len(model.cores))]
    machine = Machine(memories, own, watch=watch and _counted(watch, first))

    def run(held: Held, observer: Observer | None) -> None:
        machine.run(observer and (lambda core, engine, number: observer(core, engine, first[core][engine] + number)))

    return run


def _counted(watch: Watch, first: Sequence[Mapping[Engine, int]]) -> Watch:
    """A watch of a subnet's records, told of them by their places in the whole streams."""
    return lambda turn, command, step: watch(turn._replace(at=first[turn.core][turn.engine] + turn.at), command, step)


def _own(cores: Sequence[Streams], core: int, subnet: ChipSubnet) -> Streams:
    """A core's records in a subnet, waits and messages counted from the subnet's first records."""
    tiu, gdma = subnet.cores[core]
    moves = _since(cores[core].gdma[slice(*gdma)], tiu[0])
    waiting = moves["op"] == SPECS["WAIT"].code
    if subnet.later and waiting.any():
        sent = [len(sends(other.gdma[: own[1][0]])) for other, own in zip(cores, subnet.cores, strict=True)]
        before = np.array(sent)[moves["u"][waiting, 0]]
        moves = moves.copy()
        moves["i"][waiting, 0] = np.maximum(moves["i"][waiting, 0] - before, 0)
    return Streams(_since(cores[core].tiu[slice(*tiu)], gdma[0]), moves)


def _since(records: Records, before: int) -> Records:
    """Records whose waits count from the other engine's first record of the subnet, which `before` others precede."""
    if not before:
        return records
    own = records.copy()
    own["wait"] = np.maximum(records["wait"].astype(np.int64) - before, 0)
    return own
