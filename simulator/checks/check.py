"""All checks of a program, in an order in which each may rely on those before."""

from __future__ import annotations

from simulator.checks.bounds import bounds
from simulator.checks.finding import Finding, collapsed
from simulator.checks.legal import legal
from simulator.checks.overlap import overlap
from simulator.checks.program import Program
from simulator.checks.races import races
from simulator.checks.replay import replay
from simulator.checks.structure import check_structure
from simulator.checks.uninitialised import uninitialised
from simulator.model_file import Model


def check(model: Model) -> list[Finding]:
    """
    Every fault found without looking at data; empty for a sound program. Findings alike are one that counts them.

    A program at fault in its structure, or whose operands leave their memories, isn't looked at any further: what comes
    after would misread it.
    """
    if found := collapsed(check_structure(model)):
        return found
    program = Program(model)
    if found := collapsed(bounds(program)):
        return found
    history = replay(program)
    rest = legal(program), overlap(program), uninitialised(program, history), races(program, history)
    return collapsed(finding for findings in rest for finding in findings)
