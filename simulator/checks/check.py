"""All checks of a program, in an order in which each may rely on those before."""

from __future__ import annotations

from simulator.checks.bounds import check_bounds
from simulator.checks.finding import Finding
from simulator.checks.overlap import check_overlap
from simulator.checks.races import check_races
from simulator.checks.structure import check_structure
from simulator.checks.uninitialised import check_uninitialised
from simulator.model_file import Model

STAGES = ((check_structure,), (check_bounds,), (check_overlap, check_uninitialised, check_races))
"""A stage with findings ends the run: what comes after would misread the program."""


def check(model: Model) -> list[Finding]:
    """Every fault found without looking at data; empty for a sound program."""
    for stage in STAGES:
        if found := [finding for run in stage for finding in run(model)]:
            return found
    return []
