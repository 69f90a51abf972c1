"""A network divided into layer groups."""

from __future__ import annotations

from collections.abc import Callable

from xdsl.ir import Operation

from compiler.ir.network import Network
from compiler.schedule.groups import Grouping
from compiler.schedule.plan import Plan
from compiler.schedule.program import parts
from compiler.schedule.rewrite import regroup
from simulator.chip import Chip


def _nobody(done: int, total: int) -> None:
    """Progress told to nobody."""


def divide(
    network: Network, chip: Chip, effort: int = 2, progress: Callable[[int, int], None] = _nobody
) -> list[Plan | Operation]:
    """
    Rewrite `main` as layer groups; what it was divided into.

    `effort` from 1 to 3 widens the search. `progress` is told the runs done and the runs there are. Raises DoesNotFit.
    """
    made = list[Plan | Operation]()
    runs = list(parts(network, chip))
    for done, run in enumerate(runs, 1):
        made += [run] if isinstance(run, Operation) else Grouping(run, chip, effort).divide()
        progress(done, len(runs))
    regroup(network, made)
    return made
