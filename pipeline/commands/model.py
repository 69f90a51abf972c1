"""`tpuflow run` and `tpuflow inspect`: a `sample.model` on the simulated chip, and what is in one."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from compiler.npz import read_npz, write_npz
from pipeline.display import CONSOLE, table
from simulator.checks.check import check
from simulator.isa.table import BY_CODE
from simulator.model_file import IO, Model, read
from simulator.profile import profile
from simulator.runtime import PyRuntime
from simulator.subnets import HostSubnet

COSTLIEST = 20
"""Layers that `inspect` lists."""


class BadInput(ValueError):
    """A file of inputs lacks one that the model needs; the message names both."""


def run(model: Path, feeds: Path, output: Path | None, raw: bool) -> None:
    """Run a model on the arrays of an `.npz` by input name; print the outputs' first values, or write them all."""
    session = PyRuntime(model)
    held = read_npz(feeds)
    wanted = [entry.name for entry in session.get_inputs()]
    if missing := [name for name in wanted if name not in held]:
        raise BadInput(f"{feeds} has no {', '.join(missing)}; it holds {', '.join(held) or 'nothing'}")
    given = {name: held[name] for name in wanted}
    names = [entry.name for entry in session.get_outputs()]
    results = dict(zip(names, session.run(None, given, raw=raw), strict=True))
    if output is not None:
        write_npz(output, results)
    rows = [
        {
            "output": name,
            "shape": "×".join(map(str, array.shape)),
            "type": str(array.dtype),
            "first values": np.array2string(array.ravel()[:8], precision=4, separator=" "),
        }
        for name, array in results.items()
    ]
    CONSOLE.print(table(rows))


def inspect(path: Path) -> None:
    """Print a model's inputs and outputs, sizes, commands and costliest layers."""
    model = read(path)
    costs, found = profile(model), check(model)
    totals: dict[str, Any] = {
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
        "findings": len(found),
    }
    CONSOLE.print(table([{"": name, "value": value} for name, value in totals.items()], str(path.name)))
    ports = [_port("input", entry) for entry in model.inputs] + [_port("output", entry) for entry in model.outputs]
    CONSOLE.print(table(ports, "inputs and outputs"))
    CONSOLE.print(table(_commands(model), "commands"))
    if model.host:
        CONSOLE.print(table([_hosted(op) for op in model.host], "on the host"))
    layers = sorted(costs.rows(), key=lambda row: row["start"] - row["end"])[:COSTLIEST]
    CONSOLE.print(table(layers, f"the {len(layers)} costliest of {len(costs.layers)} layers"))
    for finding in found:
        print(finding)


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
