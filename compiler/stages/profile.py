"""
`profile`: what the model costs on its chip, and how far that is from the least it could.

Inputs: `sample_onnx`, `lg_mlir`, `sample_model`. Parameters: `mode`, `chip`. Writes `profile.json` (all totals, the
chip's roofs, the run's cycles by resource, and a row a layer and a group), `layers.csv` and `groups.csv` (the same
rows; `simulator.breakdown` says what is in them; a last row of layers.csv has what belongs to none, so that columns add
up to the run), `cycles.nodes.json` and `ddr_bytes.nodes.json` (node data for Model Explorer), `timeline.npz` (cycles in
which each record of `tiu` and `gdma` begins and ends, its layer's index, op code and bytes on the memory bus; `live`:
from which cycle on how many bytes of the fullest lane are live; `tiu1`, `gdma1`, `live1` … of further cores; `chain`,
the records that decide how long the run is: begin, end, layer, main resource and group), `trace.json` (the same for
Perfetto or about:tracing) and `findings.txt` (what the static checks have to say; empty for a sound program).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from compiler import members, model_explorer
from compiler.npz import write_npz
from compiler.shown import ROWS
from compiler.stages.progress import Progress, silent
from simulator import model_file
from simulator.bound import WIDTHS, Aside, Bounds, bounds, contractions
from simulator.breakdown import Breakdown, Part, broken_down, check_sums, own_work
from simulator.checks.check import check
from simulator.chip import Chip, chip_named
from simulator.concurrent import run_cores
from simulator.critical import RESOURCES
from simulator.events import Timeline
from simulator.isa.table import Engine
from simulator.lifetimes import Lifetimes, lifetimes
from simulator.model_file import Model
from simulator.onnx_layers import homes
from simulator.profile import Profile, Traffic, profile_of
from simulator.trace.write import write as write_trace

REST = "(rest)"
"""The row of what belongs to no layer."""


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """
    Write the costs by layer and record; the metadata has totals and the costliest layers.

    `tiu_busy` and `gdma_busy` are shares of the cycles, `overlap` the share in which both are, all as means over the
    cores; cycles of engines are sums over them. `mac_utilisation` is the network's own MACs over those that the arrays
    could do in the time. `bound_by` tells what sets the bound, compute or memory; `held_up_by` the engine that is
    busier. Ops of the host count in nothing but `host_ops` and `host_macs_share`, and ratios to a bound of nothing are
    0. Raises UnknownShape, Miscounted.
    """
    model = model_file.read(inputs["sample_model"] / "sample.model")
    chip = chip_named(str(params["chip"]))
    whole = onnx.load(inputs["sample_onnx"] / "sample.onnx", load_external_data=False)
    aside = [Aside([v.name for v in op.inputs], [v.name for v in op.outputs]) for op in model.host]
    least = bounds(whole, params["mode"], chip, aside)
    timelines = run_cores(model.cores, model.chip)
    costs = profile_of(model, timelines)
    parts = _parts(inputs, model, timelines, costs, whole, aside, str(params["mode"]))
    check_sums(parts, timelines, costs.cycles)
    found, roofs = check(model), _roofs(str(params["mode"]), chip)
    totals = _totals(model, costs, least, roofs) | {"findings": len(found)}
    layers = [row | asdict(part) for row, part in zip(costs.rows(), parts.layers, strict=True)]
    groups = [asdict(part) for part in parts.groups]
    document = {"totals": totals, "roofs": roofs, "total": asdict(costs.total), "resources": parts.resources}
    (out / "profile.json").write_text(json.dumps(document | {"layers": layers, "groups": groups}, indent=1))
    for name, rows in (("layers", [*layers, *_rest(costs, parts, least)]), ("groups", groups)):
        _write_rows(out / f"{name}.csv", [_shared(row, costs.cycles) for row in rows])
    for name, figures in _by_node(costs.layers).items():
        model_explorer.write(out / f"{name}.nodes.json", figures)
    live = lifetimes(model, timelines)
    write_npz(out / "timeline.npz", arrays(model, timelines, parts, live))
    write_trace(model, timelines, out / "trace.json", members.read(inputs["lg_mlir"] / members.NAME), live)
    (out / "findings.txt").write_text("".join(f"{finding}\n" for finding in found))
    return {
        **totals,
        "resources": [
            {"resource": name, "cycles": spent, "share": _over(spent, costs.cycles), "what": RESOURCES[name]}
            for name, spent in parts.resources.items()
        ],
        "slowest_groups": _deciding(parts.groups, costs.cycles),
        "table": _costliest(costs.layers, costs.cycles * chip.cores),
    }


def arrays(model: Model, timelines: Sequence[Timeline], parts: Breakdown, live: Lifetimes) -> dict[str, NDArray[Any]]:
    """`timeline.npz`: the arrays of the first core by engine, those of further ones with the core's number behind."""
    made: dict[str, NDArray[Any]] = {}
    for core, (streams, timeline) in enumerate(zip(model.cores, timelines, strict=True)):
        behind = str(core) if core else ""
        for engine in Engine:
            track, records = timeline.track(engine), streams.of(engine)
            wire = timeline.wire if engine == Engine.GDMA else np.zeros_like(track.start)
            rows = track.start, track.free, records["tag"].astype(np.int64), records["op"].astype(np.int64), wire
            made[engine.name.lower() + behind] = np.stack(rows)
        made[f"live{behind}"] = np.stack([live.live[core].times, live.live[core].fullest])
    return made | _decided(model, parts)


