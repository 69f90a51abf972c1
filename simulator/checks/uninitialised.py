"""Nothing is read that feeds, weights, host ops or earlier records didn't write; every output is written whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from simulator.checks import report
from simulator.checks.cells import HostAccess
from simulator.checks.finding import Finding
from simulator.checks.program import Program
from simulator.checks.replay import Hit, Replay
from simulator.checks.shadow_run import UNINITIALISED
from simulator.isa.table import Engine, Region
from simulator.subnets import HostSubnet

NAME = "uninitialised"


def uninitialised(program: Program, found: Replay) -> Iterator[Finding]:
    """A finding for each operand that a replay read of bytes that hold nothing, and each output that it left so."""
    for hit in found.hits:
        if hit.kind == UNINITIALISED:
            yield _on_host(hit) if isinstance(hit.where, HostSubnet) else _on_chip(program, hit)
    for gap in found.missing:
        message = f"{gap.count} bytes of output {gap.output.name!r} are never written"
        where = gap.output.name, Region.IO, gap.start, gap.stop
        yield Finding(NAME, Engine.GDMA, 0, message, "", *where, tensor=gap.output.name, kind="unwritten")


def _on_host(hit: Hit) -> Finding:
    op, access = hit.where, hit.access
    assert isinstance(op, HostSubnet)
    assert isinstance(access, HostAccess)
    name, region = access.value.name, access.value.region or Region.ACTIVATION
    bytes_ = f"{region.name} bytes {hit.start} to {hit.stop}"
    message = f"host op {op.kind} at {op.name!r} reads {bytes_} of {name!r}, not written before"
    where = op.name, name, region, hit.start, hit.stop
    return Finding(NAME, Engine.GDMA, 0, message, *where, tensor=name, kind="host")


def _on_chip(program: Program, hit: Hit) -> Finding:
    assert isinstance(hit.access, int)
    assert isinstance(hit.where, tuple)
    access, op = program.access(hit.access), report.command_at(program, hit.where).op
    region = access.operand.region
    bytes_ = f"{region.name} bytes {hit.start} to {hit.stop} ({access.name})"
    kind, why = ("unbound", "which no input gives") if region == Region.IO else ("read", "not written before")
    made = report.at_record(program, NAME, hit.where, f"{op} reads {bytes_}, {why}", kind)
    return replace(report.at_operand(made, program, hit.access, hit.start, hit.stop), lanes=hit.lanes)
