"""Everything measured: the runs, and what they amount to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from compiler.dialects.quant import Quant
from compiler.dialects.structure import Structure
from compiler.dialects.top.census import total_macs
from compiler.dialects.top.ops import Top
from compiler.dialects.tpu.ops import Tpu
from compiler.frontends.onnx.from_top.reference import Reference
from compiler.ir import files
from compiler.ir.network import Network, name_of
from compiler.npz import read_npz
from compiler.quant_report.bisect import bisect
from compiler.quant_report.blame import blame
from compiler.quant_report.calibration_set import beyond, calibration_set
from compiler.quant_report.halves import Proxy
from compiler.quant_report.layers import layers
from compiler.quant_report.noise import Noise, decibels, measured
from compiler.quant_report.notes import notes
from compiler.quant_report.report import Output, Report
from compiler.quant_report.spread import Spread
from compiler.quantization import histogram, table
from compiler.quantization.histogram import Histogram
from compiler.quantization.samples import batches
from compiler.quantization.thresholds import METHODS, threshold
from compiler.stages.progress import Progress, silent

BUDGET = 40e9
"""MACs that the runs may take together, three a sample: what bounds the report's time, whatever the network."""

RUNS = 3
"""Of each sample: in float, as lowered, and op by op."""


def collect(inputs: Mapping[str, Path], mode: str, limit: int, progress: Progress = silent) -> Report:
    """
    Run the network on the first evaluation samples, at most `limit` and as many as BUDGET allows, and judge it.

    `inputs` are the directories of `canonical_mlir`, `cali_table`, `tpu_mlir` and `evaluation_data`. Raises BadData.
    """
    top = files.load(inputs["canonical_mlir"], "canonical", Top, Quant)
    lowered = files.load(inputs["tpu_mlir"], "tpu", Structure, Tpu, Quant)
    session = Reference(top, threads=1)
    path = inputs["evaluation_data"] / "evaluation.npz"
    available, feeds = batches(path, session.inputs, limit)
    count = max(1, min(available, int(BUDGET // (RUNS * max(total_macs(top), 1)))))
    fed = list(islice(feeds, count))
    noise = measured(lowered, session, iter(fed))
    progress(1, 3)
    histograms = histogram.load(inputs["cali_table"] / "histograms.npz")
    spreads = {name: spread for name, h in histograms.items() if (spread := Spread.of(h)) is not None}
    entries = table.read(inputs["cali_table"] / "cali_table")
    rows = layers(top, lowered, noise, entries, spreads, {})
    spans = read_npz(inputs["cali_table"] / "samples.npz")
    samples = calibration_set(spans["low"], spans["high"])
    exact = {**fed[0], **session.run(fed[0])}
    outputs = _outputs(lowered, noise)
    half = Proxy(top, lowered, outputs[-1].tensor, fed[:1], [exact]).half() if outputs else None
    progress(2, 3)
    unseen = beyond({name: (e.low, e.high) for name, e in entries.items()}, _met(noise))
    return Report(
        mode=mode,
        method=_method(inputs["cali_table"] / "cali_table"),
        samples=len(fed),
        available=available,
        few=1,
        outputs=tuple(outputs),
        layers=tuple(rows),
        blame=blame(rows, noise),
        trials=tuple(bisect(lowered, list(noise), exact, fed[0])),
        notes=tuple(notes(rows, samples, unseen)),
        spreads=spreads,
        cuts=cuts(histograms, [row.tensor for row in rows if row.stored is not None]),
        calibration=samples,
        unseen=unseen,
        half=half,
    )


def cuts(histograms: Mapping[str, Histogram], names: Collection[str]) -> dict[str, dict[str, tuple[float, float]]]:
    """By tensor and calibration method, the range that it keeps."""
    return {
        name: {method: _kept(threshold(method, h), h) for method in METHODS}
        for name, h in histograms.items()
        if name in names and h.low <= h.high
    }


def _kept(cut: float, histogram: Histogram) -> tuple[float, float]:
    return max(histogram.low, -cut), min(histogram.high, cut)


def _met(noise: Mapping[str, Noise]) -> dict[str, tuple[float, float]]:
    return {name: (float(found.lows.min()), float(found.highs.max())) for name, found in noise.items()}


def _method(path: Path) -> str:
    """How the thresholds were found, as the table says."""
    told = (line for line in path.read_text(encoding="utf-8").splitlines() if "calculation method" in line)
    return next(told, "").partition(":")[2].strip(" []'")


def _outputs(network: Network, noise: Mapping[str, Noise]) -> Sequence[Output]:
    returned = network.main.body.block.last_op
    names = [name_of(value) for value in returned.operands] if returned else []
    return [Output(name, noise[name].total_db, _by_channel(noise[name])) for name in names if name in noise]


def _by_channel(noise: Noise) -> tuple[float, ...]:
    pairs: list[tuple[float, float]] = np.column_stack([noise.signals, noise.noises]).tolist()
    return tuple(decibels(signal, error) for signal, error in pairs if signal > 0)