def _totals(model: Model, costs: Profile, least: Bounds, roofs: Mapping[str, float]) -> dict[str, Any]:
    engines, macs = costs.cycles * model.chip.cores, least.cube_macs + least.depthwise_macs
    busy = {"tiu": _over(costs.total.tiu_cycles, engines), "gdma": _over(costs.total.gdma_cycles, engines)}
    return {
        "cycles": costs.cycles,
        "cycles_over_bound": _over(costs.cycles, least.bound),
        "below_bound": costs.cycles < least.bound,
        "floor_cycles": least.floor,
        "bound_cycles": least.bound,
        "chip_seconds": costs.seconds,
        "overlap_cycles": costs.overlap,
        "overlap": _over(costs.overlap, engines),
        "tiu_cycles": costs.total.tiu_cycles,
        "gdma_cycles": costs.total.gdma_cycles,
        **{f"{engine}_busy": share for engine, share in busy.items()},
        "macs": macs,
        "mac_utilisation": _over(macs, roofs["macs_per_cycle"] * costs.cycles),
        "bound_by": "memory" if least.compulsory / roofs["bytes_per_cycle"] >= least.bound - 1 else "compute",
        "held_up_by": max(busy, key=busy.__getitem__),
        "ddr_bytes": costs.ddr_bytes,
        "wire_bytes": costs.total.wire_bytes,
        "compulsory_bytes": least.compulsory,
        "ddr_over_compulsory": _over(costs.ddr_bytes, least.compulsory),
        "local_bytes": costs.lmem_peak,
        "lane_bytes": model.chip.lane_bytes,
        "activation_bytes": model.activation_bytes,
        "host_ops": len(model.host),
        "host_macs_share": least.host_share,
    }


def _parts(
    inputs: Mapping[str, Path],
    model: Model,
    timelines: Sequence[Timeline],
    costs: Profile,
    whole: onnx.ModelProto,
    aside: Sequence[Aside],
    mode: str,
) -> Breakdown:
    work = contractions(whole, aside)
    own = own_work(work, homes(whole, work, model.layers), WIDTHS[mode], model.chip)
    groups = members.read(inputs["lg_mlir"] / members.NAME)
    macs_per_cycle = _roofs(mode, model.chip)["macs_per_cycle"] / model.chip.cores
    return broken_down(model, timelines, costs.layers, groups, own, macs_per_cycle, costs.rest)


