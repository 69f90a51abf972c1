"""All that the report has to say, before it is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from compiler.quant_report.bisect import Trial
from compiler.quant_report.blame import Blame
from compiler.quant_report.calibration_set import CalibrationSet
from compiler.quant_report.layers import Layer
from compiler.quant_report.notes import Note
from compiler.quant_report.spread import Spread
from compiler.quantization.sensitivity import Sensitivity

DRAWN, PARTS = 6, 64
"""Histograms that a small picture has room for, and their steps from the least value to the greatest."""


@dataclass(frozen=True)
class Output:
    """A result of the network, or of joined tensors one: signal to noise, and where it lies in the result."""

    tensor: str
    where: str
    total_db: float


@dataclass(frozen=True)
class Half:
    """Signal to noise of the results by fake quantisation, weights to nearest: `both` halves, and each by itself."""

    weights: float
    activations: float
    both: float


@dataclass(frozen=True)
class Point:
    """A network that the search for mixed precision measured, and that no other beats in cycles and in exactness."""

    float_ops: int
    cycles: int
    sqnr_db: float
    chosen: bool


@dataclass(frozen=True)
class Report:
    """
    One lowered network's. Of `available` evaluation samples `samples` were run, `few` of them by fake quantisation.

    `results_db` is the signal to noise of all `outputs`, each of which counts as much.
    `cuts` are the ranges of each calibration method by tensor; `unseen` by how much tensors of this run leave the range
    that calibration saw.
    """

    mode: str
    method: str
    samples: int
    available: int
    few: int
    outputs: tuple[Output, ...]
    results_db: float
    layers: tuple[Layer, ...]
    blame: Blame | None
    trials: tuple[Trial, ...]
    notes: tuple[Note, ...]
    spreads: Mapping[str, Spread]
    cuts: Mapping[str, Mapping[str, tuple[float, float]]]
    calibration: CalibrationSet | None
    unseen: Mapping[str, float]
    half: Half | None = None
    sensitive: tuple[Sensitivity, ...] = ()
    pareto: tuple[Point, ...] = ()

    @property
    def output_db(self) -> float:
        """Signal to noise of the last tensor, the network's result."""
        return self.layers[-1].total_db

    @property
    def quantised(self) -> Sequence[Layer]:
        """The rows that are stored in steps."""
        return [row for row in self.layers if row.stored is not None]

    @property
    def worst_clipped(self) -> Layer | None:
        """The tensor of which calibration saw the largest share beyond its type; None if there is none. Not inner."""
        cut = [row for row in self.quantised if row.stored and row.stored.clipped and not row.inner]
        return max(cut, key=lambda row: row.stored.clipped or 0.0 if row.stored else 0.0, default=None)

    def plain(self) -> dict[str, Any]:
        """All of it as JSON values; of the histograms, those of the noisiest tensors, in PARTS steps."""
        held = asdict(replace(self, spreads={}))
        return held | {"output_sqnr_db": self.output_db, "spreads": [self._drawn(row) for row in self.noisiest[:DRAWN]]}

    @property
    def noisiest(self) -> Sequence[Layer]:
        """The quantised rows with values to draw, those first that are noisiest by themselves."""
        known = [row for row in self.quantised if row.tensor in self.spreads]
        return sorted(known, key=lambda row: (row.inner, row.local_db))

    def _drawn(self, row: Layer) -> dict[str, Any]:
        spread = self.spreads[row.tensor]
        counts = spread.steps(min(spread.low, 0.0), max(spread.high, 0.0), PARTS)
        span = {"low": min(spread.low, 0.0), "high": max(spread.high, 0.0)}
        return {"tensor": row.tensor, "local_db": row.local_db, **span, "counts": np.rint(counts).astype(int).tolist()}
