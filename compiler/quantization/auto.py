"""
Method `auto`: of each tensor's ranges, as the methods have them, those that serve the results best.

The methods are first tried for all tensors at once, then in ever smaller blocks of neighbouring tensors. A change has
to help on one half of the samples by more than chance does, and what comes out, or another method for all, has to help
on the other half by more than chance too: else the first method serves all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from compiler.ir.network import Array
from compiler.quantization.chance import is_gain
from compiler.quantization.loss import Loss, Part
from compiler.quantization.simulated import Simulated
from compiler.quantization.simulated_model import Choice

Feeds = Mapping[str, Array]
Methods = Mapping[str, str]
"""A method for each tensor."""

SAMPLES = 32
"""The most in each half."""
SURE = 2.0
"""Standard errors that a change's mean gain in dB has to be above zero."""
SURE_IN_ALL = 1.0
"""The same of all changes together, over samples that none was chosen by."""
LEAST = 0.02
"""The least gain, dB."""
FAR = 6.0
"""A method so many dB worse than the best for all tensors isn't tried for some."""


def samples_for(runs: int, methods: int, total: int) -> list[int]:
    """Which of `total` samples are looked at, halves in turn: on these each method takes a quarter of the runs."""
    count = min(2 * max(min(runs // (8 * methods), SAMPLES), 2), total)
    return sorted({i * total // count for i in range(count)})


@dataclass
class Search:
    """
    `candidates`: for each method, the usual one first, the types of all tensors. `feeds` and the `wanted` results of
    the samples.

    `runs` of a sample are made until no further change is tried.
    """

    simulated: Simulated
    parts: list[Part]
    candidates: Mapping[str, Choice]
    feeds: Sequence[Feeds]
    wanted: Sequence[Feeds]
    runs: int
    spent: int = field(default=0, init=False)

    def best(self) -> Methods:
        """A method for every tensor that has a type by some."""
        one, other = range(0, len(self.feeds), 2), range(1, len(self.feeds), 2)
        judges = other if len(other) else one
        names = [name for name in self.simulated.types if all(name in types for types in self.candidates.values())]
        singles = {method: dict.fromkeys(names, method) for method in self.candidates}
        losses = {method: self._losses(all_alike, one) for method, all_alike in singles.items()}
        first = min(losses, key=lambda method: float(losses[method].mean()))
        near = [m for m in losses if losses[m].mean() < losses[first].mean() + FAR]
        found = self._improved(dict(singles[first]), losses[first], near, self._groups(names), one)
        judged = [(methods, self._losses(methods, judges)) for methods in (found, *singles.values())]
        best, least = min(judged, key=lambda each: float(each[1].mean()))
        usual, own = judged[1]
        return best if is_gain(own - least, SURE_IN_ALL, LEAST) else usual

    def _improved(
        self, methods: dict[str, str], losses: Array, tried: Sequence[str], groups: list[list[str]], samples: range
    ) -> dict[str, str]:
        """Blocks of groups take another method where that helps; they are halved until the runs are spent."""
        blocks = _halves([groups])
        while blocks:
            for block in blocks:
                for method in tried:
                    changed = methods | {name: method for group in block for name in group}
                    if self.spent >= self.runs:
                        return methods
                    if all(self._alike(name, methods[name], changed[name]) for name in changed):
                        continue
                    made = self._losses(changed, samples)
                    if is_gain(losses - made, SURE, LEAST):
                        methods, losses = changed, made
            blocks = _halves(blocks)
        return methods

    def _groups(self, names: Sequence[str]) -> list[list[str]]:
        """Tensors that share their type by every method."""
        found = dict[tuple[object, ...], list[str]]()
        for name in names:
            found.setdefault(tuple(types[name] for types in self.candidates.values()), []).append(name)
        return list(found.values())

    def _alike(self, name: str, method: str, other: str) -> bool:
        return self.candidates[method][name] == self.candidates[other][name]

    def _losses(self, methods: Methods, samples: Sequence[int]) -> Array:
        """
        The results' noise of each sample, dB below the signal with the sign turned: less is better.

        Weights are in float, so that the noise of activations shows: theirs is the rounding's to lessen.
        """
        types = {**self.simulated.types, **{name: self.candidates[method][name] for name, method in methods.items()}}
        made = list[float]()
        for i in samples:
            loss = Loss(self.parts)
            loss.add(self.wanted[i], self.simulated.run(self.feeds[i], types, ()))
            made.append(-loss.sqnr_db)
        self.spent += len(made)
        return np.array(made)


def _halves(blocks: list[list[list[str]]]) -> list[list[list[str]]]:
    """Each block as two; those of one group are done."""
    large = [block for block in blocks if len(block) > 1]
    return [half for block in large for half in (block[: len(block) // 2], block[len(block) // 2 :])]
