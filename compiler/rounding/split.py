"""Which samples serve for what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Split:
    """
    Samples by number: weights are fitted to some, chosen by those `held`; the network is judged by those to `judge`.

    Of one to three samples all serve for everything, and the places of each are split instead.
    """

    total: int

    @property
    def judge(self) -> tuple[int, ...]:
        """Samples that nothing but the whole network's error is told by."""
        return tuple(i for i in range(self.total) if self.total < 4 or i % 8 == 7 or (self.total < 8 and i == 3))

    @property
    def used(self) -> tuple[int, ...]:
        """Samples to fit to and to choose by."""
        return tuple(i for i in range(self.total) if self.total < 4 or i not in self.judge)

    def held(self, sample: int) -> bool | None:
        """Whether a used sample is one to choose by; None: a quarter of its places is."""
        return None if self.total < 4 else self.used.index(sample) % 4 == 1
