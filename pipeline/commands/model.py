"""`tpuflow check` and `tpuflow inspect`: what is in a `sample.model`, and what is wrong with it."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from compiler import members
from pipeline.commands.run import print_findings
from pipeline.display import CONSOLE, table
from simulator.checks.banks import layer_conflicts
from simulator.checks.check import examine
from simulator.checks.summary import by_check, notes, summary
from simulator.checks.waits import Kind, waits
from simulator.concurrent import run_cores
from simulator.isa.table import BY_CODE
from simulator.model_file import IO, Model, read
from simulator.profile import Profile, profile_of
from simulator.subnets import HostSubnet

COSTLIEST = 20
"""Layers that `inspect` lists."""


def check(path: Path, as_json: bool, of_waits: bool) -> bool:
    """
    Print what the checks looked at and found, as a table and lines, or as one JSON object. Whether it's nothing.

    Then the program's waits and what proves each, if they are asked for; as lines, those that could go or be shorter.
    """
    model = read(path)
    examined = examine(model)
    told, found, beside = summary(model, examined), examined.findings, notes(examined)
    judged = waits(model) if of_waits and not found else []
    if as_json:
        shown: dict[str, Any] = {"summary": told, "findings": [finding.as_dict() for finding in found]}
        shown |= {"notes": [note.as_dict() for note in beside]}
        shown |= {"bank_conflict_cycles": layer_conflicts(model) if examined.program else {}}
        print(json.dumps(shown | ({"waits": [asdict(wait) for wait in judged]} if of_waits else {}), indent=1))
        return not found
    told |= {"notes": sum(note.count for note in beside)}
    told |= {f"findings: {name}": count for name, count in by_check(found).items()}
    told |= {f"waits: {kind}": sum(wait.kind == kind for wait in judged) for kind in Kind} if of_waits else {}
    CONSOLE.print(table([{"": name, "value": value} for name, value in told.items()], path.name))
    print_findings([*found, *beside])
    for wait in (wait for wait in judged if wait.spare or wait.least < wait.until):
        print(wait)
    return not found


def inspect(path: Path, trace: Path | None) -> bool:
    """
    Print a model's inputs and outputs, sizes, commands, costliest layers and faults. Whether it has none.

    Its `trace` is written, if that is given and all records can be decoded.
    """
    model = read(path)
    examined = examine(model)
    if examined.program is None:
        print_findings(examined.findings)
        return False
    timelines = run_cores(model.cores, model.chip)
    costs, found = profile_of(model, timelines), examined.findings
    if trace:
        from simulator.trace.write import write

        write(model, timelines, trace, members.beside(path))
    totals = _sizes(path, model, costs) | summary(model, examined, timelines)
    CONSOLE.print(table([{"": name, "value": value} for name, value in totals.items()], str(path.name)))
    ports = [_port("input", entry) for entry in model.inputs] + [_port("output", entry) for entry in model.outputs]
    CONSOLE.print(table(ports, "inputs and outputs"))
    CONSOLE.print(table(_commands(model), "commands"))
    if model.host:
        CONSOLE.print(table([_hosted(op) for op in model.host], "on the host"))
    layers = _costliest(model, costs)
    CONSOLE.print(table(layers, f"the {len(layers)} costliest of {len(costs.layers)} layers"))
    print_findings(found)
    return not found


def _sizes(path: Path, model: Model, costs: Profile) -> dict[str, Any]:
    return {
        "chip": model.chip.name,
        "cores": len(model.cores),
        "mode": model.mode,
        "model_bytes": path.stat().st_size,
        "weight_bytes": int(model.weights.size),
        "activation_bytes": model.activation_bytes,
        "io_bytes": model.io_bytes,
        "local_bytes": costs.lmem_peak,
        "cycles": costs.cycles,
        "chip_seconds": costs.seconds,
        "ddr_bytes": costs.ddr_bytes,
        "subnets": len(model.parts),
        "host_ops": len(model.host),
        "host_bytes": sum(op.crossing_bytes for op in model.host),
    }


def _costliest(model: Model, costs: Profile) -> list[dict[str, Any]]:
    """The layers that take longest, with the cycles of their bank conflicts where any of them has some."""
    rows, conflicts = (
        sorted(costs.rows(), key=lambda row: row["start"] - row["end"])[:COSTLIEST],
        layer_conflicts(model),
    )
    if not any(row["layer"] in conflicts for row in rows):
        return rows
    return [row | {"bank_conflict_cycles": conflicts.get(row["layer"], 0)} for row in rows]


def _port(kind: str, entry: IO) -> dict[str, Any]:
    return {
        "": kind,
        "name": entry.name,
        "shape": "×".join(map(str, entry.shape)),
        "type": entry.held or entry.dtype.name.lower(),
        "scale": entry.scale,
        "zero point": entry.zero_point,
        "offset": entry.offset,
    }


def _hosted(op: HostSubnet) -> dict[str, Any]:
    return {"tensor": op.name, "op": op.kind, "macs": op.macs, "bytes": op.crossing_bytes, "reason": op.reason}


def _commands(model: Model) -> list[dict[str, Any]]:
    counts = Counter(
        (engine, BY_CODE[int(code)])
        for core in model.cores
        for engine, stream in (("TIU", core.tiu), ("GDMA", core.gdma))
        for code in stream["op"]
    )
    return [{"engine": engine, "command": name, "count": count} for (engine, name), count in counts.most_common()]
