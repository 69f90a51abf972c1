"""What a configuration of number formats costs and how good it is: really lowered, scheduled, timed and run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import inf, log10

import numpy as np
from xdsl.dialects.builtin import StringAttr
from xdsl.dialects.func import ReturnOp

from compiler.codegen.assemble import assemble
from compiler.dialects.top.movement import ConcatOp
from compiler.interpreter.results import meaning
from compiler.interpreter.run import run
from compiler.ir.network import Array, Network, name_of, shape
from compiler.lowering.walk import lower
from compiler.quantization.balance import Balance
from compiler.results import Results
from compiler.schedule.addresses import assign
from compiler.schedule.divide import divide
from simulator.chip import Chip
from simulator.concurrent import last_cycle, run_cores
from simulator.model_file import Model
from simulator.profile import profile

Formats = Mapping[str, str]
"""By op, the number format of those that aren't int8."""

Qtable = Mapping[str, str | float]


@dataclass(frozen=True)
class Trial:
    """
    A configuration as it was measured: cycles of the event model; on the samples kept for selection, SQNR in dB, and
    the share of them whose answers (the greatest of each row of the result's last axis) aren't float's.
    """

    formats: Formats
    cycles: int
    sqnr_db: float
    drop: float = 0.0

    def beats(self, other: Trial) -> bool:
        """Whether it takes fewer cycles, or as many with less noise."""
        return (self.cycles, -self.sqnr_db) < (other.cycles, -other.sqnr_db)


class OverBudget(Exception):
    """No more evaluations may be made."""


@dataclass
class Trials:
    """
    Measures configurations of one network for one chip, each once.

    `load` gives the calibrated network anew, `given` are entries that stay in every qtable; `feeds` and `exact`, the
    float network's tensors, are the samples to judge by. `budget` bounds how many are measured.
    """

    load: Callable[[], Network]
    chip: Chip
    given: Qtable
    feeds: Sequence[Mapping[str, Array]]
    exact: Sequence[Mapping[str, Array]]
    budget: int
    io: str = "computed"
    balance: Mapping[str, Balance] = field(default_factory=dict[str, Balance])
    told: Callable[[int, int], None] = lambda done, total: None
    made: dict[tuple[tuple[str, str], ...], Trial] = field(default_factory=dict[tuple[tuple[str, str], ...], Trial])

    def __call__(self, formats: Formats) -> Trial:
        """The measurement of a configuration. Raises OverBudget, DoesNotFit, Unlowerable, BadQtable."""
        key = tuple(sorted(formats.items()))
        if key not in self.made:
            if len(self.made) >= self.budget:
                raise OverBudget
            network = self.lowered(formats)
            quality = self._quality(network)
            self.made[key] = Trial(dict(formats), cycles_of(self.model(network)), *quality)
            self.told(len(self.made), self.budget)
        return self.made[key]

    def lowered(self, formats: Formats) -> Network:
        """The network in these formats."""
        network = self.load()
        lower(network, "mix", {**formats, **self.given}, self.io, self.balance)
        return network

    def model(self, network: Network) -> Model:
        """A lowered network's program for the chip."""
        network.module.attributes["module.chip"] = StringAttr("ALL")
        divide(network, self.chip)
        assign(network)
        return assemble(network, self.chip)

    @cached_property
    def parts(self) -> list[tuple[str, int, slice]]:
        """
        What is judged: the network's last result, or of a Concat, each operand by itself; by name, axis and range.

        Boxes and scores differ so much in magnitude that noise of the whole would say nothing of the smaller.
        """
        network = self.load()
        value = next(op for op in network.ops if isinstance(op, ReturnOp)).operands[-1]
        if not isinstance(value.owner, ConcatOp):
            return [(name_of(value), 0, slice(None))]
        axis = value.owner.axis.value.data
        ends = np.cumsum([shape(operand)[axis] for operand in value.owner.inputs]).tolist()
        return [(name_of(value), axis, slice(a, b)) for a, b in zip([0, *ends], ends, strict=False)]

    def _quality(self, network: Network) -> tuple[float, float]:
        """Over all samples, SQNR of the noisiest part in dB, and the share of other answers than float's."""
        signal, noise, wrong = np.zeros(len(self.parts)), np.zeros(len(self.parts)), 0
        name = self.parts[0][0]
        for feeds, exact in zip(self.feeds, self.exact, strict=True):
            wanted = exact[name].astype(np.float64)
            found = results_of(network, feeds, name).reshape(wanted.shape)
            for i, (_, axis, part) in enumerate(self.parts):
                where = (slice(None),) * axis + (part,)
                signal[i] += (wanted[where] ** 2).sum()
                noise[i] += ((found[where] - wanted[where]) ** 2).sum()
            wrong += not np.array_equal(found.argmax(-1), wanted.argmax(-1))
        least = min(decibels(float(s), float(n)) for s, n in zip(signal, noise, strict=True))
        return least, wrong / max(len(self.feeds), 1)


def results_of(network: Network, feeds: Mapping[str, Array], name: str) -> Array:
    """One tensor of a lowered network's run, as float32."""
    kept = Results({}, {})

    def keep(value: object, array: Array) -> None:
        if name_of(value) == name:  # pyright: ignore[reportArgumentType]
            kept.arrays[name], kept.meanings[name] = array, meaning(value)  # pyright: ignore[reportArgumentType]

    run(network, feeds, keep)
    return kept.real(name)


def decibels(signal: float, noise: float) -> float:
    """10·log₁₀(signal / noise), infinite without noise."""
    return 10 * log10(signal / noise) if noise > 0 and signal > 0 else inf if noise == 0 else -inf


def cycles_of(model: Model) -> int:
    """Of the event model."""
    return last_cycle(run_cores(model.cores, model.chip))


def engines_of(model: Model) -> dict[str, tuple[int, int]]:
    """By layer, cycles of the TIU and of the GDMA."""
    return {layer.layer: (layer.tiu_cycles, layer.gdma_cycles) for layer in profile(model).layers}
