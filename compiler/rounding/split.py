"""Which samples serve for what."""

from __future__ import annotations

from dataclasses import dataclass

LEAST = 4
"""Samples below which there is nothing to choose and to judge by."""


@dataclass(frozen=True)
class Split:
    """
    Samples by number: weights are fitted to some, chosen by those `held`; the network is judged by those to `judge`.

    There are `LEAST` or more.
    """

    total: int

    @property
    def judge(self) -> tuple[int, ...]:
        """Samples that nothing but the whole network's error is told by."""
        return tuple(i for i in range(self.total) if i % 8 == 7 or (self.total < 8 and i == 3))

    @property
    def used(self) -> tuple[int, ...]:
        """Samples to fit to and to choose by."""
        return tuple(i for i in range(self.total) if i not in self.judge)

    def held(self, sample: int) -> bool:
        """Whether a used sample is one to choose by."""
        return self.used.index(sample) % 4 == 1
