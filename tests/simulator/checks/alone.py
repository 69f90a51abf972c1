"""One check of a model by itself; the model must have passed those that the check relies on."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.checks.bounds import bounds
from simulator.checks.finding import Finding
from simulator.checks.overlap import overlap
from simulator.checks.program import Program
from simulator.checks.races import races
from simulator.checks.replay import replay
from simulator.checks.uninitialised import uninitialised
from simulator.model_file import Model


def check_bounds(model: Model) -> Iterator[Finding]:
    """Operands that aren't where they may be."""
    return bounds(Program(model))


def check_overlap(model: Model) -> Iterator[Finding]:
    """Operands that a record writes over."""
    return overlap(Program(model))


def check_races(model: Model) -> Iterator[Finding]:
    """Conflicts, by operand and kind."""
    program = Program(model)
    return races(program, replay(program))


def check_uninitialised(model: Model) -> Iterator[Finding]:
    """Operands read too early, and outputs never written."""
    program = Program(model)
    return uninitialised(program, replay(program))
