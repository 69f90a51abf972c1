"""PyRuntime: a `sample.model` run on the simulated chip, in onnxruntime's manner."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np

from simulator import host
from simulator.arithmetic.threads import limited, number
from simulator.execute.site import IllegalRecord
from simulator.host import Feeds, Info
from simulator.loaded import Loaded
from simulator.memory import Array
from simulator.model_file import IO, Model, read

if TYPE_CHECKING:
    from simulator.checks.finding import Finding
    from simulator.checks.session import Checking
    from simulator.mismatch import FirstMismatch
    from simulator.profile import Profile


class ClosedSession(RuntimeError):
    """A session is used after it was closed."""


class PyRuntime:
    """
    A session: a model on chips of its own. Weights are mapped from the file, not copied.

    Calls from several threads run side by side, each on a chip that the session makes when none is free; nothing is
    shared by them but the weights, and nothing by sessions but the machine code of kernels.
    """

    def __init__(
        self, model: Model | Path | str, checked: bool = False, collect: bool = False, threads: int | None = None
    ) -> None:
        """
        Load a model, or the file of one, and prepare every record.

        If `checked`, the program is proven sound first, and each run's data are looked at (docs/checks.md): findings
        are raised as Faulty, or with `collect` kept in `findings` alone. A call works with so many `threads`, as many
        as there are cores if not said; the results have the same bits.
        Raises DamagedModel, FileNotFoundError, IllegalRecord, Deadlock, HostFault, Faulty.
        """
        self.model = model if isinstance(model, Model) else read(Path(model))
        self._checking = _checking(self.model, collect) if checked else None
        self._reporting, self._threads = Lock(), threads
        self._free: deque[Loaded] | None = deque([self._loaded()])

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
        multiple of the network's: then a chip runs once a batch, several side by side if there are threads for them,
        and outputs are put together along their first axis. Outputs are float32, or with `raw` as stored.
        Raises host.BadFeed, HostFault, ClosedSession, Faulty.
        """
        wanted = host.chosen(self.model.outputs, output_names)
        given = host.named(self.model.inputs, feeds)
        count = host.batches(self.model.inputs, given)
        if count > 1 and (grown := [repr(entry.name) for entry in wanted if -1 in entry.shape]):
            raise host.BadFeed(f"{count} batches: the extents of {', '.join(grown)} depend on the data; feed one")
        stored = {entry.name: host.stored(entry, given[entry.name]) for entry in self.model.inputs}
        runs = self._runs([self._batch(stored, i) for i in range(count)], wanted)
        results = [arrays[0] if count == 1 else np.concatenate(arrays) for arrays in zip(*runs, strict=True)]
        return results if raw else [host.real(entry, array) for entry, array in zip(wanted, results, strict=True)]

    def dump(self, feeds: Feeds) -> dict[str, Array]:
        """
        Every tensor of the debug map by name, as stored, for one batch.

        Raises host.BadFeed, HostFault, BadDump, ClosedSession, Faulty.
        """
        stored = host.one_batch(self.model.inputs, feeds, "a dump")
        with limited(self._threads), self._chip() as chip:
            return chip.dump(stored)

    def first_mismatch(self, feeds: Feeds, reference: Mapping[str, Array] | Path | str) -> FirstMismatch | None:
        """
        The first slice of a tensor that the run makes otherwise than the reference has it; None if there is none.

        The reference is of one batch, arrays by tensor name as stored or an `.npz` of them, such as the TPU network's
        results; it needn't have all. No more is run than up to there.
        Raises host.BadFeed, BadReference, HostFault, ClosedSession, Faulty.
        """
        stored = host.one_batch(self.model.inputs, feeds, "a search")
        if not isinstance(reference, Mapping):
            with np.load(reference) as file:
                reference = dict(file)
        with limited(self._threads), self._chip() as chip:
            return chip.first_mismatch(stored, reference)

    def profile(self) -> Profile:
        """Cycles and bytes by engine and layer: the cycle model's, without running the model."""
        from simulator.profile import profile

        return profile(self.model)

    def close(self) -> None:
        """Give the chips' memory back; no call is possible afterwards."""
        self._free = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _chip(self) -> Generator[Loaded]:
        """A chip that nobody else has meanwhile; what the checks found in its run is told at the end. Raises Faulty."""
        if (free := self._free) is None:
            raise ClosedSession("this session was closed; make another")
        try:
            chip = free.pop()
        except IndexError:
            chip = self._loaded()
        try:
            yield chip
        except Exception as error:
            self._report(chip, last=isinstance(error, IllegalRecord))
            raise
        else:
            self._report(chip)
        finally:
            free.append(chip)

    def _loaded(self) -> Loaded:
        return Loaded(self.model, None if self._checking is None else self._checking.watch)

    def _runs(self, batches: Sequence[Mapping[str, Array]], wanted: Sequence[IO]) -> list[list[Array]]:
        """The stored outputs of each batch: side by side on one thread each, a single one on all threads."""
        with limited(self._threads):
            side_by_side = min(number(), len(batches))
            if side_by_side <= 1:
                return [self._one(batch, wanted) for batch in batches]
        from concurrent.futures import ThreadPoolExecutor

        def alone(batch: Mapping[str, Array]) -> list[Array]:
            with limited(1):
                return self._one(batch, wanted)

        with ThreadPoolExecutor(side_by_side) as pool:
            return list(pool.map(alone, batches))

    def _one(self, batch: Mapping[str, Array], wanted: Sequence[IO]) -> list[Array]:
        with self._chip() as chip:
            return chip.run(batch, wanted)

    def _report(self, chip: Loaded, last: bool = False) -> None:
        """Raise what the checks found in a run, as they are told to; the `last` one can't go on."""
        if self._checking is not None and chip.watch is not None:
            with self._reporting:
                self._checking.enter(chip.watch.take(), last)

    def _batch(self, stored: Mapping[str, Array], number: int) -> dict[str, Array]:
        """One batch of stored feeds."""
        counts = {entry.name: entry.shape[0] for entry in self.model.inputs if entry.shape}
        return {
            name: array[number * counts[name] : (number + 1) * counts[name]] if name in counts else array
            for name, array in stored.items()
        }


def _checking(model: Model, collect: bool) -> Checking:
    """A session's checks, which are imported with the first one that wants any."""
    from simulator.checks.session import Checking

    return Checking(model, collect)
