"""`tpuflow profile`: where a model's time and bytes go, for a terminal."""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets.workshop import Workshop
from compiler.build.builder import partition_of
from compiler.build.flow import Target
from pipeline.build_bars import BuildBars
from pipeline.display import CONSOLE, bars, table
from simulator.chip import chip_named
from simulator.critical import RESOURCES

STAGE = "profile"
KINDS: Mapping[str, str] = {
    "weight_bytes": "weights",
    "in_bytes": "activations in",
    "out_bytes": "activations out",
    "io_bytes": "inputs and results",
}


@dataclass(frozen=True)
class Files:
    """Where to write the trace, the rows of layers, and the timeline, `width` pixels across; None: nowhere."""

    trace: Path | None = None
    layers: Path | None = None
    png: Path | None = None
    width: int = 0


def profile(model: str, text: str, rows: int, files: Files, *, as_json: bool) -> None:
    """
    Build what leads to the model's profile and print it: totals, resources, bytes by kind, and the costliest parts.

    With `as_json`, all of `profile.json`. Raises StageFailed, OSError.
    """
    builder, target = Workshop().builder, Target.parse(text)
    with bars() as display:
        listener = BuildBars(display, len(builder.wanted([STAGE])))
        listener.enter(partition_of(model, target))
        record = builder.build(builder.zoo.settings(model), target, [STAGE], listener)[STAGE]
    path = record.ref.path / "profile.json"
    told: dict[str, Any] = json.loads(path.read_text())
    _write(record.ref.path, files)
    if as_json:
        print(json.dumps(told, indent=1))
        return
    CONSOLE.print(table(_totals(told, target), partition_of(model, target)))
    CONSOLE.print(table(_resources(told), "what the cycles go to, along the records that decide how long the run is"))
    CONSOLE.print(table(_bytes(told), "to and from DDR"))
    for kind in ("groups", "layers"):
        CONSOLE.print(table(_parts(told[kind], rows), f"the {kind} with the most to gain, of {len(told[kind])}"))
    CONSOLE.print(f"all rows: {builder.store.root}/{model}/{target}/groups.csv, layers.csv", soft_wrap=True)


def _write(made: Path, files: Files) -> None:
    """The files that are wanted, from the artifact's directory."""
    if files.trace:
        text = (made / "trace.json").read_bytes()
        files.trace.write_bytes(gzip.compress(text, mtime=0) if files.trace.suffix == ".gz" else text)
    if files.layers:
        files.layers.write_bytes((made / "layers.csv").read_bytes())
    if files.png:
        from PIL import Image

        from assets.plots.timeline import picture

        Image.fromarray(picture(made, files.width)).save(files.png, "PNG")


def _totals(told: Mapping[str, Any], target: Target) -> list[dict[str, Any]]:
    totals, chip = told["totals"], chip_named(target.chip)
    shape = f"{chip.cores} × {chip.lanes} lanes of {chip.lane_bytes:,} bytes"
    roofs = f"{told['roofs']['macs_per_cycle']:,.0f} MACs, {told['roofs']['bytes_per_cycle']:.4g} bytes of DDR a cycle"
    shown = {"chip": f"{chip.name}: {shape}, {chip.hertz / 1e9:g} GHz", "roofs": roofs}
    names = (
        "cycles", "bound_cycles", "cycles_over_bound", "floor_cycles", "chip_seconds", "macs", "mac_utilisation",
        "tiu_busy", "gdma_busy", "overlap", "ddr_bytes", "ddr_over_compulsory", "wire_bytes", "local_bytes",
        "activation_bytes", "host_ops", "findings",
    )  # fmt: skip
    return [{"": name, "value": value} for name, value in (shown | {name: totals[name] for name in names}).items()]


def _resources(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    cycles = told["totals"]["cycles"]
    return [
        {"resource": name, "cycles": spent, "share": spent / max(cycles, 1), "what": RESOURCES[name]}
        for name, spent in told["resources"].items()
    ]


def _bytes(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    sums = {name: sum(layer[key] for layer in told["layers"]) for key, name in KINDS.items()}
    return [
        {"bytes of": name, "bytes": size, "share": size / max(sum(sums.values()), 1)} for name, size in sums.items()
    ]


def _parts(parts: Sequence[Mapping[str, Any]], rows: int) -> list[dict[str, Any]]:
    """Those first that take the most cycles beyond what their own contractions and weights need."""
    order = sorted(parts, key=lambda part: min(part["bound"] - part["decides"], 0))
    return [
        {
            "name": part["name"],
            "decides": part["decides"],
            "why": part["why"],
            "bound": part["bound"],
            "tiu": part["tiu_cycles"],
            "gdma": part["gdma_cycles"],
            "overlap": part["overlap"],
            "mac_use": part["mac_utilisation"],
            "halo": part["halo"],
            **{key.removesuffix("_bytes"): part[key] for key in KINDS},
            "lmem_peak": part["lmem_peak"],
        }
        for part in order[:rows]
    ]
