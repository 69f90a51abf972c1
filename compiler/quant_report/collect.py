"""Everything measured: the runs, and what they amount to."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from compiler.dialects.quant import Quant
from compiler.dialects.structure import Structure
from compiler.dialects.top.census import total_macs
from compiler.dialects.top.ops import Top
from compiler.dialects.tpu.ops import Tpu
from compiler.frontends.onnx.from_top.reference import Reference
from compiler.ir import files
from compiler.npz import read_npz
from compiler.quant_report.bisect import bisect
from compiler.quant_report.blame import blame, origin
from compiler.quant_report.calibration_set import beyond, calibration_set
from compiler.quant_report.halves import Proxy
from compiler.quant_report.layers import Layer, layers
from compiler.quant_report.noise import Noise, decibels, measured
from compiler.quant_report.notes import notes
from compiler.quant_report.report import Output, Point, Report
from compiler.quant_report.spread import Spread
from compiler.quantization import histogram, table
from compiler.quantization.behind import functions_behind
from compiler.quantization.loss import Loss, parts_of
from compiler.quantization.samples import batches
from compiler.quantization.thresholds import ranges_by_method
from compiler.stages.progress import Progress, silent

BUDGET = 40e9
"""MACs that the runs may take together, three a sample: what bounds the report's time, whatever the network."""

FEW, SUSPECTS = 2, 12
"""Samples that go through fake quantisation, and layers whose sensitivity is looked at: two runs a layer and sample."""

RUNS = 3
"""Of each sample: in float, as lowered, and op by op."""


def collect(inputs: Mapping[str, Path], mode: str, limit: int, progress: Progress = silent) -> Report:
    """
    Run the network on the first evaluation samples, at most `limit` and as many as BUDGET allows, and judge it.

    `inputs` are the directories of `canonical_mlir`, `cali_table`, `tpu_mlir` and `evaluation_data`, and of a mixed
    network that of `qtable`. Raises BadData.
    """
    top = files.load(inputs["canonical_mlir"], "canonical", Top, Quant)
    lowered = files.load(inputs["tpu_mlir"], "tpu", Structure, Tpu, Quant)
    session = Reference(top, threads=1)
    path = inputs["evaluation_data"] / "evaluation.npz"
    at_once = max((dims[0] for dims in session.inputs.values() if dims), default=1)
    available, feeds = batches(path, session.inputs, max(limit, at_once))
    count = max(1, min(available, int(BUDGET // (RUNS * max(total_macs(top), 1)))))
    fed = list(islice(feeds, count))
    loss = Loss(parts_of(top))
    inner = set(functions_behind(top))
    noise = measured(lowered, session, fed, loss, inner)
    progress(1, 3)
    histograms = histogram.load(inputs["cali_table"] / "histograms.npz")
    spreads = {name: spread for name, h in histograms.items() if (spread := Spread.of(h)) is not None}
    entries = table.read(inputs["cali_table"] / "cali_table")
    rows = layers(top, lowered, noise, entries, spreads, {}, inner)
    spans = read_npz(inputs["cali_table"] / "samples.npz")
    samples = calibration_set(spans["low"], spans["high"])
    proxy = Proxy(top, lowered, fed[:FEW])
    progress(2, 3)
    unseen = beyond({name: (e.low, e.high) for name, e in entries.items()}, _met(noise))
    return Report(
        mode=mode,
        method=_method(inputs["cali_table"] / "cali_table"),
        samples=len(fed),
        available=available,
        few=min(FEW, count),
        outputs=tuple(_outputs(loss)),
        results_db=loss.sqnr_db,
        layers=tuple(rows),
        blame=blame(rows, noise),
        trials=tuple(bisect(lowered, list(noise), {**fed[0], **session.run(fed[0])}, fed[0])),
        notes=tuple(notes(rows, samples, unseen)),
        spreads=spreads,
        cuts={
            row.tensor: ranges_by_method(histograms[row.tensor], mode == "int8a")
            for row in rows
            if row.stored is not None and row.tensor in spreads
        },
        calibration=samples,
        unseen=unseen,
        half=proxy.half(),
        pareto=tuple(_pareto(inputs["qtable"] / "pareto.json")) if "qtable" in inputs else (),
        sensitive=tuple(proxy.sensitivity(_suspects(rows, noise))),
    )


def _suspects(rows: Sequence[Layer], noise: Mapping[str, Noise]) -> Collection[str]:
    """The quantised rows that add most to the noise to signal where they stand."""
    made = {row.tensor: origin(row, noise).made for row in rows if row.stored is not None and not row.inner}
    return sorted(made, key=lambda name: -made[name])[:SUSPECTS]


def _met(noise: Mapping[str, Noise]) -> dict[str, tuple[float, float]]:
    return {name: (float(found.lows.min()), float(found.highs.max())) for name, found in noise.items()}


def _method(path: Path) -> str:
    """How the thresholds were found, as the table says."""
    told = (line for line in path.read_text(encoding="utf-8").splitlines() if "calculation method" in line)
    return next(told, "").partition(":")[2].strip(" []'")


def _pareto(path: Path) -> Iterator[Point]:
    """The networks that none beats both ways, in rising cycles."""
    for row in json.loads(path.read_text(encoding="utf-8")):
        if (row["frontier"] or row["chosen"]) and row["sqnr_db"] is not None:
            yield Point(row["float_ops"], row["cycles"], row["sqnr_db"], row["chosen"])


def _outputs(loss: Loss) -> Iterator[Output]:
    for part, signal, noise in zip(loss.parts, loss.signal.tolist(), loss.noise.tolist(), strict=True):
        whole = sum(other.name == part.name for other in loss.parts) == 1
        where = "" if whole else f"{part.first} … {part.end - 1} of axis {part.axis}"
        yield Output(part.name, where, decibels(signal, noise))
