"""The search on toy networks whose best configuration is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log10

import numpy as np
import pytest

from compiler.mixed.candidates import Candidate, Space
from compiler.mixed.noise import Noises
from compiler.mixed.search import Estimates, OutOfReach, cheapest, frontier, ranked
from compiler.mixed.trial import OverBudget, Trial

NOISE = {"a": 1e-2, "b": 4e-3, "c": 1e-5, "d": 1e-3}
PRICE = {"a": 100.0, "b": 10.0, "c": 8.0, "d": 50.0}
SPACE = Space(
    {name: frozenset({name}) for name in NOISE},
    frozenset(),
    tuple(Candidate(name, "F16", {name: "F16"}) for name in NOISE),
)
ESTIMATES = Estimates(
    Noises({name: np.array([share]) for name, share in NOISE.items()}, {}), lambda name, wanted: PRICE[name]
)


@dataclass
class Toy:
    """Noise adds up, and so do cycles, but for `a` and `b` together, which are one region: half of both."""

    budget: int = 100
    made: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])

    def __call__(self, formats: Mapping[str, str]) -> Trial:
        if len(self.made) >= self.budget:
            raise OverBudget
        self.made.append(formats)
        cycles = 1000 + sum(PRICE[name] for name in formats) * (0.5 if {"a", "b"} <= formats.keys() else 1)
        return Trial(formats, round(cycles), -10 * log10(1e-9 + sum(NOISE[n] for n in NOISE if n not in formats)))


def found(goal: float, budget: int = 100) -> Trial:
    orders = [ranked(SPACE, ESTIMATES), list(SPACE.candidates)]
    return cheapest(Toy(budget), lambda trial: trial.sqnr_db >= goal, orders, "toy")


@pytest.mark.parametrize(
    ("goal", "wanted"),
    [(15, set[str]()), (19, {"b"}), (29, {"a", "b"}), (45, {"a", "b", "d"}), (80, {"a", "b", "c", "d"})],
)
def test_the_cheapest_that_reaches_the_goal_is_found(goal: float, wanted: set[str]) -> None:
    assert found(goal).formats.keys() == wanted


def test_candidates_come_by_noise_over_price() -> None:
    assert [candidate.tensor for candidate in ranked(SPACE, ESTIMATES)] == ["b", "a", "d", "c"]
    assert [candidate.tensor for candidate in ranked(SPACE, ESTIMATES, priced=False)] == ["a", "b", "d", "c"]


def test_a_goal_out_of_reach_says_what_can_be_reached() -> None:
    with pytest.raises(OutOfReach, match=r"toy: .* 90\.00 dB at 1,084 cycles, 4 ops .* 18\.24 dB at 1,000"):
        found(120)


def test_the_budget_bounds_what_is_measured_and_the_best_so_far_is_kept() -> None:
    toy = Toy(4)
    best = cheapest(toy, lambda trial: trial.sqnr_db >= 29, [ranked(SPACE, ESTIMATES)], "toy")
    assert len(toy.made) == 4
    assert best.sqnr_db >= 29


def test_the_frontier_has_what_nothing_beats() -> None:
    trials = [Trial({}, 10, 5.0), Trial({}, 12, 4.0), Trial({}, 12, 9.0), Trial({}, 20, 9.0)]
    assert [(trial.cycles, trial.sqnr_db) for trial in frontier(trials)] == [(10, 5.0), (12, 9.0)]
