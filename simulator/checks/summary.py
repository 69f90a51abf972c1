"""What the checks looked at, in numbers: for a table, or for JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from simulator.checks import report
from simulator.checks.banks import bank_conflicts
from simulator.checks.check import Examined
from simulator.checks.finding import Finding, collapsed
from simulator.checks.structure import STRUCTURE
from simulator.checks.unread import unread
from simulator.cores import Streams, messages, sends
from simulator.events import Timeline
from simulator.isa.table import SPECS
from simulator.model_file import Model


def summary(model: Model, examined: Examined, timelines: Sequence[Timeline] | None = None) -> dict[str, Any]:
    """
    Records and operands, sums that only data can decide on, messages sent for nobody, bank conflicts, findings.

    Without the timed figures where the program can't run, and so takes no time; `timelines` as for `bank_conflicts`.
    """
    made: dict[str, Any] = {"records": sum(len(core.tiu) + len(core.gdma) for core in model.cores)}
    program = examined.program
    if program is not None:
        made |= {"different_records": len(program.kinds), "operands": len(program.accesses.kind)}
        made |= {"sums_left_to_data": len(examined.unproven), "unheard_sends": _unheard(model.cores)}
    if all(finding.check != STRUCTURE for finding in examined.findings):
        made |= {f"bank_conflict_{name}": count for name, count in bank_conflicts(model, timelines).as_dict().items()}
    return made | {"findings": sum(finding.count for finding in examined.findings)}


def notes(examined: Examined) -> list[Finding]:
    """What is no fault, but worth a look: results that nobody reads, alike ones once. None of a program at fault."""
    if examined.program is None or examined.findings:
        return []
    return report.named(examined.program, collapsed(unread(examined.program)))


def by_check(findings: Sequence[Finding]) -> dict[str, int]:
    """How many findings each check has, those alike counted one by one."""
    found = Counter[str]()
    for finding in findings:
        found[finding.check] += finding.count
    return dict(found)


def _unheard(cores: Sequence[Streams]) -> int:
    """SENDs that no core waits for."""
    if not any(np.any(core.gdma["op"] == SPECS["SEND"].code) for core in cores):
        return 0
    heard = {message for of_core in messages(cores) for message in of_core.values()}
    return sum(len(sends(core.gdma)) for core in cores) - len(heard)
