"""All checks of a program, in an order in which each may rely on those before."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from simulator.checks import report
from simulator.checks.bounds import bounds
from simulator.checks.finding import Finding, collapsed
from simulator.checks.legal import legal
from simulator.checks.overlap import overlap
from simulator.checks.ports import ports
from simulator.checks.program import Program
from simulator.checks.proofs import proofs
from simulator.checks.races import races
from simulator.checks.replay import explained
from simulator.checks.report import Where
from simulator.checks.structure import check_structure
from simulator.checks.uninitialised import uninitialised
from simulator.model_file import Model


@dataclass(frozen=True)
class Examined:
    """A program's findings, and the records whose sums may leave int32, for all that the file says."""

    findings: list[Finding]
    unproven: AbstractSet[Where] = frozenset()
    program: Program | None = None
    """What a run may be watched by; None where the program is too faulty to be run."""


def check(model: Model) -> list[Finding]:
    """
    Every fault found without looking at data; empty for a sound program. Findings alike are one that counts them.

    A program at fault in its structure, or whose operands leave their memories, isn't looked at any further: what comes
    after would misread it.
    """
    return examine(model).findings


def examine(model: Model) -> Examined:
    """What `check` finds, and what is left for a checked run to look at."""
    if found := collapsed(check_structure(model)):
        return Examined([report.with_record(model, finding) for finding in found])
    program = Program(model)
    if found := collapsed(bounds(program)):
        return Examined(report.named(program, found))
    history, proven = explained(program), proofs(program)
    each = (
        legal(program),
        overlap(program),
        ports(program),
        uninitialised(program, history),
        races(program, history),
        proven.findings,
    )
    every = collapsed(finding for findings in each for finding in findings)
    return Examined(report.named(program, every, history.order), proven.unproven, program)
