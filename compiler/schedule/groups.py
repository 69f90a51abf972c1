"""
Layer groups: the cheapest division of a run of ops into intervals.

Dynamic programming over the positions of the run: the best division of the first j ops ends in some interval [i, j).
Costs are estimates until an interval is part of the best division; then it is placed in memory, which may cost more or
fail, and the division is sought again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import inf

from xdsl.ir import Operation

from compiler.schedule.cost import price
from compiler.schedule.flow import Flow, Sizes
from compiler.schedule.nodes import Node
from compiler.schedule.options import Option, Options
from compiler.schedule.plan import Plan
from compiler.schedule.program import interval
from simulator.chip import Chip

GIVE_UP = 3
"""After so many intervals to the same end that don't fit, longer ones aren't tried."""

WORTH = {1: 0.97, 2: 0.998, 3: 1.0}
"""By effort: an interval is looked at only if it may bring the time down to this share of the best found."""

ROUNDS = 30
"""Searches after which only what is settled counts."""

NEIGHBOURS = 4
"""Long intervals begin and end where fewer bytes are handed over than so many positions around."""

Place = tuple[int, int]
"""An interval by its first position, and the one after its last."""


def grouped(nodes: Sequence[Node], chip: Chip, effort: int) -> list[Plan | Operation]:
    """
    The plans of a run; a view by itself stays outside of groups, and so do those at the run's end.

    Raises DoesNotFit.
    """
    end = len(nodes)
    while end and nodes[end - 1].free:
        end -= 1
    return [*(_grouped(nodes[:end], chip, effort) if end else ()), *(node.op for node in nodes[end:])]


def _grouped(nodes: Sequence[Node], chip: Chip, effort: int) -> list[Plan | Operation]:
    options = Options(chip, effort)
    group = interval(nodes)
    whole = options.flow(group) if group else None
    if whole and (whole := options.settled(whole)) and options.good_enough(whole):
        return [plan for plan in (whole.plan,) if plan]
    known = whole.price if whole else inf
    division = _Search(nodes, options, WORTH[effort], known).division()
    if whole and (not division or known <= sum(option.price for option in division)):
        division = [whole]
    return [option.plan for option in division if option.plan]


def narrow(nodes: Sequence[Node], sizes: Sizes, around: int) -> set[int]:
    """
    The positions between ops, both ends among them, that no more bytes cross than any of the `around` before and after.

    Of several in a row that as many cross, it is the first.
    """
    last = {operand.value: i for i, node in enumerate(nodes) for operand in node.operands}
    change = [0] * (len(nodes) + 2)
    for i, node in enumerate(nodes):
        change[i + 1] += sizes.node(node)[0]
        change[last.get(node.output, i) + 1] -= sizes.node(node)[0]
    crossing = list(accumulate(change))[: len(nodes) + 1]
    least = {
        i
        for i, size in enumerate(crossing)
        if size == min(crossing[max(0, i - around) : i + around + 1])
        and size < min(crossing[max(0, i - 1) : i] or [inf])
    }
    return {0, *least, len(nodes)}


class _Search:
    """The search for a division that takes less than `limit` cycles."""

    def __init__(self, nodes: Sequence[Node], options: Options, worth: float, limit: float) -> None:
        self.nodes = nodes
        self.options = options
        self.worth = worth
        self.limit = limit
        self.known = dict[Place, Option | None]()
        self.reach = 0
        computed, loaded = zip(*map(options.sizes.least, nodes), strict=True)
        self.computed = list(accumulate(computed, initial=0))
        self.loaded = list(accumulate(loaded, initial=0))
        self.narrow = narrow(nodes, options.sizes, NEIGHBOURS)

    def division(self) -> list[Option]:
        """The settled options of the cheapest division, if any takes less than the limit."""
        for i in range(ROUNDS + 1):
            chosen = self._cheapest(settled_only=i == ROUNDS)
            if all(option.plan for option in chosen.values()):
                return list(chosen.values())
            share = self.options.share
            for place, option in chosen.items():
                self.known[place] = option if option.plan else self.options.settled(option)
            if self.options.share < share:
                self._forget_flows()
        raise AssertionError("every op can be settled by itself")

    def _forget_flows(self) -> None:
        """Flows estimated when more of local memory seemed usable."""
        self.known = {p: o for p, o in self.known.items() if not (o and o.plan is None and isinstance(o.way, Flow))}

    def _cheapest(self, settled_only: bool) -> dict[Place, Option]:
        """The division that costs least by what is known; none where each takes the limit or longer."""
        self.reach = 0
        best: list[tuple[float, int]] = [(0.0, 0)]
        for j in range(1, len(self.nodes) + 1):
            offer, failed = (inf, 0), 0
            longest = self._longest_flow(j)
            for i in dict.fromkeys((j - 1, longest, *self._beginnings(j))):
                least = best[i][0] + self._floor(i, j)
                if least >= self.worth * offer[0] or least + self._floor(j, len(self.nodes)) >= self.limit:
                    continue
                option = self._option((i, j), settled_only)
                failed = 0 if option else failed + 1
                if option:
                    offer = min(offer, (best[i][0] + option.price, i))
                if failed > GIVE_UP and i < longest:
                    break
            best.append(offer)
        if best[-1][0] == inf:
            return {}
        chosen, j = dict[Place, Option](), len(self.nodes)
        while j:
            i = best[j][1]
            option = self.known[i, j]
            assert option is not None
            chosen[i, j] = option
            j = i
        return dict(reversed(chosen.items()))

    def _beginnings(self, j: int) -> Iterator[int]:
        """Where intervals to `j` may begin, the shortest first; a long one only where little is handed over."""
        shortest = max(0, j - 1 - self.options.longest)
        yield from range(j - 2, shortest - 1, -1)
        if j in self.narrow:
            yield from (i for i in range(shortest - 1, -1, -1) if i in self.narrow)

    def _longest_flow(self, j: int) -> int:
        """Where the longest interval to `j` begins that fits as a flow, a good first offer; `j` - 1 if none does."""
        while self.reach < j - 1:
            group = interval(self.nodes[self.reach : j])
            if group and self.options.flow(group):
                break
            self.reach += 1
        return min(self.reach, j - 1)

    def _floor(self, i: int, j: int) -> float:
        """Cycles that no way to run the interval undercuts."""
        loaded = self.loaded[j] - self.loaded[i]
        return price(max(self.computed[j] - self.computed[i], loaded), loaded)

    def _option(self, place: Place, settled_only: bool) -> Option | None:
        i, j = place
        if place not in self.known:
            group = interval(self.nodes[i:j])
            self.known[place] = self.options.of(group) if group else None
        option = self.known[place]
        if settled_only and option and option.plan is None:
            if j - i > 1:
                return None
            option = self.known[place] = self.options.settled(option)
        return option