def _rest(costs: Profile, parts: Breakdown, least: Bounds) -> Iterator[dict[str, Any]]:
    """
    The row after the layers with which they add up to the run.

    It has the records that belong to no layer, and of the compulsory bytes what isn't a layer's weights: the network's
    inputs and results, and tables.
    """
    if parts.rest:
        known = sum(part.compulsory_bytes for part in parts.layers)
        yield asdict(costs.rest) | asdict(parts.rest) | {"name": REST, "compulsory_bytes": least.compulsory - known}


def _shared(row: Mapping[str, Any], cycles: int) -> dict[str, Any]:
    """A row of CSV: its name first, then the cycles from its first record's start to its last one's end."""
    told = {"name": row["name"], "group": row["group"], "ops": row["ops"], "span": row["end"] - row["start"]}
    rest = {name: value for name, value in row.items() if name not in told and name != "layer"}
    return {**told, "share": _over(row["decides"], cycles), **rest}


def _write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _decided(model: Model, parts: Breakdown) -> dict[str, NDArray[Any]]:
    """The chain of records in time: begin, end, layer, main resource, and group, -1 for none, by number."""
    when = parts.deciding
    numbers = {group.name: number for number, group in enumerate(parts.groups)}
    homes = {part.name: numbers[part.group] for part in parts.layers}
    of_layer = np.array([*(homes.get(name, -1) for name in model.layers), -1], np.int64)
    rows = [when.begin, when.end, when.layer, when.spent.argmax(1), of_layer[when.layer]]
    return {"chain": np.stack(rows)[:, ::-1]}


def _deciding(groups: Sequence[Part], cycles: int) -> list[dict[str, Any]]:
    """The groups that decide most of the run's cycles."""
    order = sorted(groups, key=lambda group: -group.decides)
    return [
        {
            "group": group.name,
            "share": _over(group.decides, cycles),
            "decides": group.decides,
            "why": group.why,
            "over_bound": _over(group.decides, group.bound),
            "tiu_cycles": group.tiu_cycles,
            "gdma_cycles": group.gdma_cycles,
            "mac_utilisation": group.mac_utilisation,
            "halo": group.halo,
            "lmem_peak": group.lmem_peak,
        }
        for group in order[:ROWS]
    ]


def _over(part: float, whole: float) -> float:
    """The ratio; 0 where the chip has nothing to do."""
    return part / whole if whole else 0.0


def _costliest(layers: Sequence[Traffic], cycles: int) -> list[dict[str, Any]]:
    """The layers that keep an engine busy the longest, and the share of the run that is; they overlap."""
    order = sorted(layers, key=lambda layer: -max(layer.tiu_cycles, layer.gdma_cycles))
    return [
        {
            "layer": layer.layer,
            "share": _over(max(layer.tiu_cycles, layer.gdma_cycles), cycles),
            "tiu_cycles": layer.tiu_cycles,
            "gdma_cycles": layer.gdma_cycles,
            "ddr_bytes": layer.load_bytes + layer.store_bytes,
            "macs": layer.macs,
        }
        for layer in order[:ROWS]
    ]


def _roofs(mode: str, chip: Chip) -> dict[str, float]:
    """What the chip can do at most in numbers of the mode: MACs a cycle, and bytes a cycle to and from DDR."""
    size = WIDTHS[mode]
    cube = chip.lanes * chip.cube_px * chip.cube_ic // size
    return {
        "macs_per_cycle": chip.cores * (chip.lanes * chip.eu_bytes // size if size == 4 else cube),
        "bytes_per_cycle": chip.ddr_bytes_per_cycle,
    }


def _by_node(layers: Sequence[Traffic]) -> dict[str, dict[str, int]]:
    """By figure and tensor name: cycles of the layer's busier engine, and its bytes to and from DDR."""
    return {
        "cycles": {layer.layer: max(layer.tiu_cycles, layer.gdma_cycles) for layer in layers},
        "ddr_bytes": {layer.layer: layer.load_bytes + layer.store_bytes for layer in layers},
    }
