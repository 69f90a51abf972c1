"""From a calibrated network and a goal to the formats of its ops, and the curve of all that was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from xdsl.ir import Operation

from compiler.dialects.host import HostOp
from compiler.dialects.quant import UniformType
from compiler.dialects.top.base import PassesValues
from compiler.dialects.top.elementwise import Elementwise
from compiler.dialects.tpu.base import TpuOp
from compiler.ir.network import Network, name_of
from compiler.ir.storage import is_quantised, uniform
from compiler.lowering.walk import lower
from compiler.mixed.candidates import HALF, Space, space
from compiler.mixed.costs import engines
from compiler.mixed.noise import Noises, noises
from compiler.mixed.search import Estimates, cheapest, prices_of, ranked
from compiler.mixed.trial import Trial, Trials

CAST = "_int8"
"""Ends the name of a float tensor's copy in 8 bits."""


@dataclass(frozen=True)
class Goal:
    """What a configuration has to reach: the least SQNR in dB, the largest share of answers that aren't float's."""

    sqnr_db: float | None = None
    drop: float | None = None

    def reaches(self, trial: Trial) -> bool:
        """Whether it does."""
        good = self.sqnr_db is None or trial.sqnr_db >= self.sqnr_db
        return good and (self.drop is None or trial.drop <= self.drop)


@dataclass(frozen=True)
class Choice:
    """The configuration chosen, int8 to hold it against, and the noise that each tensor brings in by itself."""

    best: Trial
    int8: Trial
    noises: Noises


def choose(trials: Trials, goal: Goal, name: str) -> Choice:
    """The cheapest configuration found that reaches the goal. Raises OutOfReach."""
    int8 = trials({})
    if goal.reaches(int8):
        return Choice(int8, int8, Noises({}, {}))
    there, found = seen(trials)
    ops = sorted({each for candidate in there.candidates for each in candidate.formats} | there.contractions)
    prices = prices_of(engines(trials, ops), int8.cycles)
    estimates = Estimates(found, prices)
    half = replace(there, candidates=tuple(each for each in there.candidates if each.format == HALF))
    # One float region has fewer borders than many: so from the front and from the back as well.
    regions = [half.candidates, half.candidates[::-1]]
    orders = [ranked(there, estimates), *regions, ranked(half, estimates)]
    return Choice(cheapest(trials, goal.reaches, orders, name), int8, found)


def seen(trials: Trials) -> tuple[Space, Noises]:
    """What there is to choose from, and the noise of each tensor of the int8 network by itself."""
    lowered, network = trials.load(), trials.load()
    contracted = lower(lowered, "mix", trials.given, trials.io, trials.balance)
    types = _stored(lowered, network)
    there = space(network, types, _together(lowered, network))
    if any(isinstance(op, HostOp) for op in network.ops):
        return there, Noises({}, {})
    held = {name: types[name] for name in there.readers if name in types}
    return there, noises(network, held, contracted, trials.feeds, trials.exact, trials.parts)


def _stored(lowered: Network, network: Network) -> dict[str, UniformType]:
    """The tensors of the network before lowering that are stored in 8 bits, or read so after a cast."""
    names = {name_of(value) for op in network.ops for value in op.results}
    found = dict[str, UniformType]()
    for op in lowered.ops:
        for value in filter(is_quantised, op.results):
            name = name_of(value).removesuffix(CAST)
            if name in names:
                found.setdefault(name, uniform(value))
    for made, group in _folded(lowered, network):
        # A view of the last one, which nobody reads by its own name.
        if group and is_quantised(made.output):
            found.setdefault(name_of(group[-1]), uniform(made.output))
    return found


def _together(lowered: Network, network: Network) -> list[Sequence[Operation]]:
    """Ops of which lowering made one, other than chains of elementwise ones."""
    return [group for _, group in _folded(lowered, network)]


def _folded(lowered: Network, network: Network) -> list[tuple[TpuOp, Sequence[Operation]]]:
    """Ops that compute something else than elementwise things, and that one was made of, by that one."""
    ops = {name_of(op): op for op in network.ops if not op.has_trait(PassesValues)}
    made = [op for op in lowered.ops if isinstance(op, TpuOp) and op.folds]
    groups = [(op, [ops[name.data] for name in op.folds or () if name.data in ops]) for op in made]
    return [each for each in groups if not all(isinstance(op, Elementwise) for op in each[1])]
