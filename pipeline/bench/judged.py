"""Figures that are to reach something: a bar that must be met, and a goal beyond it."""

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.bench.report import Row

MISSED = "missed"


@dataclass(frozen=True)
class Wanted:
    """What a figure is to reach, at least, or at most where `less` is better: what it must, and what it should."""

    bar: float
    goal: float
    less: bool = False

    def verdict(self, value: float) -> str:
        """Which of them a figure reaches."""
        sign = -1 if self.less else 1
        return "goal" if sign * value >= sign * self.goal else "bar" if sign * value >= sign * self.bar else MISSED


@dataclass(frozen=True)
class Judged(Row):
    """A measurement with what it is to reach, if anything, and what is to be said of it."""

    bar: float | None = None
    goal: float | None = None
    verdict: str = ""


def judged(case: str, metric: str, value: float, unit: str, wanted: Wanted | None = None) -> Judged:
    """The row of a figure."""
    if wanted is None:
        return Judged(case, metric, value, unit)
    return Judged(case, metric, value, unit, wanted.bar, wanted.goal, wanted.verdict(value))


def missed(measured: Iterable[Judged]) -> bool:
    """Whether a figure misses its bar."""
    return any(row.verdict == MISSED for row in measured)
