"""A network divided into layer groups."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from xdsl.ir import Operation

from compiler.ir.network import Network
from compiler.schedule.groups import grouped
from compiler.schedule.plan import Plan
from compiler.schedule.program import parts
from compiler.schedule.random_tilings import divide_at_random
from compiler.schedule.rewrite import regroup
from simulator.chip import Chip


def _nobody(done: int, total: int) -> None:
    """Progress told to nobody."""


def divide(
    network: Network,
    chip: Chip,
    effort: int = 2,
    seed: int | None = None,
    progress: Callable[[int, int], None] = _nobody,
) -> list[Plan | Operation]:
    """
    Rewrite `main` as layer groups; what it was divided into.

    `effort` from 1 to 3 widens the search; with a `seed` there is none, but a random legal division.
    `progress` is told the runs done and the runs there are. Raises DoesNotFit.
    """
    made = list[Plan | Operation]()
    runs = list(parts(network, chip))
    for done, run in enumerate(runs, 1):
        if isinstance(run, Operation):
            made.append(run)
        elif seed is None:
            made += grouped(run, chip, effort)
        else:
            made += divide_at_random(run, chip, Random(f"{seed} {done}"))
        progress(done, len(runs))
    regroup(network, made)
    return made
