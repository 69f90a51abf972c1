"""Conflicting accesses that no engine order, wait or message puts in order (docs/isa.md, Programs)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from simulator.checks import report
from simulator.checks.finding import Finding
from simulator.checks.program import Program
from simulator.checks.replay import Hit, Replay
from simulator.checks.shadow_run import RAW, WAR, WAW

NAME = "races"

KINDS = {RAW: "RAW", WAW: "WAW", WAR: "WAR"}


def races(program: Program, found: Replay) -> Iterator[Finding]:
    """A finding for each operand and kind of conflict of a replay."""
    for hit in found.hits:
        if hit.kind in KINDS:
            yield _conflict(program, hit)


def _conflict(program: Program, hit: Hit) -> Finding:
    assert isinstance(hit.access, int)
    assert isinstance(hit.where, tuple)
    access, kind = program.access(hit.access), KINDS[hit.kind]
    core, engine = hit.other
    op, region = report.command_at(program, hit.where).op, access.operand.region
    does, did = ("writes" if access.write else "reads"), ("reads" if kind == "WAR" else "writes")
    name = engine.name if core == hit.where[0] else f"core {core}'s {engine.name}"
    message = (
        f"{kind}: {op} {does} {region.name} bytes {hit.start} to {hit.stop} ({access.name}), which {name} "
        f"record {hit.latest} {did}, and no wait orders the two"
    )
    made = report.at_record(program, NAME, hit.where, message, kind)
    made = report.at_operand(made, program, hit.access, hit.start, hit.stop)
    return replace(report.with_other(made, program, (core, engine, hit.latest)), lanes=hit.lanes)
