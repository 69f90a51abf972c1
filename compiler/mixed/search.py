"""
The fewest cycles that reach a goal: greedy by gain over price, then what isn't needed is taken out again.

Gains and prices are estimates: the noise of each tensor by itself, and engine cycles of whole schedules in one format.
They only order the candidates. Every configuration that is compared, kept or reported has been measured.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from compiler.mixed.candidates import Candidate, Space, merged
from compiler.mixed.noise import Noises
from compiler.mixed.trial import Formats, OverBudget, Trial

Start = tuple[Trial, Sequence[Candidate]]
"""A measured configuration, and the candidates it is made of."""


class OutOfReach(ValueError):
    """No configuration reaches the goal; the message says what is the best, and what it costs."""


class Measure(Protocol):
    """What measures a configuration."""

    def __call__(self, formats: Formats) -> Trial:
        """The measurement. Raises OverBudget."""
        ...


@dataclass(frozen=True)
class Estimates:
    """What orders candidates: the noise of tensors and weights, and by op and format the price in cycles."""

    noises: Noises
    prices: Callable[[str, str], float]

    def price(self, formats: Formats, more: Formats) -> float:
        """Of going from `formats` to both."""
        after = merged(formats, more)
        changed = [(name, wanted) for name, wanted in after.items() if formats.get(name) != wanted]
        return max(sum(self.prices(name, wanted) for name, wanted in changed), 1.0)


def ranked(space: Space, estimates: Estimates, *, priced: bool = True) -> list[Candidate]:
    """
    Candidates in the order in which greedy takes them: most noise taken away for the price, or by the noise alone.

    Lazily: what was best of all before is looked at again only when it comes up.
    """
    formats, taken = dict[str, str](), list[Candidate]()

    def worth(candidate: Candidate) -> float:
        after = merged(formats, candidate.formats)
        before = estimates.noises.of(space.stored(formats), space.rounded(formats))
        left = estimates.noises.of(space.stored(after), space.rounded(after))
        worst = int(before.argmax())
        gain = float(before[worst] - left[worst])
        return gain / estimates.price(formats, candidate.formats) if priced else gain

    heap = [(-worth(each), i) for i, each in enumerate(space.candidates)]
    heapq.heapify(heap)
    while heap:
        _, i = heapq.heappop(heap)
        own = worth(space.candidates[i])
        if own <= 0:
            continue
        if heap and -heap[0][0] > own:
            heapq.heappush(heap, (-own, i))
            continue
        taken.append(space.candidates[i])
        formats = merged(formats, space.candidates[i].formats)
    return taken


def cheapest(
    measure: Measure, reaches: Callable[[Trial], bool], orders: Sequence[Sequence[Candidate]], name: str
) -> Trial:
    """
    The configuration of fewest cycles found that reaches the goal.

    Of each order the shortest beginning that reaches it is sought by bisection, and all of it is looked at too; then,
    the quickest first, candidates are taken out of these, by halves, the least valued first, as long as the goal
    stands. Raises OutOfReach, which says of `name` what can be reached.
    """
    search = _Search(measure, reaches)
    try:
        if reaches(int8 := search.trial(())):
            return int8
        for order in orders:
            search.shortest(order)
        starts = sorted(search.reached.values(), key=lambda start: (start[0].cycles, -start[0].sqnr_db))
        for _, candidates in starts[:STARTS]:
            search.thin(candidates)
    except OverBudget:
        pass
    if search.best is None:
        int8, nearest = search.seen[0], max(search.seen, key=lambda trial: trial.sqnr_db)
        raise OutOfReach(
            f"{name}: the goal is out of reach; the nearest found is {nearest.sqnr_db:.2f} dB at {nearest.cycles:,} "
            f"cycles, {len(nearest.formats)} ops not in int8 (int8: {int8.sqnr_db:.2f} dB at {int8.cycles:,})"
        )
    return search.best


STARTS = 3
"""Configurations that are thinned out."""


@dataclass
class _Search:
    """What has been measured, in order; the candidates of what reached the goal, by its formats; and the best of it."""

    measure: Measure
    reaches: Callable[[Trial], bool]
    seen: list[Trial] = field(default_factory=list[Trial])
    reached: dict[tuple[tuple[str, str], ...], Start] = field(default_factory=dict[tuple[tuple[str, str], ...], Start])
    best: Trial | None = None

    def trial(self, candidates: Sequence[Candidate]) -> Trial:
        """The measurement of these candidates together. Raises OverBudget."""
        formats = formats_of(candidates)
        made = self.measure(formats)
        self.seen.append(made)
        if self.reaches(made):
            self.reached[tuple(sorted(formats.items()))] = made, candidates
            if self.best is None or made.beats(self.best):
                self.best = made
        return made

    def shortest(self, order: Sequence[Candidate]) -> None:
        """Look for the shortest beginning of an order that reaches the goal, and at all of it."""
        if not self.reaches(self.trial(order)):
            return
        # From short beginnings on: they are quickly measured, and goals are mostly near int8.
        low, high = 0, 1
        while high < len(order) and not self.reaches(self.trial(order[:high])):
            low, high = high, min(2 * high, len(order))
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.reaches(self.trial(order[:middle])) else (middle, high)

    def thin(self, candidates: Sequence[Candidate]) -> None:
        """Leave out what the goal doesn't need: halves, quarters … and at last single candidates."""
        kept, least = list(candidates), self.trial(candidates)
        size = max(len(kept) // 2, 1)
        while kept:
            for part in list(_parts(kept, size)):
                rest = [candidate for candidate in kept if candidate not in part]
                if self.reaches(trial := self.trial(rest)) and trial.beats(least):
                    kept, least = rest, trial
            if size == 1:
                break
            size = max(size // 2, 1)


def formats_of(candidates: Sequence[Candidate]) -> dict[str, str]:
    """All their entries."""
    made = dict[str, str]()
    for candidate in candidates:
        made = merged(made, candidate.formats)
    return made


def _parts(candidates: Sequence[Candidate], size: int) -> Iterator[Sequence[Candidate]]:
    """From the last, which the greedy order values least."""
    for end in range(len(candidates), 0, -size):
        yield candidates[max(end - size, 0) : end]


def frontier(trials: Sequence[Trial]) -> list[Trial]:
    """Those that none beats both in cycles and in noise, from the quickest on."""
    kept = list[Trial]()
    for trial in sorted(trials, key=lambda trial: (trial.cycles, -trial.sqnr_db)):
        if not kept or trial.sqnr_db > kept[-1].sqnr_db:
            kept.append(trial)
    return kept


def prices_of(engines: Mapping[str, Mapping[str, tuple[float, float]]], cycles: int) -> Callable[[str, str], float]:
    """
    From engine cycles (TIU, GDMA) by format and op, of whole networks in each: what a format costs an op over int8.

    An engine's cycle counts as much as that engine is busy in int8: beside a busy bus computing is nearly free.
    """
    busy = [sum(pair[i] for pair in engines["INT8"].values()) / max(cycles, 1) for i in (0, 1)]

    def price(name: str, wanted: str) -> float:
        now = engines["INT8"].get(name, (0.0, 0.0))
        then = engines.get(wanted, engines["F16"]).get(name, (0.0, 0.0))
        return sum(share * (b - a) for share, a, b in zip(busy, now, then, strict=True))

    return price
